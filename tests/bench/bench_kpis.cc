// What ten million latencies cost from the moment they are measured until a run is judged: as bytes and back, analysed, as a
// histogram, as KPIs, with a verdict. Each round is a process of its own, so that its largest memory is that of the work alone.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <sstream>

#include "base/file.h"
#include "base/random.h"
#include "base/subprocess.h"
#include "kpi/catalog.h"
#include "kpi/latency_histogram.h"
#include "kpi/verdict.h"
#include "tests/bench/farm_process.h"
#include "tests/bench/report.h"

namespace paddock::bench {
namespace {

constexpr std::uint64_t kQueries = 10'000'000;
constexpr int kRounds = 5;

struct Round {
  double encode_s = 0;
  double decode_s = 0;
  double histogram_s = 0;
  double analyse_s = 0;
  double kpis_s = 0;
  double judge_s = 0;
  double sort_s = 0;  // the floor
  double record_mb = 0;
  double peak_mb = 0;

  double total_s() const { return encode_s + decode_s + histogram_s + analyse_s + kpis_s + judge_s; }
};

constexpr double Round::*kFields[] = {&Round::encode_s,  &Round::decode_s,  &Round::histogram_s,
                                      &Round::analyse_s, &Round::kpis_s,    &Round::judge_s,
                                      &Round::sort_s,    &Round::record_mb, &Round::peak_mb};

// A device of about a millisecond in a closed loop: lognormal, a little slower every so often, and some 60 ns between queries.
RepetitionRecord MakeRecord() {
  Random random(1);
  RepetitionRecord record;
  record.runtime = "bench 1";
  record.timer_floor_ns = 40;
  QuerySeries& queries = record.queries;
  queries.warmup_count = 1000;
  queries.start_offset_ns.reserve(kQueries);
  queries.latency_ns.reserve(kQueries);
  std::uint64_t now_ns = 0;
  for (std::uint64_t i = 0; i < kQueries; ++i) {
    if (i == queries.warmup_count) record.window_ns = now_ns;
    const double slower = random.Below(10'000) == 0 ? 3 : 1;
    const auto latency_ns = static_cast<std::uint64_t>(1e6 * slower * std::exp(0.1 * random.Normal()));
    queries.start_offset_ns.push_back(now_ns);
    queries.latency_ns.push_back(latency_ns);
    now_ns += latency_ns + 50 + random.Below(20);
  }
  record.window_ns = now_ns - record.window_ns;
  return record;
}

double TakeSeconds(std::chrono::steady_clock::time_point* begin) {
  const auto now = std::chrono::steady_clock::now();
  return std::chrono::duration<double>(now - std::exchange(*begin, now)).count();
}

double PeakMegabytes() {
  std::istringstream status(Must(ReadFile("/proc/self/status")));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) * 1024 / 1e6;
  }
  GiveUp("/proc/self/status has no VmHWM");
}

double SortSeconds(std::vector<std::uint64_t> values) {
  auto at = std::chrono::steady_clock::now();
  std::sort(values.begin(), values.end());
  return TakeSeconds(&at);
}

int ChildMain(const std::string& result_path) {
  Round round;
  std::string bytes;
  RepetitionRecord record = MakeRecord();
  auto at = std::chrono::steady_clock::now();
  bytes = EncodeRepetition(record);
  round.encode_s = TakeSeconds(&at);
  round.record_mb = static_cast<double>(bytes.size()) / 1e6;

  record = RepetitionRecord();
  TakeSeconds(&at);
  record = Must(DecodeRepetition(bytes));
  round.decode_s = TakeSeconds(&at);
  const LatencyHistogram histogram = MakeLatencyHistogram(record);
  round.histogram_s = TakeSeconds(&at);
  RunEvidence evidence;
  evidence.repetitions_planned = 1;
  evidence.repetitions.emplace_back(std::move(record));
  round.analyse_s = TakeSeconds(&at);
  const KpiReport kpis = ComputeKpis(evidence);
  round.kpis_s = TakeSeconds(&at);
  const Judgement judgement = Judge(evidence, Scenario());
  round.judge_s = TakeSeconds(&at);
  round.peak_mb = PeakMegabytes();

  if (judgement.verdict != Verdict::kValid || !kpis.values.contains("latency_p999") ||
      histogram.encoded.empty())
    GiveUp("the run of the benchmark is not valid: " + judgement.reasons.front().detail);
  evidence.repetitions.clear();
  round.sort_s = SortSeconds(MakeRecord().queries.latency_ns);
  std::ostringstream out;
  out.precision(12);
  for (double Round::*field : kFields) out << round.*field << " ";
  Must(WriteFileAtomically(result_path, out.str()));
  return 0;
}

Round RunRound(const TempDir& folder) {
  const std::string path = folder / "round";
  ProcessRequest request;
  request.argv = {ProgramFolder() + "/bench_kpis", "--child", path};
  request.environment = CleanEnvironment();
  const ProcessResult result = Must(RunProcess(request, Deadline::After(std::chrono::minutes(2))));
  if (!result.succeeded()) GiveUp(result.Describe() + " " + result.stderr_text);
  Round round;
  std::istringstream in(Must(ReadFile(path)));
  for (double Round::*field : kFields) in >> round.*field;
  return round;
}

void Run() {
  const TempDir folder;
  std::vector<Round> rounds;
  for (int i = 0; i < kRounds; ++i) rounds.push_back(RunRound(folder));
  const auto spread = [&](auto figure) {
    std::vector<double> values;
    for (const Round& round : rounds) values.push_back(figure(round));
    return SpreadOf(values);
  };
  const auto of = [&](double Round::*field) {
    return spread([&](const Round& round) { return round.*field; });
  };
  const auto part = [&](Table& table, const std::string& what, double Round::*field) {
    table.Row("  of it " + what + ", s", Number(of(field).median, 2), "", "", Range(of(field), 2));
  };
  Table table("Recording and computing all KPIs of 10 million samples, one repetition, " +
              std::to_string(kRounds) + " rounds, a fresh process each");
  const Spread total = spread([](const Round& round) { return round.total_s(); });
  const Spread floor = of(&Round::sort_s);
  table.Row("record, read, analyse, KPIs, verdict, s", Number(total.median, 2), "<= 2",
            Number(floor.median, 2), Range(total, 2) + " (std::sort " + Range(floor, 2) + ")");
  part(table, "encoding the record", &Round::encode_s);
  part(table, "decoding it", &Round::decode_s);
  part(table, "the histogram", &Round::histogram_s);
  part(table, "the analysis", &Round::analyse_s);
  part(table, "the KPIs", &Round::kpis_s);
  part(table, "the verdict", &Round::judge_s);
  const Spread peak = of(&Round::peak_mb);
  table.Row("peak memory (VmHWM), MB", Number(peak.median, 0), "<= 300", Number(kQueries * 16 / 1e6, 0),
            Range(peak, 0));
  table.Row("record, bytes a sample", Number(of(&Round::record_mb).median * 1e6 / kQueries, 2), "~3", "", "");
  Note(
      "floor of the time: std::sort of the same latencies; of the memory: start and latency as 64-bit "
      "integers");
}

}  // namespace
}  // namespace paddock::bench

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--child") == 0) return paddock::bench::ChildMain(argv[2]);
  paddock::bench::Run();
}

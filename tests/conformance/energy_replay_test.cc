// Published energy traces, which LPM01As recorded, played as the lines of one, with the device's edges between them; what comes
// out at the end must be what was published. The lines arrive by a clock that is made up, since the traces last for minutes.
// Skips where the results are not there.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "base/strict_json.h"
#include "device_drivers/meters/instruments.h"
#include "device_drivers/meters/sample_queue.h"
#include "kpi/catalog.h"
#include "kpi/mlperf_tiny/energy_trace.h"
#include "kpi/verdict.h"

namespace paddock {
namespace {

constexpr std::int64_t kReplayMsNs = 1'000'000;
constexpr std::int64_t kReplayBeginNs = 7'000'000'000'000;

std::optional<std::string> PublishedFile(const std::string& name) {
  const char* const shared = std::getenv("PADDOCK_SHARED");
  const std::string folder = shared ? shared : PADDOCK_SOURCE_DIR "/../shared";
  const std::string path = folder + "/data/mlperf-tiny-results/" + name;
  if (!std::filesystem::exists(path)) {
    WARN("skipped: there is no " << path);
    return std::nullopt;
  }
  auto bytes = ReadFile(path);
  REQUIRE(bytes.status().ToString() == "OK");
  return *std::move(bytes);
}

// A stream at 1 kHz: edges before the sample with that index, and the command of each window, in milliseconds.
struct Recording {
  std::vector<std::string> samples;
  std::vector<std::uint64_t> edges;
  std::vector<EdgeWindow> windows;
  std::optional<std::size_t> untold_edge;  // counted by the meter, and nothing more

  void AddWindow(std::uint64_t inferences, std::int64_t begin_ms, std::int64_t end_ms) {
    windows.push_back(
        {inferences, {kReplayBeginNs + begin_ms * kReplayMsNs, kReplayBeginNs + end_ms * kReplayMsNs}});
  }
};

std::string SampleLine(double joules) {
  char text[16];
  std::snprintf(text, sizeof text, "%04lld-08", std::llround(joules * 1e8));
  return text;
}

// As much as an LPM01A says, byte for byte; each line up to 2 ms late, and some in bursts.
PowerTrace Play(const Recording& recording) {
  const auto protocol = Lpm01aProtocol(1800, 1000, true);
  static_cast<void>(protocol->StartCommands());
  SampleQueue queue;
  LineStream stream(*protocol, queue);
  Random random(3);
  std::int64_t now_ns = 0;
  std::size_t edge = 0;
  PowerTrace trace;
  trace.meter = (*CreateLpm01aMeter({{"port", "none"}, {"edges", "d7"}}, ""))->Describe();
  for (std::size_t i = 0; i <= recording.samples.size(); ++i) {
    for (; edge < recording.edges.size() && recording.edges[edge] == i; ++edge) {
      char event[32];
      std::snprintf(event, sizeof event, "event %02u ris", static_cast<unsigned>(edge % 100));
      if (recording.untold_edge != edge) stream.Take(event, now_ns);
    }
    if (i == recording.samples.size()) break;
    const std::int64_t end_ns = kReplayBeginNs + static_cast<std::int64_t>(i + 1) * kReplayMsNs;
    now_ns = std::max(now_ns, end_ns + static_cast<std::int64_t>(random.Below(2 * kReplayMsNs)));
    if (random.Below(2000) == 0) now_ns += 80 * kReplayMsNs;
    stream.Take(recording.samples[i], now_ns);
    if ((i + 1) % 1000 != 0) continue;
    char stamp[48];
    std::snprintf(stamp, sizeof stamp, "TimeStamp: %03us 000ms, buff 00%%",
                  static_cast<unsigned>((i + 1) / 1000));
    stream.Take(stamp, now_ns);
    REQUIRE(queue.Drain(&trace).ok());
  }
  REQUIRE(queue.Drain(&trace).ok());
  REQUIRE(trace.value.size() == recording.samples.size());
  REQUIRE(trace.overflow_count == 0);
  return trace;
}

// As it comes to the coordinator.
RunEvidence EvidenceOfReplay(const Recording& recording) {
  RepetitionRecord record;
  record.clock = kDeviceClock;
  record.queries.start_offset_ns = {0};
  record.queries.latency_ns = {1};
  record.window_ns = 1;
  record.edge_source = kGpioEdges;
  record.edge_windows = recording.windows;
  record.power = Play(recording);
  RunEvidence evidence;
  evidence.repetitions_planned = 1;
  evidence.repetitions.emplace_back(DecodeRepetition(EncodeRepetition(record)).value());
  return evidence;
}

std::string Figure(const RunEvidence& evidence, const char* kpi, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, ComputeKpis(evidence).values.at(kpi).value * 1e6);
  return text;
}

std::vector<std::string> Joules(const RunEvidence& evidence) {
  std::vector<std::string> joules;
  for (const EnergyResult& energy : evidence.repetitions.at(0).energies) {
    char text[64];
    std::snprintf(text, sizeof text, "%.3f", *energy.gross_j * 1e6);
    joules.emplace_back(text);
  }
  return joules;
}

std::string WindowsReason(const RunEvidence& evidence) {
  for (const Reason& reason : Judge(evidence, {}).reasons) {
    if (reason.code == "ENERGY_WINDOWS") return reason.detail;
  }
  return "";
}

// v0.5 to v1.2: sample k lies at the sum of k milliseconds, and those strictly between two time stamps count.
std::optional<Recording> OldRecording(const std::string& folder, std::uint64_t inferences) {
  const auto bytes = PublishedFile(folder + "/energy/trace1-energy.bin");
  const auto stamps = PublishedFile(folder + "/energy/trace1-timestamps.json");
  if (!bytes || !stamps) return std::nullopt;
  const auto trace = mlperf_tiny::ParseEnergyTrace(*bytes, "samples", *stamps, "stamps");
  REQUIRE(trace.status().ToString() == "OK");
  const auto windows = mlperf_tiny::PoweredWindows(*trace);
  Recording recording;
  std::size_t next = 0;
  double time_s = 0;
  for (const float sample_uj : trace->samples_uj) {
    const auto index = static_cast<std::uint64_t>(recording.samples.size());
    // A window ends before the sample at its stamp; it begins, as the board's start does, behind it.
    while (next < trace->timestamps_s.size()) {
      const double stamp_s = trace->timestamps_s[next];
      bool is_end = false;
      for (const auto& window : windows) is_end = is_end || window.end_s == stamp_s;
      if (is_end ? time_s < stamp_s : time_s <= stamp_s) break;
      recording.edges.push_back(index);
      ++next;
    }
    recording.samples.push_back(SampleLine(static_cast<double>(sample_uj) * 1e-6));
    time_s += 0.001;
  }
  for (const auto& window : windows) {
    recording.AddWindow(inferences, std::llround(window.begin_s * 1000) - 300,
                        std::llround(window.end_s * 1000) + 200);
  }
  return recording;
}

// v1.3: a recording for each input; the time stamps are sample numbers.
std::optional<Recording> NewRecording(const std::string& name) {
  const auto text = PublishedFile(name);
  if (!text) return std::nullopt;
  const auto entries = ParseJson(*text, "results.json", {256 << 20, 12, 8'000'000});
  REQUIRE(entries.status().ToString() == "OK");
  Recording recording;
  for (const Json& entry : *entries) {
    const auto begin = static_cast<std::int64_t>(recording.samples.size());
    for (const Json& stamp : entry.at("power").at("timestamps"))
      recording.edges.push_back(static_cast<std::uint64_t>(begin) + stamp.at(1).get<std::uint64_t>());
    for (const Json& sample : entry.at("power").at("samples"))
      recording.samples.push_back(SampleLine(sample.get<double>()));
    recording.AddWindow(entry.at("infer").at("iterations").get<std::uint64_t>(), begin + 100,
                        static_cast<std::int64_t>(recording.samples.size()) - 50);
  }
  return recording;
}

}  // namespace

TEST_CASE("v1.0 through the meter: every window's energy and their median are the published ones",
          "[conformance]") {
  const auto recording = OldRecording("v1.0-OctoML-L4R5ZI-kws", 110);
  if (!recording) return;
  const RunEvidence evidence = EvidenceOfReplay(*recording);
  CHECK(Joules(evidence) ==
        std::vector<std::string>{"575449.020", "574767.590", "575329.990", "575379.480", "575287.000"});
  CHECK(Figure(evidence, "energy_per_inference", "%.3f") == "5230.273");
  CHECK(Figure(evidence, "power_mean", "%.3f") == "52283.714");
  CHECK(WindowsReason(evidence).empty());
}

TEST_CASE("v1.1 through the meter: four windows, one of them short, give the published median and a reason",
          "[conformance]") {
  const auto recording = OldRecording("v1.1-ST-L4R5ZI-ic", 50);
  if (!recording) return;
  const RunEvidence evidence = EvidenceOfReplay(*recording);
  // The file has the samples as float32, the meter said them in four digits: 7019.0855 uJ from these.
  CHECK(ComputeKpis(evidence).values.at("energy_per_inference").value == Approx(7019.085e-6).margin(1e-9));
  CHECK_THAT(WindowsReason(evidence), Catch::Contains("4 windows, the shortest of 9.98"));
}

TEST_CASE("v1.3 through the meter: the published median", "[conformance]") {
  const auto recording = NewRecording("v1.3-ST-L4R5ZI-P-kws/energy/results.json");
  if (!recording) return;
  const RunEvidence evidence = EvidenceOfReplay(*recording);
  CHECK(Figure(evidence, "energy_per_inference", "%.4f") == "1430.6681");
  CHECK(WindowsReason(evidence).empty());
}

TEST_CASE("an edge of a published trace that is counted and not told leaves no energy", "[conformance]") {
  auto recording = NewRecording("v1.3-ST-L4R5ZI-P-kws/energy/results.json");
  if (!recording) return;
  recording->untold_edge = 5;
  CHECK(ComputeKpis(EvidenceOfReplay(*recording)).missing.at("energy_per_inference") == "lost_edges");
}

}  // namespace paddock

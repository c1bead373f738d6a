#include "kpi/edge_energy.h"

#include <catch2/catch.hpp>

#include "base/strict_json.h"
#include "evidence.h"
#include "kpi/verdict.h"

namespace paddock {
namespace {

constexpr std::int64_t kEdgeMs = 1'000'000;

// Milliseconds; edges are after that many samples.
struct MarkedCommand {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::vector<std::uint64_t> edges{};
};

// A sample each millisecond, that of the time t at t: 10 mW, and 30 mW between the last two edges of each command.
struct MarkedRun {
  PowerTrace trace;
  std::vector<TimeSpan> commands;

  explicit MarkedRun(const std::vector<MarkedCommand>& given, std::int64_t samples) {
    trace.meter.source = "lpm01a";
    trace.meter.boundary = "external";
    trace.meter.kind = MeterKind::kAveraged;
    trace.meter.averaging_ns = kEdgeMs;
    trace.meter.period_ns = kEdgeMs;
    trace.meter.edge_input = "d7";
    trace.value.assign(static_cast<std::size_t>(samples), 10'000);
    for (std::int64_t t = 0; t < samples; ++t) trace.at_ns.push_back(t * kEdgeMs);
    trace.read_ns.assign(trace.value.size(), 0);
    for (const MarkedCommand& command : given) {
      commands.push_back({command.begin * kEdgeMs, command.end * kEdgeMs});
      trace.edges.insert(trace.edges.end(), command.edges.begin(), command.edges.end());
      if (command.edges.size() < 2) continue;
      for (std::uint64_t i = *(command.edges.end() - 2); i < command.edges.back(); ++i)
        trace.value[i] = 30'000;
    }
    trace.idle_before = TimeSpan{0, 400 * kEdgeMs};
    trace.idle_after = TimeSpan{(samples - 400) * kEdgeMs, (samples - 2) * kEdgeMs};
  }
  std::vector<EnergyResult> Energies() const { return EnergiesBetweenEdges(trace, commands); }
};

std::vector<std::string> ProblemsOf(const EnergyResult& result) {
  std::vector<std::string> codes;
  for (const EnergyProblem& problem : result.problems) codes.push_back(problem.code);
  return codes;
}
using ProblemCodes = std::vector<std::string>;

// A repetition of a board: `count` windows of `window_s`, 10 ms an inference, the window k with 3 + k mW.
RepetitionRecord BoardRepetition(std::uint64_t count, double window_s) {
  const auto window_ms = static_cast<std::int64_t>(window_s * 1000);
  std::vector<MarkedCommand> commands;
  std::int64_t now = 500;
  for (std::uint64_t k = 0; k < count; ++k) {
    const auto first = static_cast<std::uint64_t>(now + 5);
    commands.push_back({now, now + window_ms + 20, {first, first + static_cast<std::uint64_t>(window_ms)}});
    now += window_ms + 1000;
  }
  MarkedRun run(commands, now + 1000);
  RepetitionRecord record = MakeRepetition(0, 100, 10 * kEdgeMs);
  record.clock = kDeviceClock;
  record.edge_source = kGpioEdges;
  for (std::uint64_t k = 0; k < count; ++k) {
    record.edge_windows.push_back({static_cast<std::uint64_t>(window_ms) / 10, run.commands[k]});
    for (std::uint64_t i = run.trace.edges[2 * k]; i < run.trace.edges[2 * k + 1]; ++i)
      run.trace.value[i] = static_cast<std::int64_t>(3 + k) * 1000;
  }
  record.power = run.trace;
  return record;
}

RunEvidence EvidenceOf(const RepetitionRecord& record) {
  RunEvidence evidence;
  evidence.repetitions_planned = 1;
  evidence.repetitions.emplace_back(record);
  return evidence;
}

std::optional<Reason> ReasonOf(const RepetitionRecord& record, const std::string& code) {
  Scenario scenario;
  scenario.min_duration_s = 0;
  scenario.min_inferences = 1;
  for (const Reason& reason : Judge(EvidenceOf(record), scenario).reasons) {
    if (reason.code == code) return reason;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("the samples between two edges are the window's, neither one more nor one less", "[kpi][energy]") {
  const MarkedRun run({{500, 1600, {510, 1510}}, {2000, 3100, {2007, 3008}}}, 4000);
  const auto energies = run.Energies();
  REQUIRE(energies.size() == 2);
  CHECK(energies[0].problems.empty());
  CHECK(energies[0].samples == 1000);
  CHECK(*energies[0].gross_j == Approx(0.03).epsilon(1e-12));
  CHECK(energies[0].duration_s == Approx(1));
  CHECK(*energies[0].mean_w == Approx(0.03).epsilon(1e-12));
  CHECK(*energies[0].idle_w == Approx(0.01));
  CHECK(*energies[0].net_j == Approx(0.02));
  CHECK(energies[1].samples == 1001);
  CHECK(*energies[1].gross_j == Approx(0.03003).epsilon(1e-12));
}

TEST_CASE("of more edges the last two of a command count, and late ones are still its own", "[kpi][energy]") {
  // Activity of the pin at the start, then a window; of the second command both edges come after its end.
  const MarkedRun run(
      {{500, 1600, {420, 600, 610, 1510}}, {2000, 2500, {2550, 2650}}, {3000, 3500, {3100, 3300}}}, 4000);
  const auto energies = run.Energies();
  REQUIRE(energies.size() == 3);
  CHECK(energies[0].samples == 900);
  CHECK(energies[1].samples == 100);
  CHECK(energies[2].samples == 200);
  // What is further away belongs to nobody.
  MarkedRun alone({{1500, 2500, {1600, 2400}}}, 4000);
  alone.trace.edges = {990, 1600, 2400, 3001};
  CHECK(alone.Energies().at(0).samples == 800);
  alone.trace.edges = {1600, 2400, 2600, 2999};
  CHECK(alone.Energies().at(0).samples == 399);
}

TEST_CASE("without two edges a window has no energy, and the others have theirs", "[kpi][energy]") {
  const MarkedRun run({{500, 1600, {510}}, {2000, 3100, {2007, 3008}}, {3500, 3600}}, 4000);
  const auto energies = run.Energies();
  REQUIRE(energies.size() == 3);
  CHECK(ProblemsOf(energies[0]) == ProblemCodes{"NO_EDGES"});
  CHECK_FALSE(energies[0].gross_j);
  CHECK(IsBelievable(energies[1]));
  CHECK(ProblemsOf(energies[2]) == ProblemCodes{"NO_EDGES"});

  MarkedRun nothing({{500, 1600}}, 0);
  CHECK(ProblemsOf(nothing.Energies().at(0)).at(0) == "NO_EDGES");
  nothing.trace.edges = {0, 0};
  CHECK(ProblemsOf(nothing.Energies().at(0)).at(0) == "NO_EDGES");
}

TEST_CASE("an edge that was lost leaves no energy at all: nobody knows which it was", "[kpi][energy]") {
  MarkedRun run({{500, 1600, {510, 1510}}}, 2000);
  run.trace.lost_edges = 1;
  CHECK(ProblemsOf(run.Energies().at(0)) == ProblemCodes{"LOST_EDGES"});
  CHECK_FALSE(run.Energies().at(0).gross_j);
}

TEST_CASE("a sum with samples lost is not believed", "[kpi][energy]") {
  MarkedRun run({{500, 1600, {510, 1510}}}, 2000);
  // A meter that lost 2 of 100: they are neither gaps of 3 periods nor less than 95 %.
  for (std::size_t i = 0; i < run.trace.at_ns.size(); ++i)
    run.trace.at_ns[i] += static_cast<std::int64_t>(i / 50) * kEdgeMs;
  const EnergyResult energy = run.Energies().at(0);
  CHECK(ProblemsOf(energy) == ProblemCodes{"ENERGY_COVERAGE"});
  CHECK_FALSE(IsBelievable(energy));
}

TEST_CASE("a repetition's energy is the median of its windows'", "[kpi][energy]") {
  RepetitionRecord record = BoardRepetition(5, 10);
  KpiReport kpis = ComputeKpis(EvidenceOf(record));
  CHECK(kpis.values.at("energy_per_inference").value == Approx(5e-3 * 0.01));
  CHECK(kpis.values.at("power_mean").value == Approx(5e-3));
  CHECK(kpis.values.at("energy_net_per_inference").value == Approx(-5e-3 * 0.01));
  CHECK(kpis.values.at("inferences_per_joule").value == Approx(1 / (5e-3 * 0.01)));
  CHECK_FALSE(ReasonOf(record, "ENERGY_WINDOWS"));
  const auto source = ReasonOf(record, "ENERGY_SOURCE");
  REQUIRE(source);
  const Json figures = Json::parse(source->evidence).at("repetitions").at(0);
  CHECK(figures.at("edge_source") == "gpio");
  CHECK(figures.at("windows").size() == 5);
  CHECK(figures.at("windows")[4].at("inferences") == 1000);
  CHECK_FALSE(figures.contains("problems"));
}

TEST_CASE("fewer than five windows, or one under 10 s, make the run inconclusive", "[kpi][energy]") {
  const auto reason = ReasonOf(BoardRepetition(4, 10), "ENERGY_WINDOWS");
  REQUIRE(reason);
  CHECK_THAT(reason->detail, Catch::Contains("4 windows") && Catch::Contains("five of at least 10 s"));
  const auto shorter = ReasonOf(BoardRepetition(5, 9.99), "ENERGY_WINDOWS");
  REQUIRE(shorter);
  CHECK_THAT(shorter->detail, Catch::Contains("the shortest of 9.99 s"));
  CHECK(Judge(EvidenceOf(BoardRepetition(5, 9.99)), ShortScenario()).verdict == Verdict::kInconclusive);
}

TEST_CASE("windows whose inferences take other times than the measured ones are told", "[kpi][energy]") {
  RepetitionRecord record = BoardRepetition(5, 10);
  for (EdgeWindow& window : record.edge_windows) window.samples = 900;
  CHECK_THAT(ReasonOf(record, "ENERGY_SOURCE")->detail, Catch::Contains("ENERGY_RUN_DIFFERS"));
}

TEST_CASE("no edge, no energy: the code says why", "[kpi][energy]") {
  const auto missing = [](const RepetitionRecord& record) {
    return ComputeKpis(EvidenceOf(record)).missing.at("energy_per_inference");
  };
  RepetitionRecord record = BoardRepetition(5, 10);
  record.power->lost_edges = 2;
  CHECK(missing(record) == "lost_edges");
  CHECK_FALSE(ReasonOf(record, "ENERGY_WINDOWS"));
  record.power->lost_edges = 0;
  record.power->edges.clear();
  CHECK(missing(record) == "no_edges");
  CHECK_THAT(ReasonOf(record, "ENERGY_SOURCE")->detail, Catch::Contains("NO_EDGES"));
  record.edge_windows.clear();
  CHECK(missing(record) == "no_edges");
  CHECK_FALSE(ReasonOf(record, "ENERGY_SOURCE"));

  record = MakeRepetition(0, 100, 10 * kEdgeMs);
  record.edge_source = kNoEdges;
  record.no_energy = "the meter sees no edges";
  CHECK(missing(record) == "no_edges");
  CHECK_THAT(ReasonOf(record, "ENERGY_SOURCE")->detail, Catch::Contains("the meter sees no edges"));
}

}  // namespace paddock

#include "agent/edge_windows.h"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

namespace paddock::agent {
namespace {

constexpr double kWindowMargin = 1.05;  // what the device's clock may differ from the meter's

constexpr auto kBetweenLooks = std::chrono::milliseconds(10);

std::int64_t NowNs(const Clock& clock) { return clock.Now().time_since_epoch().count(); }

void SetNoEdges(std::string why, RepetitionRecord* record) {
  record->edge_source = kNoEdges;
  record->no_energy = std::move(why);
}

// Until there are two, or for the time that they have.
Result<std::size_t> AwaitEdges(EnergyMeasurement& energy, const Clock& clock) {
  const std::chrono::duration<double> within(energy.times().first_edges_s);
  const MonotonicTime begin = clock.Now();
  std::size_t seen = 0;
  while (true) {
    PADDOCK_ASSIGN_OR_RETURN(const std::size_t edges, energy.TakeEdges());
    seen += edges;
    if (seen >= 2 || clock.Now() - begin > within) return seen;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

// Whether the edges of an inference are seen; if not, the record says why.
Result<bool> SeesEdges(Session& session, const BoundQuery& query, EnergyMeasurement& energy,
                       const Clock& clock, RepetitionRecord* record) {
  Result<std::size_t> edges = energy.TakeEdges();
  const Status run = session.InvokeBetweenEdges(query.handle, 1);
  if (run.code() == StatusCode::kUnimplemented) {
    SetNoEdges(run.message(), record);
    return false;
  }
  PADDOCK_RETURN_IF_ERROR(run);
  if (edges.ok()) edges = AwaitEdges(energy, clock);
  if (!edges.ok()) {
    record->no_energy = edges.status().message();
    return false;
  }
  if (*edges >= 2) return true;
  SetNoEdges("the meter saw " + std::to_string(*edges) +
                 " edges of an inference that makes two; is the device's pin wired to the meter's input?",
             record);
  return false;
}

}  // namespace

Status MeasureBetweenEdges(Session& session, std::span<const BoundQuery> queries, double inference_ns,
                           EnergyMeasurement& energy, const Clock& clock, RepetitionRecord* record) {
  PADDOCK_ASSIGN_OR_RETURN(const bool seen, SeesEdges(session, queries[0], energy, clock, record));
  if (!seen) return OkStatus();
  const auto count =
      static_cast<std::uint64_t>(std::ceil(energy.MinWindowS() * 1e9 * kWindowMargin / inference_ns));
  energy.WaitIdle();
  for (std::uint64_t i = 0; i < kMinEnergyWindows; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::duration<double>(energy.times().between_windows_s));
    const BoundQuery& query = queries[i % queries.size()];
    EdgeWindow window{count * query.samples, {NowNs(clock), 0}};
    PADDOCK_RETURN_IF_ERROR(session.InvokeBetweenEdges(query.handle, count));
    window.command.end_ns = NowNs(clock);
    record->edge_windows.push_back(window);
  }
  auto trace = energy.Finish();
  if (trace.ok()) {
    record->power = *std::move(trace);
    record->edge_source = kGpioEdges;
  } else {
    record->edge_windows.clear();
    record->no_energy = trace.status().message();
  }
  return OkStatus();
}

}  // namespace paddock::agent

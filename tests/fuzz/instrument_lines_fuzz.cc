// Hostile lines of the instruments beside a device: never more than samples, edges and counts of what was lost, and a trace that
// survives being written and read and whose energies can be computed. The first byte chooses the instrument.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "device_drivers/meters/instruments.h"
#include "device_drivers/meters/sample_queue.h"
#include "kpi/edge_energy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto protocol =
      data[0] % 2 == 0 ? paddock::Lpm01aProtocol(3300, 1000, true) : paddock::JoulescopeProtocol();
  static_cast<void>(protocol->StartCommands());
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  paddock::SampleQueue queue;
  paddock::LineStream stream(*protocol, queue);
  std::int64_t now_ns = 1'000'000'000'000;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    static_cast<void>(protocol->Answer("freq 1k", line));
    stream.Take(line, now_ns += 1'000'000);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  paddock::PowerTrace trace;
  if (!queue.Drain(&trace).ok()) return 0;
  trace.last_failure.clear();  // of bytes that are no text not all survive
  trace.meter.kind = paddock::MeterKind::kAveraged;
  trace.meter.period_ns = 1'000'000;
  const auto again = paddock::DecodePowerTrace(paddock::EncodePowerTrace(trace));
  PADDOCK_CHECK(again.ok() && *again == trace, "what an instrument said can be kept");
  const std::vector<paddock::TimeSpan> commands = {{1'000'000'000'000, 1'000'100'000'000},
                                                   {1'000'200'000'000, 1'000'300'000'000}};
  PADDOCK_CHECK(paddock::EnergiesBetweenEdges(trace, commands).size() == 2, "one for each window");
  return 0;
}

// Hostile bytes as a repetition record: an error, or a record that survives being written and read again and whose energies can be
// computed.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kpi/latency_analysis.h"
#include "kpi/run_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = paddock::DecodeRepetition({reinterpret_cast<const char*>(data), size});
  if (!record.ok()) {
    PADDOCK_CHECK(!record.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  const auto again = paddock::DecodeRepetition(paddock::EncodeRepetition(*record));
  PADDOCK_CHECK(again.ok(), "what was read can be written");
  PADDOCK_CHECK(again->queries.latency_ns == record->queries.latency_ns, "latencies survive");
  PADDOCK_CHECK(again->edge_windows == record->edge_windows, "windows between edges survive");
  if (record->power) static_cast<void>(paddock::EnergiesOf(*record));
  PADDOCK_CHECK(again->queries.short_queries == record->queries.short_queries, "short queries survive");
  return 0;
}

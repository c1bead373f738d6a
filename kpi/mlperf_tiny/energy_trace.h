// The energy traces of MLPerf Tiny v0.5 to v1.2: trace1-energy.bin (byte 0xF1, float32 LE samples per second, then float32 LE
// microjoules per sample) and trace1-timestamps.json (a list of seconds). Pure: takes the bytes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock::mlperf_tiny {

struct EnergyTrace {
  double samples_per_s = 1000;
  std::vector<float> samples_uj;
  std::vector<double> timestamps_s;  // ascending
};

// INVALID_ARGUMENT names the file and what is wrong: another first byte, a sample cut off or not finite, a rate outside
// 1 Hz to 1 MHz, time stamps that are no ascending list of numbers.
Result<EnergyTrace> ParseEnergyTrace(std::string_view bytes, std::string_view source,
                                     std::string_view timestamps_json, std::string_view timestamps_source);

struct PoweredWindow {
  double begin_s = 0;
  double end_s = 0;
  double energy_j = 0;
  std::uint64_t samples = 0;
  double power_w = 0;          // energy over samples / rate, as the runner did; 0 without samples
  bool outside_trace = false;  // the trace ends before the window does
};

// The pairs of time stamps, each with the samples strictly between its two: sample k lies at the sum of k steps of 1 / rate,
// added up one by one in double precision. That rule, rounding included, reproduces every published figure; integer indices
// would differ by a sample at some edges. The first stamp is dropped when it is the board's start: with an odd number of
// stamps, and when it comes within half a second of the trace's beginning, before the runner has loaded any input.
// A last stamp without a partner is passed over.
std::vector<PoweredWindow> PoweredWindows(const EnergyTrace& trace);

}  // namespace paddock::mlperf_tiny

#include "kpi/mlperf_tiny/energy_trace.h"

#include <cmath>
#include <cstring>

#include "base/strict_json.h"

namespace paddock::mlperf_tiny {
namespace {

constexpr unsigned char kFirstByte = 0xF1;
constexpr std::size_t kHeaderBytes = 5;
constexpr double kStartStampLimitS = 0.5;
constexpr ParseLimits kTimestampLimits{1 << 20, 4, 10'000};

float FloatAt(std::string_view bytes, std::size_t offset) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    bits |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[offset + i])) << (8 * i);
  }
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

Status BadTrace(std::string_view source, const std::string& what) {
  return InvalidArgumentError(std::string(source) + ": " + what);
}

Result<std::vector<double>> ParseTimestamps(std::string_view text, std::string_view source) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, source, kTimestampLimits));
  if (!json.is_array()) return BadTrace(source, "not a list of time stamps");
  std::vector<double> stamps;
  for (const Json& item : json) {
    const std::string where = "time stamp " + std::to_string(stamps.size());
    if (!item.is_number()) return BadTrace(source, where + " is not a number");
    const double stamp = item.get<double>();
    if (!(stamp >= 0) || !std::isfinite(stamp)) return BadTrace(source, where + " is not a time");
    if (!stamps.empty() && stamp < stamps.back())
      return BadTrace(source, where + " is before the one before it");
    stamps.push_back(stamp);
  }
  return stamps;
}

}  // namespace

Result<EnergyTrace> ParseEnergyTrace(std::string_view bytes, std::string_view source,
                                     std::string_view timestamps_json, std::string_view timestamps_source) {
  if (bytes.starts_with("version https://git-lfs"))
    return BadTrace(source, "only a Git LFS pointer; fetch the file itself with `git lfs pull`");
  if (bytes.size() < kHeaderBytes || static_cast<unsigned char>(bytes[0]) != kFirstByte)
    return BadTrace(source, "not an energy trace: byte 0 must be 0xF1, then the sample rate");
  if ((bytes.size() - kHeaderBytes) % 4 != 0) return BadTrace(source, "the last sample is cut off");
  EnergyTrace trace;
  trace.samples_per_s = static_cast<double>(FloatAt(bytes, 1));
  if (!(trace.samples_per_s >= 1 && trace.samples_per_s <= 1e6))
    return BadTrace(source, "a sample rate of " + std::to_string(trace.samples_per_s) + " Hz");
  trace.samples_uj.reserve((bytes.size() - kHeaderBytes) / 4);
  for (std::size_t offset = kHeaderBytes; offset < bytes.size(); offset += 4) {
    const float sample = FloatAt(bytes, offset);
    if (!std::isfinite(sample))
      return BadTrace(source, "sample " + std::to_string(trace.samples_uj.size()) + " is not finite");
    trace.samples_uj.push_back(sample);
  }
  PADDOCK_ASSIGN_OR_RETURN(trace.timestamps_s, ParseTimestamps(timestamps_json, timestamps_source));
  return trace;
}

std::vector<PoweredWindow> PoweredWindows(const EnergyTrace& trace) {
  const std::vector<double>& stamps = trace.timestamps_s;
  std::vector<PoweredWindow> windows;
  if (stamps.size() < 2) return windows;
  const bool has_start_stamp = stamps.size() % 2 == 1 || stamps.front() < kStartStampLimitS;
  for (std::size_t i = has_start_stamp ? 1 : 0; i + 1 < stamps.size(); i += 2)
    windows.push_back({stamps[i], stamps[i + 1]});

  const double step_s = 1 / trace.samples_per_s;
  double time_s = 0;
  auto window = windows.begin();
  double energy_uj = 0;
  const auto finish = [&] {
    window->energy_j = energy_uj * 1e-6;
    if (window->samples > 0)
      window->power_w = window->energy_j / (static_cast<double>(window->samples) * step_s);
    energy_uj = 0;
    ++window;
  };
  for (const float sample : trace.samples_uj) {
    while (window != windows.end() && time_s >= window->end_s) finish();
    if (window == windows.end()) break;
    if (time_s > window->begin_s) {
      energy_uj += static_cast<double>(sample);
      ++window->samples;
    }
    time_s += step_s;
  }
  while (window != windows.end()) {
    window->outside_trace = window->end_s > time_s;
    finish();
  }
  return windows;
}

}  // namespace paddock::mlperf_tiny

// Small files in the forms of MLPerf Tiny submissions.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "kpi/mlperf_tiny/submission.h"

namespace paddock::mlperf_tiny {

// One loop as the runner of v0.5 to v1.2 logs it in performance mode.
inline std::string TimedLoop(int iterations, std::uint64_t begin_us, std::uint64_t end_us) {
  return "00010.001 dut: m-infer-start-" + std::to_string(iterations) + "\n00010.002 dut: m-lap-us-" +
         std::to_string(begin_us) + "\n00020.002 dut: m-lap-us-" + std::to_string(end_us) +
         "\n00020.003 dut: m-infer-done\n00020.004 dut: m-results-[0.100,0.900]\n00020.005 dut: m-ready\n";
}

inline std::string SessionStart() {
  return "00001.000 session: m-session-start-id[20220101000000]\n00001.001 dut: m-model-[vww01]\n"
         "00001.002 dut: m-lap-us-5\n";
}

inline std::string FiveLoops() {
  std::string log = SessionStart();
  for (std::uint64_t i = 0; i < 5; ++i) {
    const std::uint64_t begin_us = 100'000'000 * (i + 1);
    log += TimedLoop(100, begin_us, begin_us + 10'000'000 + 1'000'000 * i);
  }
  return log;
}

inline std::string TraceBytes(float rate, const std::vector<float>& samples) {
  std::string bytes = "\xF1";
  const auto add = [&](float value) {
    char raw[4];
    std::memcpy(raw, &value, 4);  // the tests run on little-endian machines, as everything here does
    bytes.append(raw, 4);
  };
  add(rate);
  for (const float sample : samples) add(sample);
  return bytes;
}

inline std::string InferAnswer(const std::string& input, const std::string& scores) {
  return "00001.0 parser: Command \"bload dut \"C:\\data\\ic01\\" + input +
         "\"\"\n00001.1 dut: m-infer-start-1\n00001.1 dut: m-lap-us-1\n00001.2 dut: m-lap-us-2\n"
         "00001.2 dut: m-infer-done\n00001.3 dut: m-results-[" +
         scores + "]\n";
}

inline const ImportReason* FindReason(const PartResult& part, const std::string& code) {
  for (const ImportReason& reason : part.reasons) {
    if (reason.code == code) return &reason;
  }
  return nullptr;
}

}  // namespace paddock::mlperf_tiny

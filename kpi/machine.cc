#include "kpi/machine.h"

#include <algorithm>
#include <cstdio>

namespace paddock {
namespace {

using Words = std::map<std::string, std::string>;

std::string MegahertzText(std::uint64_t low_hz, std::uint64_t high_hz) {
  const auto megahertz = [](std::uint64_t hz) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", static_cast<double>(hz) / 1e6);
    return std::string(text);
  };
  return (low_hz == high_hz ? "" : megahertz(low_hz) + " .. ") + megahertz(high_hz) + " MHz";
}

std::string JoinedWords(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void Put(Words& words, const char* what, const std::optional<std::string>& value) {
  if (value && !value->empty()) words[what] = *value;
}
template <typename Number>
void PutNumber(Words& words, const char* what, const std::optional<Number>& value) {
  if (value) words[what] = std::to_string(*value);
}

void DescribeIdentity(const Fingerprint& fingerprint, Words& words) {
  Put(words, "kernel", fingerprint.kernel);
  Put(words, "os_image", fingerprint.os_image);
  Put(words, "kernel_command_line", fingerprint.command_line);
  Put(words, "board", fingerprint.board);
  Put(words, "serial", fingerprint.serial);
  Put(words, "cpu_model", fingerprint.cpu_model);
  PutNumber(words, "cores", fingerprint.cores);
  Put(words, "isolated_cpus", fingerprint.isolated_cpus);
  Put(words, "huge_pages", fingerprint.huge_pages);
  PutNumber(words, "address_randomisation", fingerprint.address_randomisation);
  Put(words, "affinity", fingerprint.affinity);
  Put(words, "scheduler", fingerprint.scheduler_class);
  if (words.contains("scheduler") && fingerprint.scheduler_priority.value_or(0) != 0)
    words["scheduler"] += " " + std::to_string(*fingerprint.scheduler_priority);
  PutNumber(words, "timer_slack_ns", fingerprint.timer_slack_ns);
  Put(words, "not_permitted", JoinedWords(fingerprint.not_permitted));
}

void DescribeSettings(const EnvironmentSnapshot& snapshot, Words& words) {
  Put(words, "governor", JoinedWords(snapshot.governors));
  if (snapshot.cpu_ceiling_hz) {
    const HzRange floor = snapshot.cpu_floor_hz.value_or(*snapshot.cpu_ceiling_hz);
    words["cpu_clock"] = MegahertzText(floor.low, snapshot.cpu_ceiling_hz->high);
  }
  if (snapshot.turbo) words["turbo"] = *snapshot.turbo ? "on" : "off";
  Put(words, "power_mode", snapshot.power_mode);
  for (const auto& [name, clock] : snapshot.device_clocks) {
    words["clock_of_" + name] = MegahertzText(clock.floor_hz, clock.ceiling_hz) +
                                (clock.governor.empty() ? "" : ", " + clock.governor);
  }
  Put(words, "clock_source", snapshot.clock_source);
}

}  // namespace

Words DescribeMachine(const std::vector<const RepetitionEnvironment*>& environments) {
  std::map<std::string, std::vector<std::string>> seen;
  for (const RepetitionEnvironment* environment : environments) {
    Words words;
    DescribeIdentity(environment->fingerprint, words);
    DescribeSettings(environment->before, words);
    for (const auto& [what, value] : words) {
      std::vector<std::string>& values = seen[what];
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
  }
  Words all;
  for (const auto& [what, values] : seen) {
    std::string& text = all[what];
    for (const std::string& value : values) text += (text.empty() ? "" : "; ") + value;
  }
  return all;
}

}  // namespace paddock

#include "kpi/mlperf_tiny/results_json.h"

#include <charconv>
#include <cmath>

#include "base/strict_json.h"

namespace paddock::mlperf_tiny {
namespace {

constexpr ParseLimits kResultsLimits{256 << 20, 12, 8'000'000};
constexpr double kLargestInteger = 9007199254740992.0;  // 2^53
constexpr std::size_t kMaxErrors = 20;

const Json* Member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// Reads the members of one entry; keeps the first thing that is wrong.
class EntryReader {
 public:
  explicit EntryReader(std::string where) : where_(std::move(where)) {}

  Status status() const { return status_; }

  const Json* Object(const Json& parent, const char* key) {
    return Typed(parent, key, Json::value_t::object, "an object");
  }
  const Json* List(const Json& parent, const char* key) {
    return Typed(parent, key, Json::value_t::array, "a list");
  }

  std::optional<double> Number(const Json& parent, const char* key) {
    const Json* value = Member(parent, key);
    if (value == nullptr) return std::nullopt;
    return AsNumber(*value, key);
  }

  std::optional<double> AsNumber(const Json& value, const char* key) {
    if (value.is_number()) return value.get<double>();
    // Classes and time stamps are numbers in quotes: "7", "01".
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      double number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error == std::errc() && end == text.data() + text.size()) return number;
    }
    Fail(std::string(key) + " is not a number");
    return std::nullopt;
  }

  std::optional<std::uint64_t> Count(const Json& parent, const char* key) {
    const auto number = Number(parent, key);
    return number ? AsCount(*number, key) : std::nullopt;
  }

  std::optional<std::uint64_t> AsCount(double number, const char* key) {
    if (number >= 0 && number <= kLargestInteger && number == std::floor(number))
      return static_cast<std::uint64_t>(number);
    Fail(std::string(key) + " is not a count");
    return std::nullopt;
  }

  void Fail(const std::string& what) {
    if (status_.ok()) status_ = InvalidArgumentError(where_ + ": " + what);
  }

 private:
  const Json* Typed(const Json& parent, const char* key, Json::value_t type, const char* what) {
    const Json* value = Member(parent, key);
    if (value == nullptr || value->type() == type) return value;
    Fail(std::string(key) + " is not " + what);
    return nullptr;
  }

  const std::string where_;
  Status status_;
};

void ReadInference(const Json& infer, EntryReader& reader, JsonEntry* entry) {
  entry->iterations = reader.Count(infer, "iterations").value_or(0);
  const auto elapsed_us = reader.Number(infer, "elapsed_time");
  const auto begin_us = reader.Number(infer, "start_time");
  const auto end_us = reader.Number(infer, "end_time");
  if (elapsed_us) {
    entry->duration_s = *elapsed_us / 1e6;
  } else if (begin_us && end_us) {
    entry->duration_s = (*end_us - *begin_us) / 1e6;
  }
  entry->stream_s = reader.Number(infer, "length_sec");
  if (const Json* scores = reader.List(infer, "results")) {
    for (const Json& score : *scores) entry->scores.push_back(reader.AsNumber(score, "results").value_or(0));
  }
}

// The benchmarks differ in their classes, and of those with two only anomaly detection cuts its inputs into segments.
std::string ModelOf(const Json& entry, EntryReader& reader) {
  const auto classes = reader.Count(entry, "classes");
  if (classes == 12) return "kws01";
  if (classes == 10) return "ic01";
  if (classes == 2) return Member(entry, "bytes_to_send") == nullptr ? "vww01" : "ad01";
  return "";
}

// Sums the samples between the last two time stamps: earlier ones are activity of the pin before the inferences.
void ReadPower(const Json& power, EntryReader& reader, JsonEntry* entry) {
  const Json* samples = reader.List(power, "samples");
  const Json* stamps = reader.List(power, "timestamps");
  entry->has_power = samples != nullptr && !samples->empty();
  if (samples == nullptr || stamps == nullptr || stamps->size() < 2) return;
  std::uint64_t ends[2] = {};
  for (std::size_t i = 0; i < 2; ++i) {
    const Json& stamp = (*stamps)[stamps->size() - 2 + i];
    if (!stamp.is_array() || stamp.size() != 2) return reader.Fail("a time stamp is not [number, sample]");
    const auto index = reader.AsNumber(stamp[1], "the sample of a time stamp");
    ends[i] = index ? reader.AsCount(*index, "the sample of a time stamp").value_or(0) : 0;
  }
  if (ends[0] > ends[1] || ends[1] > samples->size())
    return reader.Fail("the last two time stamps are samples " + std::to_string(ends[0]) + " and " +
                       std::to_string(ends[1]) + " of " + std::to_string(samples->size()));
  JsonPower sum{ends[0], ends[1], 0};
  for (std::size_t i = ends[0]; i < ends[1]; ++i)
    sum.energy_j += reader.AsNumber((*samples)[i], "a power sample").value_or(0);
  entry->power = sum;
}

// "processing_time" of the runner is this mean, rounded.
void ReadDutyCycle(const Json& cycle, EntryReader& reader, JsonEntry* entry) {
  const Json* starts = reader.List(cycle, "start_times_s");
  const Json* stops = reader.List(cycle, "stop_times_s");
  if (starts == nullptr || stops == nullptr || starts->empty()) return;
  if (starts->size() != stops->size()) return reader.Fail("not as many stop_times_s as start_times_s");
  double busy_s = 0;
  for (std::size_t i = 0; i < starts->size(); ++i) {
    busy_s += reader.AsNumber((*stops)[i], "stop_times_s").value_or(0) -
              reader.AsNumber((*starts)[i], "start_times_s").value_or(0);
  }
  entry->processing_s = busy_s / static_cast<double>(starts->size());
}

}  // namespace

Result<ResultsJson> ParseResultsJson(std::string_view text, std::string_view source) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, source, kResultsLimits));
  if (!json.is_array()) return InvalidArgumentError(std::string(source) + ": not a list of results");
  ResultsJson results;
  for (std::size_t i = 0; i < json.size(); ++i) {
    EntryReader reader(std::string(source) + ", entry " + std::to_string(i));
    if (!json[i].is_object())
      return InvalidArgumentError(std::string(source) + ": entry " + std::to_string(i) + " is not an object");
    const Json* infer = reader.Object(json[i], "infer");
    if (infer == nullptr) {
      PADDOCK_RETURN_IF_ERROR(reader.status());
      const Json* error = Member(json[i], "error");
      if (error != nullptr && results.errors.size() < kMaxErrors)
        results.errors.push_back(error->is_string() ? error->get<std::string>().substr(0, 200) : "error");
      continue;
    }
    JsonEntry entry;
    entry.model = ModelOf(json[i], reader);
    const Json* file = Member(json[i], "file");
    if (file != nullptr && file->is_string()) entry.input = file->get<std::string>();
    if (const auto label = reader.Count(json[i], "class")) entry.label = static_cast<std::size_t>(*label);
    ReadInference(*infer, reader, &entry);
    if (const Json* power = reader.Object(json[i], "power")) ReadPower(*power, reader, &entry);
    if (const Json* cycle = reader.Object(json[i], "dutycycle")) ReadDutyCycle(*cycle, reader, &entry);
    PADDOCK_RETURN_IF_ERROR(reader.status());
    results.entries.push_back(std::move(entry));
  }
  return results;
}

}  // namespace paddock::mlperf_tiny

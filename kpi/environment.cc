#include "kpi/environment.h"

#include <utility>

#include "base/strict_json.h"

namespace paddock {
namespace {

// Each Fields() names every field of a struct once; a writer and a reader walk over them.
template <typename Visitor>
void Fields(Visitor& visit, HzRange& range) {
  visit("low", range.low);
  visit("high", range.high);
}

template <typename Visitor>
void Fields(Visitor& visit, PressureStall& pressure) {
  visit("avg10_percent", pressure.avg10_percent);
  visit("total_us", pressure.total_us);
}

template <typename Visitor>
void Fields(Visitor& visit, DeviceClock& device) {
  visit("governor", device.governor);
  visit("current_hz", device.current_hz);
  visit("floor_hz", device.floor_hz);
  visit("ceiling_hz", device.ceiling_hz);
}

template <typename Visitor>
void Fields(Visitor& visit, EnvironmentSnapshot& snapshot) {
  visit("taken_ns", snapshot.taken_ns);
  visit("governors", snapshot.governors);
  visit("cpu_current_hz", snapshot.cpu_current_hz);
  visit("cpu_floor_hz", snapshot.cpu_floor_hz);
  visit("cpu_ceiling_hz", snapshot.cpu_ceiling_hz);
  visit("cpus_that_scale", snapshot.cpus_that_scale);
  visit("turbo", snapshot.turbo);
  visit("device_clocks", snapshot.device_clocks);
  visit("power_mode", snapshot.power_mode);
  visit("temperature_max_mdegc", snapshot.temperature_max_mdegc);
  visit("temperature_zone", snapshot.temperature_zone);
  visit("throttle_counts", snapshot.throttle_counts);
  visit("cooling_states", snapshot.cooling_states);
  visit("throttled_bits", snapshot.throttled_bits);
  visit("load_average_1m", snapshot.load_average_1m);
  visit("pressure_cpu", snapshot.pressure_cpu);
  visit("pressure_io", snapshot.pressure_io);
  visit("pressure_memory", snapshot.pressure_memory);
  visit("cpu_busy_ns", snapshot.cpu_busy_ns);
  visit("cpu_idle_ns", snapshot.cpu_idle_ns);
  visit("cpu_steal_ns", snapshot.cpu_steal_ns);
  visit("memory_available_bytes", snapshot.memory_available_bytes);
  visit("swap_used_bytes", snapshot.swap_used_bytes);
  visit("own_cpu_ns", snapshot.own_cpu_ns);
  visit("own_wait_ns", snapshot.own_wait_ns);
  visit("own_voluntary_switches", snapshot.own_voluntary_switches);
  visit("own_involuntary_switches", snapshot.own_involuntary_switches);
  visit("own_migrations", snapshot.own_migrations);
  visit("own_minor_faults", snapshot.own_minor_faults);
  visit("own_major_faults", snapshot.own_major_faults);
  visit("clock_source", snapshot.clock_source);
  visit("ntp_synchronised", snapshot.ntp_synchronised);
  visit("timer_floor_ns", snapshot.timer_floor_ns);
}

template <typename Visitor>
void Fields(Visitor& visit, Fingerprint& identity) {
  visit("kernel", identity.kernel);
  visit("os_image", identity.os_image);
  visit("command_line", identity.command_line);
  visit("board", identity.board);
  visit("serial", identity.serial);
  visit("cpu_model", identity.cpu_model);
  visit("cores", identity.cores);
  visit("isolated_cpus", identity.isolated_cpus);
  visit("huge_pages", identity.huge_pages);
  visit("address_randomisation", identity.address_randomisation);
  visit("affinity", identity.affinity);
  visit("scheduler_class", identity.scheduler_class);
  visit("scheduler_priority", identity.scheduler_priority);
  visit("timer_slack_ns", identity.timer_slack_ns);
  visit("not_permitted", identity.not_permitted);
}

template <typename Visitor>
void Fields(Visitor& visit, RepetitionEnvironment& environment) {
  visit("fingerprint", environment.fingerprint);
  visit("before", environment.before);
  visit("after", environment.after);
  visit("canary_before_ns", environment.canary_before_ns);
  visit("canary_after_ns", environment.canary_after_ns);
  visit("cooldown_s", environment.cooldown_s);
  visit("cooldown_reached", environment.cooldown_reached);
}

template <typename T>
concept HasFields = std::is_same_v<T, HzRange> || std::is_same_v<T, PressureStall> ||
    std::is_same_v<T, DeviceClock> || std::is_same_v<T, EnvironmentSnapshot> ||
    std::is_same_v<T, Fingerprint> || std::is_same_v<T, RepetitionEnvironment>;

// Leaves out what is absent or empty.
class Writer {
 public:
  template <typename T>
  void operator()(const char* key, const T& value) {
    json_[key] = AsJson(value);
  }
  template <typename T>
  void operator()(const char* key, const std::optional<T>& value) {
    if (value) json_[key] = AsJson(*value);
  }
  void operator()(const char* key, const std::vector<std::string>& values) {
    if (!values.empty()) json_[key] = values;
  }
  template <typename T>
  void operator()(const char* key, const std::map<std::string, T>& values) {
    for (const auto& [name, value] : values) json_[key][name] = AsJson(value);
  }

  template <typename T>
  static Json AsJson(T value) {
    if constexpr (HasFields<T>) {
      Writer writer;
      Fields(writer, value);
      return std::move(writer.json_);
    } else {
      return value;
    }
  }

 private:
  Json json_ = Json::object();
};

class Reader {
 public:
  Reader(const Json& json, std::string path) : object_(json, std::move(path)) {}

  template <typename T>
  void operator()(const char* key, T& value) {
    if constexpr (HasFields<T>) {
      const Json* child = object_.Child(key);
      if (child != nullptr) return Nested(*child, object_.PathOf(key), &value);
      object_.Fail(InvalidArgumentError(object_.PathOf(key) + ": is missing"));
    } else {
      object_.Required(key, &value);
    }
  }
  template <typename T>
  void operator()(const char* key, std::optional<T>& value) {
    if constexpr (HasFields<T>) {
      const Json* child = object_.Child(key);
      if (child != nullptr) Nested(*child, object_.PathOf(key), &value.emplace());
    } else {
      object_.Optional(key, &value);
    }
  }
  void operator()(const char* key, std::vector<std::string>& values) { object_.Optional(key, &values); }
  void operator()(const char* key, std::map<std::string, std::uint64_t>& values) {
    object_.Optional(key, &values);
  }
  void operator()(const char* key, std::map<std::string, DeviceClock>& values) {
    const Json* child = object_.Child(key);
    if (child == nullptr) return;
    if (!child->is_object())
      return object_.Fail(InvalidArgumentError(object_.PathOf(key) + ": must be a mapping"));
    for (const auto& item : child->items())
      Nested(item.value(), object_.PathOf(key) + "." + item.key(), &values[item.key()]);
  }
  Status Finish() { return object_.Finish(); }

 private:
  template <typename T>
  void Nested(const Json& json, const std::string& path, T* value) {
    Reader reader(json, path);
    Fields(reader, *value);
    if (Status status = reader.Finish(); !status.ok()) object_.Fail(std::move(status));
  }

  StrictObject object_;
};

}  // namespace

Json EnvironmentToJson(const RepetitionEnvironment& environment) { return Writer::AsJson(environment); }

Result<RepetitionEnvironment> EnvironmentFromJson(const Json& json, const std::string& path) {
  RepetitionEnvironment environment;
  Reader reader(json, path);
  Fields(reader, environment);
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  return environment;
}

}  // namespace paddock

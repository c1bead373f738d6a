#include "device_drivers/tflite/tflite_settings.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace paddock {
namespace {

constexpr std::uint32_t kMaxTfliteThreads = 1024;
constexpr std::array<std::string_view, 3> kProviders = {"cpu", "xnnpack", "external"};

}  // namespace

Result<TfliteSettings> TfliteSettings::With(const RuntimeOptions& options) const {
  for (const auto& [name, is_set] : {std::pair("graph_level", options.graph_level.has_value()),
                                     std::pair("spinning", options.spinning.has_value()),
                                     std::pair("memory_arena", options.memory_arena.has_value())}) {
    if (!is_set) continue;
    return UnimplementedError("TensorFlow Lite has no runtime option '" + std::string(name) +
                              "'; leave it out of the variant or select other devices");
  }
  TfliteSettings merged = *this;
  merged.threads = options.threads.value_or(threads);
  if (merged.threads < 1 || merged.threads > kMaxTfliteThreads) {
    return InvalidArgumentError("threads is " + std::to_string(merged.threads) + "; it must be 1 to " +
                                std::to_string(kMaxTfliteThreads));
  }
  merged.execution_provider = options.execution_provider.value_or(execution_provider);
  if (std::find(kProviders.begin(), kProviders.end(), merged.execution_provider) == kProviders.end()) {
    return UnimplementedError("TensorFlow Lite has no execution provider '" + merged.execution_provider +
                              "'; it has: cpu, xnnpack, external");
  }
  if (merged.execution_provider == "external") {
    if (merged.plugin == nullptr) {
      return UnimplementedError(
          "execution provider 'external' needs a delegate plug-in, which this device does not have; start "
          "its "
          "agent with `--option delegate=PATH`");
    }
  } else {
    if (!options.provider_options.empty()) {
      return InvalidArgumentError("execution provider '" + merged.execution_provider +
                                  "' has no options, but '" + options.provider_options.begin()->first +
                                  "' is given");
    }
    merged.delegate_options.clear();
  }
  for (const auto& [key, value] : options.provider_options) merged.delegate_options[key] = value;
  return merged;
}

std::map<std::string, std::string> TfliteSettings::AsText() const {
  std::map<std::string, std::string> text = {{"threads", std::to_string(threads)},
                                             {"execution_provider", execution_provider}};
  if (execution_provider != "external") return text;
  text["delegate"] = delegate;
  for (const auto& [key, value] : delegate_options) text["delegate." + key] = value;
  return text;
}

TfliteSettings ReadTfliteSettings(OptionReader& reader) {
  TfliteSettings settings;
  settings.threads =
      static_cast<std::uint32_t>(reader.Unsigned("threads", settings.threads, 1, kMaxTfliteThreads));
  if (reader.Has("execution_provider")) {
    settings.execution_provider = reader.Choice("execution_provider", "cpu", {"cpu", "xnnpack", "external"});
  }
  settings.delegate = reader.Text("delegate", "");
  settings.delegate_options = reader.WithPrefix("delegate.");
  return settings;
}

Status CompleteTfliteSettings(TfliteSettings* settings) {
  std::string& provider = settings->execution_provider;
  if (!settings->delegate.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(settings->plugin, DelegatePlugin::Open(settings->delegate));
    if (provider.empty()) provider = "external";
    return OkStatus();
  }
  if (provider == "external" || !settings->delegate_options.empty()) {
    return InvalidArgumentError(
        "driver 'tflite': execution provider 'external' and options delegate.KEY need a plug-in; name it "
        "with "
        "`--option delegate=PATH`");
  }
  if (provider.empty()) provider = "cpu";
  return OkStatus();
}

Result<DelegateHandle> MakeDelegate(const TfliteLibrary& library, const TfliteSettings& settings) {
  if (settings.execution_provider == "xnnpack") return MakeXnnpackDelegate(library, settings.threads);
  if (settings.execution_provider == "external") return settings.plugin->Create(settings.delegate_options);
  return DelegateHandle();
}

}  // namespace paddock

// What the tests of the tflite driver share: its smallest models, and a bench that opens them.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "device_drivers/tflite/tflite_driver.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/device_drivers/tiny_model.h"
#include "tests/unit/device_drivers/tiny_tflite.h"

namespace paddock {

inline constexpr std::int32_t kTfliteAdd = 0, kTfliteNegate = 59;

// y = x + x, for rows of two numbers; how many rows is left open.
inline std::string DoubleBytes() {
  return TfliteBytes({{"serving_default_x:0", 0, {1, 2}, {}, {-1, 2}}, {"y", 0, {1, 2}, {}, {-1, 2}}},
                     {{kTfliteAdd, {0, 0}, {1}}}, {0}, {1});
}

// y = -(x + x) + -(x + x): two groups of one ADD with a NEG between them.
inline std::string AddNegateAddBytes() {
  return TfliteBytes({{"x", 0, {2}}, {"a", 0, {2}}, {"b", 0, {2}}, {"y", 0, {2}}},
                     {{kTfliteAdd, {0, 0}, {1}}, {kTfliteNegate, {1}, {2}}, {kTfliteAdd, {2, 2}, {3}}}, {0},
                     {3});
}

// A driver with a folder for its models; `driver` is null where TensorFlow Lite is not installed.
struct TfliteBench {
  explicit TfliteBench(const DriverOptions& options = {}) {
    if (!TfliteOrSkip()) return;
    auto created = CreateTfliteDriver(options);
    REQUIRE(created.status().ToString() == "OK");
    driver = std::move(*created);
  }

  Result<std::unique_ptr<Session>> TryOpen(const std::string& bytes, SessionRequest request = {},
                                           const std::string& kind = "tflite") {
    request.artifact_path = folder / "model.tflite";
    request.artifact_kind = kind;
    REQUIRE(WriteFileAtomically(request.artifact_path, bytes).ok());
    return driver->Open(request, Deadline::Never());
  }

  std::unique_ptr<Session> Open(const std::string& bytes, SessionRequest request = {}) {
    auto session = TryOpen(bytes, std::move(request));
    REQUIRE(session.status().ToString() == "OK");
    return std::move(*session);
  }

  TempDir folder;
  std::unique_ptr<DeviceDriver> driver;
};

inline SessionRequest With(const std::string& provider, std::map<std::string, std::string> options = {}) {
  SessionRequest request;
  request.options.execution_provider = provider;
  request.options.provider_options = std::move(options);
  return request;
}

inline std::uint32_t BindOne(Session& session, const Tensor& input) {
  const TensorView view = input.view();
  const auto query = session.Bind(std::span(&view, 1));
  REQUIRE(query.status().ToString() == "OK");
  return *query;
}

template <typename T = float>
std::vector<T> AnswerTo(Session& session, std::uint32_t query) {
  REQUIRE(session.Invoke(query).ToString() == "OK");
  const auto outputs = session.ReadOutputs();
  REQUIRE(outputs.ok());
  return ValuesOf<T>(outputs->front());
}

}  // namespace paddock

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "tests/unit/device_drivers/tflite_bench.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Options = std::map<std::string, std::string>;

TEST_CASE("every option that tflite used is in the record, defaults too", "[tflite]") {
  TfliteBench bench(Options{{"threads", "2"}});
  if (!bench.driver) return;
  CHECK(bench.Open(DoubleBytes())->EffectiveOptions() ==
        Options{{"threads", "2"}, {"execution_provider", "cpu"}});
  CHECK(bench.Open(DoubleBytes(), With("xnnpack"))->EffectiveOptions() ==
        Options{{"threads", "2"}, {"execution_provider", "xnnpack"}, {"delegated_nodes", "1 of 1"}});
  SessionRequest request = With("cpu");
  request.options.threads = 3;
  CHECK(bench.Open(DoubleBytes(), request)->EffectiveOptions() ==
        Options{{"threads", "3"}, {"execution_provider", "cpu"}});
}

TEST_CASE("runtime options that tflite lacks are refused by name", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const auto refusal = [&](const SessionRequest& request, StatusCode code) {
    const Status status = bench.TryOpen(DoubleBytes(), request).status();
    CHECK(status.code() == code);
    return status.message();
  };
  SessionRequest level, spinning, arena, threads;
  level.options.graph_level = "all";
  spinning.options.spinning = false;
  arena.options.memory_arena = true;
  threads.options.threads = 0;
  CHECK_THAT(refusal(level, StatusCode::kUnimplemented), Contains("'graph_level'"));
  CHECK_THAT(refusal(spinning, StatusCode::kUnimplemented), Contains("'spinning'"));
  CHECK_THAT(refusal(arena, StatusCode::kUnimplemented), Contains("'memory_arena'"));
  CHECK_THAT(refusal(threads, StatusCode::kInvalidArgument), Contains("threads is 0"));
  CHECK_THAT(refusal(With("cuda"), StatusCode::kUnimplemented), Contains("'cuda'") && Contains("xnnpack"));
  CHECK_THAT(refusal(With("external"), StatusCode::kUnimplemented), Contains("--option delegate=PATH"));
  CHECK_THAT(refusal(With("cpu", {{"device", "usb"}}), StatusCode::kInvalidArgument), Contains("'device'"));
}

TEST_CASE("a device option of tflite that does not exist or does not fit is refused", "[tflite]") {
  const auto refusal = [](const DriverOptions& options) {
    const Status status = CreateTfliteDriver(options).status();
    CHECK(status.code() == StatusCode::kInvalidArgument);
    return status.message();
  };
  CHECK_THAT(refusal({{"thread", "2"}}), Contains("'thread'") && Contains("threads"));
  CHECK_THAT(refusal({{"threads", "0"}}), Contains("'threads'") && Contains("1 to 1024"));
  CHECK_THAT(refusal({{"execution_provider", "cuda"}}), Contains("cpu, xnnpack, external"));
  CHECK(CreateTfliteDriver({{"library", "/nowhere/lib.so"}}).status().code() ==
        StatusCode::kFailedPrecondition);
  if (!TfliteOrSkip()) return;
  CHECK_THAT(refusal({{"execution_provider", "external"}}), Contains("delegate=PATH"));
  CHECK_THAT(refusal({{"delegate.device", "usb"}}), Contains("delegate=PATH"));
  CHECK(CreateTfliteDriver({{"delegate", "/nowhere/libedgetpu.so.1"}}).status().code() ==
        StatusCode::kFailedPrecondition);
}

TEST_CASE("a delegate plug-in gets the device's options and the variant's over them", "[tflite]") {
  TempDir folder;
  const std::string record = folder / "options";
  TfliteBench bench(Options{{"delegate", FAKE_DELEGATE},
                            {"delegate.record", record},
                            {"delegate.device", "usb"},
                            {"delegate.take", "0"}});
  if (!bench.driver) return;
  CHECK(bench.driver->Describe().labels.at("class") == "accelerator");
  const auto session =
      bench.Open(AddNegateAddBytes(), With("external", {{"device", "pci:1"}, {"level", "max"}}));
  CHECK(ReadFile(record).value() == "device=pci:1\nlevel=max\nrecord=" + record + "\ntake=0\n");
  CHECK(session->EffectiveOptions() == Options{{"threads", "1"},
                                               {"execution_provider", "external"},
                                               {"delegate", FAKE_DELEGATE},
                                               {"delegate.device", "pci:1"},
                                               {"delegate.level", "max"},
                                               {"delegate.record", record},
                                               {"delegate.take", "0"},
                                               {"delegated_nodes", "2 of 3"}});
  const Tensor input = Floats({2}, {1, 2});
  CHECK(AnswerTo(*session, BindOne(*session, input)).size() == 2);
}

TEST_CASE("what a delegate plug-in leaves is run by the library's own kernels", "[tflite]") {
  TfliteBench bench(Options{{"delegate", FAKE_DELEGATE}});
  if (!bench.driver) return;
  const Tensor input = Floats({2}, {1, 2});
  const auto none = bench.Open(AddNegateAddBytes());
  CHECK(none->EffectiveOptions().at("delegated_nodes") == "0 of 3");
  CHECK(AnswerTo(*none, BindOne(*none, input)) == std::vector<float>{-4, -8});
  const auto without = bench.Open(AddNegateAddBytes(), With("cpu"));
  CHECK(without->EffectiveOptions() == Options{{"threads", "1"}, {"execution_provider", "cpu"}});
  CHECK(AnswerTo(*without, BindOne(*without, input)) == std::vector<float>{-4, -8});
}

TEST_CASE("a delegate plug-in that fails is the device's fault, with options of the job the job's",
          "[tflite]") {
  TfliteBench bench(Options{{"delegate", FAKE_DELEGATE}});
  if (!bench.driver) return;
  const auto options = bench.TryOpen(AddNegateAddBytes(), With("external", {{"refuse", "no such port"}}));
  CHECK(options.status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(options.status().message(), Contains("no such port") && Contains(FAKE_DELEGATE));
  const auto model = bench.TryOpen(AddNegateAddBytes(), With("external", {{"fail", "prepare"}}));
  CHECK(model.status().code() == StatusCode::kUnimplemented);
  CHECK_THAT(model.status().message(), Contains("refuses the model"));
  const auto session =
      bench.Open(AddNegateAddBytes(), With("external", {{"take", "59"}, {"fail", "invoke"}}));
  CHECK(session->EffectiveOptions().at("delegated_nodes") == "1 of 3");
  const Tensor input = Floats({2}, {1, 2});
  CHECK(session->Invoke(BindOne(*session, input)).code() == StatusCode::kUnavailable);

  TfliteBench broken(Options{{"delegate", FAKE_DELEGATE}, {"delegate.refuse", "no device on the bus"}});
  const Status probed = broken.driver->Probe(Deadline::Never());
  CHECK(probed.code() == StatusCode::kUnavailable);
  CHECK_THAT(probed.message(), Contains("no device on the bus"));
  CHECK(broken.TryOpen(AddNegateAddBytes()).status().code() == StatusCode::kUnavailable);
}

TEST_CASE("a tflite device takes the kinds of model that its plug-in runs, and no others", "[tflite]") {
  TfliteBench bench(Options{{"takes", "edgetpu"}});
  if (!bench.driver) return;
  CHECK(bench.driver->Describe().artifact_kinds == std::vector<std::string>{"tflite", "tflite+edgetpu"});
  CHECK(bench.TryOpen(DoubleBytes(), {}, "tflite+edgetpu").status().ToString() == "OK");
  CHECK_THAT(bench.TryOpen(DoubleBytes(), {}, "tflite+ethos-u").status().message(),
             Contains("'tflite+edgetpu', not 'tflite+ethos-u'"));
  TfliteBench plain;
  CHECK(plain.TryOpen(DoubleBytes(), {}, "tflite+edgetpu").status().code() == StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace paddock

// A store, blobs and a device for the tests of this folder. The digits of deploy/demo are the model and the data; a shell
// script stands in for the child process of a preparation step.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <mutex>
#include <string>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "server/store/store.h"
#include "server/workers/preparer.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {

// What the script does at each call; $3 is the input, $4 the output, $5 the file for the answer.
inline constexpr char kCopyStep[] =
    R"(cp "$3" "$4"; printf '{"code":0,"message":"","report":"{\\"step\\":\\"optimize\\",\\"tool\\":\\"cp\\",\\"lines\\":[\\"copied\\"]}"}' > "$5")";

struct WorkersFixture {
  TempDir folder;
  std::unique_ptr<SqliteStore> store = SqliteStore::Open(folder / "paddock.db").value();
  std::unique_ptr<StoreReader> reader = StoreReader::Open(folder / "paddock.db").value();
  std::unique_ptr<ArtifactStore> artifacts = ArtifactStore::Open(folder / "artifacts").value();
  std::string model = ReadFile(PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx").value();
  std::string data = ReadFile(PADDOCK_SOURCE_DIR "/deploy/demo/digits.npz").value();

  WorkersFixture() { SetStep(kCopyStep); }

  void SetStep(const std::string& commands) {
    const std::string script = folder / "step";
    REQUIRE(WriteFileAtomically(script,
                                "#!/bin/sh\necho call >> '" + (folder / "calls") + "'\n" + commands + "\n")
                .ok());
    REQUIRE(::chmod(script.c_str(), 0755) == 0);
  }
  // How often the script ran.
  std::size_t StepCalls() const {
    const auto calls = ReadFile(folder / "calls");
    return calls.ok() ? calls->size() / 5 : 0;
  }

  std::unique_ptr<Preparer> MakePreparer() {
    PreparerSettings settings;
    settings.scratch_folder = folder / "scratch";
    settings.steps.program = folder / "step";
    settings.steps.tools = {"/nowhere/libonnxruntime.so", "1.30.0"};
    settings.steps.timeout = std::chrono::seconds(60);
    auto preparer = Preparer::Open(settings, *artifacts, *reader,
                                   [this](const std::string& key, const std::string& content) {
                                     const std::lock_guard lock(save_mutex);
                                     REQUIRE(store->UpsertRecipe(key, content).ok());
                                   });
    REQUIRE(preparer.ok());
    return std::move(preparer).value();
  }

  PreparationRequest MakeRequest(std::vector<std::string> steps) {
    PreparationRequest request;
    request.run = RunId("r-1");
    request.spec.model_path = "digits.onnx";
    request.spec.model = artifacts->Put(model).value();
    request.spec.data_path = "digits.npz";
    request.spec.data = artifacts->Put(data).value();
    request.spec.data_spec.inputs = {{"image", "x"}};
    request.spec.data_spec.labels = "y";
    request.spec.data_spec.preprocess = {{"", CastStep{ElementType::kFloat32}}};
    request.spec.data_spec.samples = 100;
    request.spec.task = Task::kClassification;
    request.spec.variants = {{"variant", std::move(steps), {}}};
    request.device.driver = "simulated";
    request.device.artifact_kinds = {"onnx"};
    return request;
  }

  std::mutex save_mutex;
};

}  // namespace paddock

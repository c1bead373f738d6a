// Makes of a model file, a variant and a device what an agent is to be sent: the artifact by the variant's steps, the batches
// and labels by the job's data spec. What was prepared before is taken from the cache. Thread-safe; blocks.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "server/artifacts/artifact_store.h"
#include "server/core/ports.h"
#include "server/store/store_reader.h"
#include "server/workers/prepare_step.h"
#include "server/workers/recipe_cache.h"

namespace paddock {

struct PreparerSettings {
  std::string scratch_folder;  // ours alone, in the file system of the artifact store; emptied at the start
  StepProcessSettings steps;
};

class Preparer {
 public:
  static Result<std::unique_ptr<Preparer>> Open(PreparerSettings settings, ArtifactStore& artifacts,
                                                StoreReader& reader, RecipeCache::Save save_recipe);

  // ClassOf() says whom an error blames.
  Result<PreparedRun> Prepare(const PreparationRequest& request);
  static FailureClass ClassOf(const Status& status);

  // From any thread: a running Prepare() ends soon with CANCELLED, as does every later one.
  void Cancel() { cancelled_ = true; }

 private:
  Preparer(PreparerSettings settings, ArtifactStore& artifacts, StoreReader& reader,
           RecipeCache::Save save_recipe)
      : settings_(std::move(settings)),
        artifacts_(artifacts),
        recipes_(artifacts, reader, std::move(save_recipe)) {}

  Result<PreparedRun> PrepareModel(const JobSpec& spec, const Variant& variant,
                                   const std::vector<std::string>& steps);
  // Returns the number of samples.
  Result<std::uint64_t> PrepareCalibration(const JobSpec& spec, const Variant& variant,
                                           const std::string& model_path, const std::string& out_path);
  Result<DataSpec> AdaptedData(const JobSpec& spec, const Variant& variant,
                               const std::vector<std::string>& steps, const PreparedRun& artifact);
  Result<PreparedRun> PrepareBatches(const JobSpec& spec, const DataSpec& data_spec, const PreparedRun& model,
                                     const DeviceDescription& device);

  const PreparerSettings settings_;
  ArtifactStore& artifacts_;
  RecipeCache recipes_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace paddock

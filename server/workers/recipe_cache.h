// What was prepared before, by recipe key (prepare/recipe.h): in memory, and in the store for the next start. A recipe is a
// PreparedRun of which only the model's part or only the data's part is set. Thread-safe.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>

#include "base/digest.h"
#include "server/artifacts/artifact_store.h"
#include "server/core/farm.h"
#include "server/store/store_reader.h"

namespace paddock {

class RecipeCache {
 public:
  // Keeps a recipe for later starts; called on the thread that prepared it, must not block.
  using Save = std::function<void(const std::string& key, const std::string& content)>;

  RecipeCache(ArtifactStore& artifacts, StoreReader& reader, Save save)
      : artifacts_(artifacts), reader_(reader), save_(std::move(save)) {}

  struct Recipe {
    PreparedRun content;
    bool from_cache = false;
  };
  // The recipe of `key`, made by `make` when it is not there or one of its blobs is gone or damaged. The same key is never
  // made twice at once: who comes meanwhile waits and gets the same answer, also a failure. A failure is not kept.
  Result<Recipe> GetOrMake(const Digest& key, const std::function<Result<PreparedRun>()>& make);

 private:
  std::optional<PreparedRun> Find(const Digest& key);
  bool BlobsAreThere(const PreparedRun& recipe);

  ArtifactStore& artifacts_;
  StoreReader& reader_;
  const Save save_;
  std::mutex mutex_;
  std::map<Digest, PreparedRun> known_;                                 // guarded by mutex_
  std::map<Digest, std::shared_future<Result<Recipe>>> in_the_making_;  // guarded by mutex_
};

}  // namespace paddock

#include "server/workers/recipe_cache.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace paddock {

bool RecipeCache::BlobsAreThere(const PreparedRun& recipe) {
  const auto here = [this](const Digest& digest) { return digest.empty() || artifacts_.Has(digest); };
  return here(recipe.artifact) && here(recipe.labels) &&
         std::all_of(recipe.batches.begin(), recipe.batches.end(), here);
}

std::optional<PreparedRun> RecipeCache::Find(const Digest& key) {
  std::optional<PreparedRun> recipe;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(key); found != known_.end()) recipe = found->second;
  }
  if (!recipe) {
    // A store that cannot be read or has an older form of recipe costs a preparation, nothing else.
    const Result<std::optional<std::string>> stored = reader_.FindRecipe(key.hex());
    if (!stored.ok() || !stored->has_value()) return std::nullopt;
    Result<PreparedRun> decoded = DecodePreparedRun(**stored);
    if (!decoded.ok()) return std::nullopt;
    recipe = std::move(decoded).value();
  }
  if (!BlobsAreThere(*recipe)) return std::nullopt;
  return recipe;
}

Result<RecipeCache::Recipe> RecipeCache::GetOrMake(const Digest& key,
                                                   const std::function<Result<PreparedRun>()>& make) {
  std::promise<Result<Recipe>> promise;
  {
    std::unique_lock lock(mutex_);
    if (const auto found = in_the_making_.find(key); found != in_the_making_.end()) {
      const auto other = found->second;
      lock.unlock();
      Result<Recipe> recipe = other.get();
      if (recipe.ok()) recipe->from_cache = true;
      return recipe;
    }
    in_the_making_.emplace(key, promise.get_future().share());
  }
  Result<Recipe> recipe = Status();
  if (std::optional<PreparedRun> found = Find(key)) {
    recipe = Recipe{std::move(*found), true};
  } else {
    Result<PreparedRun> made = make();
    if (made.ok()) save_(key.hex(), EncodePreparedRun(*made));
    recipe =
        made.ok() ? Result<Recipe>(Recipe{std::move(made).value(), false}) : Result<Recipe>(made.status());
  }
  const std::lock_guard lock(mutex_);
  if (recipe.ok()) known_[key] = recipe->content;
  in_the_making_.erase(key);
  promise.set_value(recipe);
  return recipe;
}

}  // namespace paddock

// From what a run measured to its KPIs and its verdict. Everything is read from the store and the artifact store, so the same
// can be done again for old runs.
#pragma once

#include "server/artifacts/artifact_store.h"
#include "server/core/ports.h"
#include "server/store/store_reader.h"

namespace paddock {

// Any thread; blocks. An error means that evidence is missing or damaged and names it.
Result<Evaluation> Evaluate(const EvaluationRequest& request, ArtifactStore& artifacts, StoreReader& reader);

}  // namespace paddock

// What `paddock compare` answers, from results of the store. No I/O but what `pair_accuracy` does; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kpi/paired_accuracy.h"
#include "paddock/v1/result.pb.h"
#include "server/store/results.h"

namespace paddock {

struct ComparedSide {
  std::string name;  // as the user named it
  std::vector<StoredResult> results;
};

// Empty when the two runs did not keep answers to the same samples.
using PairAccuracy = std::function<std::optional<PairedAccuracy>(const StoredResult&, const StoredResult&)>;

// Only valid runs are compared; each other one is a note. One run against one: as they are. Otherwise runs are paired by device,
// and by variant when both sides have the same variants; runs without a partner are notes.
v1::Comparison CompareSides(ComparedSide a, ComparedSide b, const PairAccuracy& pair_accuracy);

// The runs of a job that are of this variant. NOT_FOUND lists those that there are.
Result<std::vector<StoredResult>> OnlyVariant(std::vector<StoredResult> results, const std::string& variant);

}  // namespace paddock

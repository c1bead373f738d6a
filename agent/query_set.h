// The queries of a repetition, made from its batch files: a pass over all samples in order, samples_per_query
// at a time. The last query of a pass may hold fewer; where the model's batch dimension is fixed it is filled
// up by repeating the last sample.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "kpi/run_plan.h"
#include "kpi/tensor.h"

namespace paddock::agent {

struct QueryShape {
  std::uint32_t samples_per_query = 1;  // of a bound query
  bool fixed = false;                   // every bound query has exactly that many rows
  // Bound queries that the load issues as one query (multi-stream, when model or device take fewer samples at a time).
  std::uint32_t invocations_per_query = 1;
};

// What a query looks like for this model, scenario and device. INVALID_ARGUMENT when they do not fit
// together.
Result<QueryShape> ChooseQueryShape(const std::vector<TensorInfo>& model_inputs, const Scenario& scenario,
                                    std::optional<std::uint32_t> device_limit, std::uint64_t sample_count);

class QuerySet {
 public:
  struct Query {
    std::vector<TensorView> inputs;  // in the order of the model's inputs
    std::uint32_t samples = 0;       // without filling
    std::uint32_t rows = 0;          // with it
  };

  // `model_inputs` are the session's. Errors name the batch file. The object owns every byte that its queries
  // refer to.
  static Result<QuerySet> Load(const std::vector<std::string>& batch_paths,
                               const std::vector<TensorInfo>& model_inputs, const QueryShape& shape,
                               std::uint64_t sample_count);

  const std::vector<Query>& queries() const { return queries_; }

 private:
  struct Batch {
    MappedFile file;
    std::vector<TensorView> inputs;
    std::uint64_t samples = 0;
  };
  QuerySet() = default;
  Status AddBatch(const std::string& path, const std::vector<TensorInfo>& model_inputs);
  TensorView Rows(std::size_t input, std::uint64_t first, std::uint32_t samples, std::uint32_t rows);

  std::vector<Batch> batches_;
  std::deque<std::vector<std::byte>> assembled_;  // rows that do not lie in one batch, or are filled up
  std::vector<Query> queries_;
};

}  // namespace paddock::agent

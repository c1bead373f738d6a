#include "agent/query_set.h"

#include <algorithm>
#include <cstring>

#include "kpi/tensor_file.h"

namespace paddock::agent {
namespace {

constexpr std::uint32_t kOfflineSamplesPerQuery = 32;
constexpr std::uint32_t kMultiStreamSamplesPerQuery = 8;  // MLPerf LoadGen's

// `wanted` samples as equal invocations of at most `limit` rows; exactly `fixed` rows where that is above 0.
Result<QueryShape> ShapeOfMultiStream(std::uint32_t wanted, std::uint32_t fixed, std::uint64_t limit) {
  std::uint32_t samples = wanted != 0 ? wanted : kMultiStreamSamplesPerQuery;
  if (fixed > 0) {
    if (wanted == 0) samples = (samples + fixed - 1) / fixed * fixed;
    if (samples % fixed != 0) {
      return InvalidArgumentError("scenario.samples_per_query is " + std::to_string(samples) +
                                  ", but the model's batch dimension is fixed at " + std::to_string(fixed) +
                                  "; a query of multi-stream must be a multiple of it");
    }
    return QueryShape{.samples_per_query = fixed, .fixed = true, .invocations_per_query = samples / fixed};
  }
  std::uint32_t rows = samples;
  while (rows > limit || samples % rows != 0) --rows;
  return QueryShape{.samples_per_query = rows, .invocations_per_query = samples / rows};
}

}  // namespace

Result<QueryShape> ChooseQueryShape(const std::vector<TensorInfo>& model_inputs, const Scenario& scenario,
                                    std::optional<std::uint32_t> device_limit, std::uint64_t sample_count) {
  std::int64_t fixed = -1;
  for (const TensorInfo& input : model_inputs) {
    if (input.shape.empty()) {
      return UnimplementedError("the model's input " + TensorText(input) + " has no dimension for samples");
    }
    const std::int64_t rows = input.shape[0];
    if (rows < 0) continue;
    if (rows == 0 || (fixed >= 0 && fixed != rows)) {
      return InvalidArgumentError("the model's input " + TensorText(input) +
                                  ": its first dimension must count samples, as in " +
                                  TensorText(model_inputs[0]));
    }
    fixed = rows;
  }

  const std::uint32_t wanted = scenario.samples_per_query;
  if (scenario.kind == ScenarioKind::kMultiStream && (fixed < 0 || !device_limit || fixed <= *device_limit)) {
    const std::uint64_t limit =
        std::max<std::uint64_t>(std::min<std::uint64_t>(device_limit.value_or(~0U), sample_count), 1);
    return ShapeOfMultiStream(wanted, fixed > 0 ? static_cast<std::uint32_t>(fixed) : 0, limit);
  }
  const bool takes_one = scenario.kind != ScenarioKind::kOffline;
  if (fixed >= 0) {
    const bool default_wanted = wanted == 0 || (takes_one && wanted == 1);
    if (!default_wanted && wanted != static_cast<std::uint64_t>(fixed)) {
      return InvalidArgumentError("scenario.samples_per_query is " + std::to_string(wanted) +
                                  ", but the model's batch dimension is fixed at " + std::to_string(fixed) +
                                  "; leave it out, or export the model with an open batch dimension");
    }
    if (device_limit && static_cast<std::uint64_t>(fixed) > *device_limit) {
      return InvalidArgumentError("the model's batch dimension is fixed at " + std::to_string(fixed) +
                                  ", but the device takes at most " + std::to_string(*device_limit) +
                                  " samples per query");
    }
    return QueryShape{.samples_per_query = static_cast<std::uint32_t>(fixed), .fixed = true};
  }
  if (takes_one) {
    if (wanted > 1) {
      return InvalidArgumentError("scenario.samples_per_query is " + std::to_string(wanted) + ", but " +
                                  std::string(ScenarioKindName(scenario.kind)) +
                                  " issues one sample at a time; use offline");
    }
    return QueryShape{};
  }
  if (device_limit && wanted > *device_limit) {
    return InvalidArgumentError("scenario.samples_per_query is " + std::to_string(wanted) +
                                ", but the device takes at most " + std::to_string(*device_limit));
  }
  std::uint64_t samples = wanted != 0 ? wanted : kOfflineSamplesPerQuery;
  if (device_limit) samples = std::min<std::uint64_t>(samples, *device_limit);
  samples = std::min(samples, sample_count);
  return QueryShape{.samples_per_query = std::max<std::uint32_t>(static_cast<std::uint32_t>(samples), 1)};
}

Status QuerySet::AddBatch(const std::string& path, const std::vector<TensorInfo>& model_inputs) {
  PADDOCK_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  auto tensors = DecodeTensorFile(file.bytes());
  if (!tensors.ok()) return tensors.status().WithContext("batch " + path);
  Batch batch{.file = std::move(file), .inputs = {}, .samples = 0};
  for (const TensorInfo& input : model_inputs) {
    const auto found =
        std::find_if(tensors->begin(), tensors->end(), [&](const auto& t) { return t.name == input.name; });
    if (found == tensors->end())
      return InvalidArgumentError("batch " + path + " lacks the model's input " + TensorText(input));
    const TensorView& view = found->tensor;
    const auto samples = static_cast<std::uint64_t>(view.shape[0]);
    const bool same_rows =
        batches_.empty() || std::equal(view.shape.begin() + 1, view.shape.end(),
                                       batches_[0].inputs[batch.inputs.size()].shape.begin() + 1,
                                       batches_[0].inputs[batch.inputs.size()].shape.end());
    if (view.type != input.type || !same_rows || (!batch.inputs.empty() && samples != batch.samples)) {
      return InvalidArgumentError(
          "batch " + path + " holds " + TensorText({found->name, view.type, view.shape}) +
          ", which does not fit the model's input " + TensorText(input) + " or the other batches");
    }
    batch.samples = samples;
    batch.inputs.push_back(view);
  }
  batches_.push_back(std::move(batch));
  return OkStatus();
}

TensorView QuerySet::Rows(std::size_t input, std::uint64_t first, std::uint32_t samples, std::uint32_t rows) {
  auto batch = batches_.begin();
  for (; first >= batch->samples; ++batch) first -= batch->samples;
  const TensorView& like = batch->inputs[input];
  const std::size_t row_bytes = like.bytes.size() / batch->samples;
  TensorView view{.type = like.type, .shape = like.shape, .bytes = {}};
  view.shape[0] = rows;
  if (rows == samples && first + samples <= batch->samples) {
    view.bytes = like.bytes.subspan(first * row_bytes, rows * row_bytes);
    return view;
  }

  std::vector<std::byte>& bytes = assembled_.emplace_back(rows * row_bytes);
  std::uint32_t done = 0;
  for (; done < samples; ++batch, first = 0) {
    const auto count =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(samples - done, batch->samples - first));
    std::memcpy(bytes.data() + done * row_bytes, batch->inputs[input].bytes.data() + first * row_bytes,
                count * row_bytes);
    done += count;
  }
  for (; done < rows; ++done)
    std::memcpy(bytes.data() + done * row_bytes, bytes.data() + (samples - 1) * row_bytes, row_bytes);
  view.bytes = bytes;
  return view;
}

Result<QuerySet> QuerySet::Load(const std::vector<std::string>& batch_paths,
                                const std::vector<TensorInfo>& model_inputs, const QueryShape& shape,
                                std::uint64_t sample_count) {
  QuerySet set;
  std::uint64_t samples = 0;
  for (const std::string& path : batch_paths) {
    PADDOCK_RETURN_IF_ERROR(set.AddBatch(path, model_inputs));
    samples += set.batches_.back().samples;
  }
  if (samples == 0 || samples != sample_count) {
    return InvalidArgumentError("the batches hold " + std::to_string(samples) +
                                " samples, but the plan says " + std::to_string(sample_count));
  }
  for (std::uint64_t first = 0; first < samples; first += shape.samples_per_query) {
    Query query;
    query.samples =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(shape.samples_per_query, samples - first));
    query.rows = shape.fixed ? shape.samples_per_query : query.samples;
    for (std::size_t input = 0; input < model_inputs.size(); ++input) {
      query.inputs.push_back(set.Rows(input, first, query.samples, query.rows));
    }
    set.queries_.push_back(std::move(query));
  }
  return set;
}

}  // namespace paddock::agent

#include "prepare/read_samples.h"

#include <string>
#include <utility>

#include "prepare/preprocess.h"

namespace paddock {
namespace {

// Samples of sizes of their own are prepared one by one: what travels must be of one size again.
Result<Tensor> ReadOneByOne(DataFile& file, const DataPlan& plan, const InputFeed& feed,
                            std::span<const std::uint64_t> rows) {
  PADDOCK_ASSIGN_OR_RETURN(const ArrayInfo array, file.Find(feed.array));
  Tensor all{feed.row, {}};
  all.info.shape[0] = static_cast<std::int64_t>(rows.size());
  all.bytes.reserve(rows.size() * feed.row_bytes);
  for (const std::uint64_t row : rows) {
    PADDOCK_ASSIGN_OR_RETURN(Tensor sample, file.ReadOwnShape(array, row));
    const Shape own = sample.info.shape;
    sample.info.name = feed.row.name;
    auto prepared = Preprocess(std::move(sample), plan.preprocess);
    if (!prepared.ok()) return prepared.status().WithContext(file.RowText(row));
    if (prepared->info != feed.row) {
      const auto text = [](const Shape& shape) { return ShapeText({shape.begin() + 1, shape.end()}); };
      return InvalidArgumentError(
          file.RowText(row) + ": it is " + text(own) + ", and after preprocessing " +
          text(prepared->info.shape) + " instead of the " + text(feed.row.shape) +
          " that the first sample gives and the model wants; begin with a step that makes all of one "
          "size: resize or crop for images, mel with duration_s for recordings");
    }
    all.bytes.insert(all.bytes.end(), prepared->bytes.begin(), prepared->bytes.end());
  }
  return all;
}

}  // namespace

Result<std::vector<Tensor>> ReadSamples(DataFile& file, const DataPlan& plan,
                                        std::span<const std::uint64_t> rows) {
  std::vector<Tensor> tensors;
  for (const InputFeed& feed : plan.feeds) {
    if (feed.one_by_one) {
      PADDOCK_ASSIGN_OR_RETURN(Tensor tensor, ReadOneByOne(file, plan, feed, rows));
      tensors.push_back(std::move(tensor));
      continue;
    }
    PADDOCK_ASSIGN_OR_RETURN(Tensor tensor, file.ReadRows(feed.array, rows));
    tensor.info.name = feed.row.name;
    auto prepared = Preprocess(std::move(tensor), plan.preprocess);
    if (!prepared.ok()) return prepared.status().WithContext("data");
    tensors.push_back(std::move(prepared).value());
  }
  return tensors;
}

}  // namespace paddock

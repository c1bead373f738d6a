#include "prepare/batch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <span>
#include <utility>

#include "base/strict_json.h"
#include "kpi/tensor_file.h"
#include "prepare/data_plan.h"
#include "prepare/read_samples.h"

namespace paddock {
namespace {

constexpr std::uint64_t kVerifiedAtSubmitBytes = 1 << 20;

Status WriteScratch(const std::string& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "cannot create " + path);
  Status status;
  while (status.ok() && !bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      status = ErrnoStatus(errno, "cannot write " + path);
    }
  }
  if (::close(fd) != 0 && status.ok()) status = ErrnoStatus(errno, "cannot write " + path);
  return status;
}

// What a tensor file of these inputs takes besides their elements, at the most: see kpi/tensor_file.h.
std::uint64_t FileOverheadBytes(const DataPlan& plan) {
  constexpr std::uint64_t kAlignment = 64;
  constexpr std::uint64_t kDigits = 21;  // of a number with its comma
  std::uint64_t bytes = 64 + kAlignment;
  for (const InputFeed& feed : plan.feeds) {
    bytes += Json(feed.row.name).dump().size() + 96 + kDigits * (feed.row.shape.size() + 2) + kAlignment;
  }
  return bytes;
}

std::uint64_t SamplesPerBatch(const DataPlan& plan, const DataLimits& limits) {
  const std::uint64_t limit = std::min(limits.batch_bytes.value_or(kDefaultBatchBytes), kDefaultBatchBytes);
  const std::uint64_t overhead = FileOverheadBytes(plan);
  std::uint64_t bytes = 0;
  std::uint64_t raw_bytes = 0;
  for (const InputFeed& feed : plan.feeds) {
    bytes += feed.row_bytes;
    if (!feed.one_by_one) raw_bytes += feed.raw_row_bytes;
  }
  const std::uint64_t fitting = limit > overhead ? (limit - overhead) / bytes : 0;
  return std::max<std::uint64_t>(
      1, std::min(fitting, kDefaultBatchBytes / std::max<std::uint64_t>(raw_bytes, 1)));
}

Status CheckSampleSize(const DataPlan& plan, const DataLimits& limits, std::uint64_t file_bytes) {
  if (!limits.batch_bytes || file_bytes <= *limits.batch_bytes) return OkStatus();
  std::string inputs;
  for (const InputFeed& feed : plan.feeds) {
    inputs += (inputs.empty() ? "" : ", ") + TensorText(feed.row) + " of " + std::to_string(feed.row_bytes) +
              " bytes";
  }
  return InvalidArgumentError("one sample (" + inputs + ") takes " + std::to_string(file_bytes) +
                              " bytes as a batch file, and the device takes " +
                              std::to_string(*limits.batch_bytes) +
                              "; choose another device or a model with smaller inputs");
}

Result<BatchFile> WriteBatch(DataFile& file, const DataPlan& plan, const DataLimits& limits,
                             std::span<const std::uint64_t> rows, const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<Tensor> tensors, ReadSamples(file, plan, rows));
  PADDOCK_ASSIGN_OR_RETURN(const std::string bytes, EncodeTensorFile(tensors));
  PADDOCK_RETURN_IF_ERROR(CheckSampleSize(plan, limits, bytes.size()));
  PADDOCK_RETURN_IF_ERROR(WriteScratch(path, bytes));
  return BatchFile{path, rows.size(), bytes.size()};
}

std::string BatchName(std::size_t number) {
  char name[32];
  std::snprintf(name, sizeof(name), "batch-%05zu.tensors", number);
  return name;
}

// "labels: 3 classes in the sorted order of their texts: 0 cat, 1 dog, 2 fox"
std::string ClassNote(const std::vector<std::string>& class_names) {
  constexpr std::size_t kShown = 20;
  if (class_names.empty()) return "";
  std::string note =
      "labels: " + std::to_string(class_names.size()) + " classes in the sorted order of their texts:";
  for (std::size_t i = 0; i < std::min(kShown, class_names.size()); ++i)
    note += (i == 0 ? " " : ", ") + std::to_string(i) + " " + class_names[i];
  return class_names.size() > kShown ? note + " ..." : note;
}

}  // namespace

Status CheckData(const DataSpec& spec, const std::string& data_path, const ModelInfo& model, Task task,
                 const std::string& shown_name) {
  PADDOCK_ASSIGN_OR_RETURN(DataFile file, DataFile::Open(data_path, shown_name, spec));
  PADDOCK_ASSIGN_OR_RETURN(const DataPlan plan, PlanData(file, spec, model, task));
  PADDOCK_ASSIGN_OR_RETURN(const auto chosen, ChooseMeasured(plan, spec));
  for (const InputFeed& feed : plan.feeds) {
    if (plan.samples > kVerifiedAtSubmitBytes / feed.raw_row_bytes) continue;
    PADDOCK_RETURN_IF_ERROR(file.Verify(feed.array));
  }
  return OkStatus();
}

Result<PreparedData> PrepareData(const DataSpec& spec, const std::string& data_path, const ModelInfo& model,
                                 Task task, const DataLimits& limits, const std::string& output_folder,
                                 const std::string& shown_name) {
  PADDOCK_ASSIGN_OR_RETURN(DataFile file, DataFile::Open(data_path, shown_name, spec));
  PADDOCK_ASSIGN_OR_RETURN(const DataPlan plan, PlanData(file, spec, model, task));
  PreparedData prepared;
  PADDOCK_ASSIGN_OR_RETURN(prepared.indices, ChooseMeasured(plan, spec));

  std::uint64_t sample_bytes = 0;
  for (const InputFeed& feed : plan.feeds) sample_bytes += feed.row_bytes;
  PADDOCK_RETURN_IF_ERROR(CheckSampleSize(plan, limits, sample_bytes));  // before a large one is read
  const std::uint64_t step = SamplesPerBatch(plan, limits);
  const std::span<const std::uint64_t> all = prepared.indices;
  for (std::size_t begin = 0; begin < all.size(); begin += step) {
    const auto rows = all.subspan(begin, std::min<std::size_t>(step, all.size() - begin));
    const std::string path = output_folder + "/" + BatchName(prepared.batches.size());
    PADDOCK_ASSIGN_OR_RETURN(BatchFile batch, WriteBatch(file, plan, limits, rows, path));
    prepared.batches.push_back(std::move(batch));
  }
  for (const InputFeed& feed : plan.feeds) PADDOCK_RETURN_IF_ERROR(file.FinishReading(feed.array));

  if (spec.labels.empty()) return prepared;
  PADDOCK_ASSIGN_OR_RETURN(Tensor labels, file.ReadRows(spec.labels, prepared.indices));
  PADDOCK_RETURN_IF_ERROR(file.FinishReading(spec.labels));
  if (const std::string note = ClassNote(file.ClassNames(labels.info)); !note.empty())
    prepared.notes.push_back(note);
  labels.info.name = "labels";
  PADDOCK_ASSIGN_OR_RETURN(const std::string bytes, EncodeTensorFile({std::move(labels)}));
  prepared.labels_path = output_folder + "/labels.tensors";
  PADDOCK_RETURN_IF_ERROR(WriteScratch(prepared.labels_path, bytes));
  return prepared;
}

}  // namespace paddock

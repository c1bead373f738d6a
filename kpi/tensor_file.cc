#include "kpi/tensor_file.h"

#include <bit>
#include <cstring>
#include <set>

#include "base/strict_json.h"

namespace paddock {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor files are little-endian");

constexpr std::string_view kTensorMagic = "PDKTNSR1";
constexpr std::uint64_t kTensorPrefixBytes = 16;  // magic and header length
constexpr std::uint64_t kAlignment = 64;
constexpr ParseLimits kTensorHeaderLimits{.max_bytes = 1 << 20, .max_depth = 8, .max_nodes = 100'000};

std::uint64_t RoundUp(std::uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// The bytes that a tensor of this form has, after the rules that hold for every tensor in a file.
Result<std::uint64_t> CheckedBytes(const TensorInfo& info, std::int64_t samples) {
  if (ElementSize(info.type) == 0) {
    return InvalidArgumentError(TensorText(info) + ": a tensor file holds numbers only");
  }
  const auto count = ElementCount(info.shape);
  if (!count) return InvalidArgumentError(TensorText(info) + ": the shape is open or too large");
  if (info.shape.empty()) {
    return InvalidArgumentError(TensorText(info) + ": has no dimension; the first one must count samples");
  }
  if (info.shape.front() != samples) {
    return InvalidArgumentError(TensorText(info) + ": has " + std::to_string(info.shape.front()) +
                                " samples, the first tensor of the file has " + std::to_string(samples));
  }
  return *count * ElementSize(info.type);
}

Result<std::string> RenderHeader(const std::vector<Tensor>& tensors, std::uint64_t data_begin) {
  std::string text = R"({"tensors":[)";
  std::uint64_t offset = data_begin;
  for (const Tensor& tensor : tensors) {
    std::string name;
    try {
      name = Json(tensor.info.name).dump();
    } catch (const Json::exception&) {
      return InvalidArgumentError("a tensor's name is not UTF-8; rename it in the model");
    }
    text += &tensor == &tensors.front() ? "" : ",";
    text += R"({"name":)" + name + R"(,"type":")" + std::string(ElementTypeName(tensor.info.type)) +
            R"(","shape":)" + ShapeText(tensor.info.shape) + R"(,"offset":)" + std::to_string(offset) +
            R"(,"bytes":)" + std::to_string(tensor.bytes.size()) + "}";
    offset = RoundUp(offset + tensor.bytes.size());
  }
  return text + "]}";
}

struct Entry {
  TensorInfo info;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

Result<Entry> ReadEntry(const Json& json, const std::string& path) {
  Entry entry;
  std::string type;
  StrictObject object(json, path);
  object.Required("name", &entry.info.name);
  object.Required("type", &type);
  object.Required("shape", &entry.info.shape);
  object.Required("offset", &entry.offset);
  object.Required("bytes", &entry.bytes);
  PADDOCK_RETURN_IF_ERROR(object.Finish());
  const auto parsed = ParseElementType(type);
  if (!parsed.ok()) return parsed.status().WithContext(path + ".type");
  entry.info.type = *parsed;
  return entry;
}

Result<std::vector<NamedTensorView>> DecodeTensors(std::string_view bytes) {
  if (bytes.size() < kTensorPrefixBytes || bytes.substr(0, kTensorMagic.size()) != kTensorMagic) {
    return InvalidArgumentError("does not begin with " + std::string(kTensorMagic));
  }
  PADDOCK_CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 == 0,
                "a tensor file in memory begins at a multiple of 8");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data() + kTensorMagic.size(), sizeof header_bytes);
  if (header_bytes > bytes.size() - kTensorPrefixBytes) {
    return InvalidArgumentError("truncated: the header has " + std::to_string(header_bytes) +
                                " bytes, the whole file " + std::to_string(bytes.size()));
  }
  const std::uint64_t data_begin = kTensorPrefixBytes + header_bytes;
  if (data_begin % kAlignment != 0)
    return InvalidArgumentError("the header does not end at a multiple of 64");
  PADDOCK_ASSIGN_OR_RETURN(const Json header, ParseJson(bytes.substr(kTensorPrefixBytes, header_bytes),
                                                        "header", kTensorHeaderLimits));
  StrictObject root(header, "");
  const Json* list = root.Child("tensors");
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  if (list == nullptr || !list->is_array() || list->empty()) {
    return InvalidArgumentError("tensors: must be a list of at least one tensor");
  }

  std::vector<NamedTensorView> views;
  std::set<std::string> names;
  std::uint64_t end = data_begin;
  for (std::size_t i = 0; i < list->size(); ++i) {
    PADDOCK_ASSIGN_OR_RETURN(Entry entry, ReadEntry((*list)[i], "tensors[" + std::to_string(i) + "]"));
    const std::string text = TensorText(entry.info);
    if (!names.insert(entry.info.name).second)
      return InvalidArgumentError(text + ": two tensors have this name");
    const std::int64_t samples = !views.empty()             ? views.front().tensor.shape.front()
                                 : entry.info.shape.empty() ? 0
                                                            : entry.info.shape.front();
    PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t size, CheckedBytes(entry.info, samples));
    if (entry.bytes != size) {
      return InvalidArgumentError(text + ": takes " + std::to_string(size) + " bytes, the header says " +
                                  std::to_string(entry.bytes));
    }
    if (entry.offset != RoundUp(end)) {
      return InvalidArgumentError(text + ": must begin at " + std::to_string(RoundUp(end)) +
                                  ", the header says " + std::to_string(entry.offset));
    }
    if (entry.offset > bytes.size() || size > bytes.size() - entry.offset) {
      return InvalidArgumentError(text + ": truncated; ends at " + std::to_string(entry.offset + size) +
                                  ", the file has " + std::to_string(bytes.size()) + " bytes");
    }
    end = entry.offset + size;
    const auto data = bytes.substr(entry.offset, size);
    views.push_back({std::move(entry.info.name),
                     {entry.info.type, std::move(entry.info.shape),
                      std::as_bytes(std::span<const char>(data.data(), data.size()))}});
  }
  if (end != bytes.size()) {
    return InvalidArgumentError(std::to_string(bytes.size() - end) + " bytes after the last tensor");
  }
  return views;
}

}  // namespace

Result<std::string> EncodeTensorFile(const std::vector<Tensor>& tensors) {
  if (tensors.empty()) return InvalidArgumentError("a tensor file holds at least one tensor");
  std::set<std::string> names;
  const Shape& first = tensors.front().info.shape;
  for (const Tensor& tensor : tensors) {
    PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t size,
                             CheckedBytes(tensor.info, first.empty() ? 0 : first.front()));
    if (tensor.bytes.size() != size) {
      return InvalidArgumentError(TensorText(tensor.info) + ": takes " + std::to_string(size) +
                                  " bytes, has " + std::to_string(tensor.bytes.size()));
    }
    if (!names.insert(tensor.info.name).second) {
      return InvalidArgumentError(TensorText(tensor.info) + ": two tensors have this name");
    }
  }

  // Larger offsets can make the header longer, so the begin of the data grows until the header fits.
  std::uint64_t data_begin = kAlignment;
  std::string header;
  for (;;) {
    PADDOCK_ASSIGN_OR_RETURN(header, RenderHeader(tensors, data_begin));
    if (kTensorPrefixBytes + header.size() <= data_begin) break;
    data_begin = RoundUp(kTensorPrefixBytes + header.size());
  }
  header.resize(data_begin - kTensorPrefixBytes, ' ');
  if (header.size() > kTensorHeaderLimits.max_bytes) {
    return InvalidArgumentError("the names and shapes take more than " +
                                std::to_string(kTensorHeaderLimits.max_bytes) + " bytes; use fewer tensors");
  }

  const std::uint64_t header_bytes = header.size();
  std::uint64_t total = data_begin;
  for (const Tensor& tensor : tensors) total = RoundUp(total) + tensor.bytes.size();
  std::string file;
  file.reserve(total);
  file += kTensorMagic;
  file.append(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
  file += header;
  for (const Tensor& tensor : tensors) {
    file.resize(RoundUp(file.size()), '\0');
    file.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  }
  return file;
}

Result<std::vector<NamedTensorView>> DecodeTensorFile(std::string_view bytes) {
  auto views = DecodeTensors(bytes);
  if (!views.ok()) return views.status().WithContext("tensor file");
  return views;
}

}  // namespace paddock

#include "prepare/passes/aimet_encodings.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/strict_json.h"

namespace paddock {
namespace {

constexpr std::size_t kMaxEncodingsBytes = 64 << 20;
constexpr ParseLimits kEncodingsLimits{
    .max_bytes = kMaxEncodingsBytes, .max_depth = 16, .max_nodes = 2'000'000};

// One encoding as it stands in the file: a mapping. Keys that are not asked for are left alone, since each release of AIMET
// adds some. The first thing wrong is kept, with its place.
class EncodingReader {
 public:
  EncodingReader(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
    if (!json.is_object()) Fail("", "must be a mapping");
  }

  const Json* Find(const char* key) const {
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  std::string Text(const char* key, const std::string& fallback) {
    const Json* const value = Find(key);
    if (value == nullptr) return fallback;
    if (!value->is_string()) return Fail(key, "must be text"), fallback;
    std::string text = value->get<std::string>();
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return 'A' <= c && c <= 'Z' ? c | 32 : c; });
    return text;
  }
  // Also "True" and "False", as versions 0.x write them.
  bool Flag(const char* key) {
    const Json* const value = Find(key);
    if (value == nullptr) return false;
    if (value->is_boolean()) return value->get<bool>();
    const std::string text = Text(key, "");
    if (text != "true" && text != "false") Fail(key, "must be true or false");
    return text == "true";
  }
  std::int64_t Integer(const char* key, std::int64_t low, std::int64_t high) {
    const Json* const value = Find(key);
    if (value == nullptr) return Fail(key, "is missing"), low;
    return ToInteger(*value, key, low, high);
  }
  // A number, or a list of numbers.
  std::vector<float> Scales(const char* key) {
    std::vector<float> scales;
    for (const Json* value : Values(key)) {
      const double scale = value->is_number() ? value->get<double>() : 0;
      if (!(scale >= static_cast<double>(FLT_MIN) && scale <= static_cast<double>(FLT_MAX))) {
        Fail(key, "must be positive numbers that float32 can hold, not " + value->dump().substr(0, 40));
        return {};
      }
      scales.push_back(static_cast<float>(scale));
    }
    return scales;
  }
  std::vector<std::int64_t> Integers(const char* key, std::int64_t low, std::int64_t high) {
    std::vector<std::int64_t> integers;
    for (const Json* value : Values(key)) integers.push_back(ToInteger(*value, key, low, high));
    return integers;
  }
  void Fail(const std::string& key, const std::string& problem) {
    const std::string place = key.empty() ? path_ : path_ + "." + key;
    if (error_.ok()) error_ = InvalidArgumentError(place + ": " + problem);
  }
  const Status& status() const { return error_; }

 private:
  std::vector<const Json*> Values(const char* key) {
    const Json* const value = Find(key);
    std::vector<const Json*> values;
    if (value == nullptr) {
      Fail(key, "is missing");
    } else if (!value->is_array()) {
      values.push_back(value);
    } else {
      for (const Json& item : *value) values.push_back(&item);
      if (values.empty()) Fail(key, "is empty");
    }
    return values;
  }
  // 8.0 is an integer too.
  std::int64_t ToInteger(const Json& value, const char* key, std::int64_t low, std::int64_t high) {
    const double number = value.is_number() ? value.get<double>() : NAN;
    if (number == std::floor(number) && number >= static_cast<double>(low) &&
        number <= static_cast<double>(high))
      return static_cast<std::int64_t>(number);
    Fail(key, "must be an integer from " + std::to_string(low) + " to " + std::to_string(high) + ", not " +
                  value.dump().substr(0, 40));
    return low;
  }

  const Json& json_;
  const std::string path_;
  Status error_;
};

std::int64_t HalfRange(int bits) { return std::int64_t{1} << (bits - 1); }

void SetRange(int bits, TensorEncoding* encoding) {
  encoding->bits = bits;
  encoding->low = -HalfRange(bits);
  encoding->high = HalfRange(bits) - 1;
}

void RefuseBlocks(EncodingReader& reader) {
  reader.Fail("",
              "has one scale for each block of a channel, which ONNX has from opset 21 on; export the model "
              "from AIMET "
              "with scales per channel or per tensor");
}

// The fields that 0.x and 1.x have under different names: real = (q + offset) * scale with q from 0 on.
void ReadOffsets(EncodingReader& reader, const char* bits_key, const char* symmetry_key,
                 TensorEncoding* encoding) {
  if (reader.Text("dtype", "int") == "float") {
    encoding->is_float = true;
    return;
  }
  const int bits = static_cast<int>(reader.Integer(bits_key, 2, 32));
  SetRange(bits, encoding);
  if (reader.Find("zero_point_shift") != nullptr)
    reader.Fail("zero_point_shift", "fractions of a step have no form in ONNX");
  const bool is_symmetric = reader.Flag(symmetry_key);
  encoding->scales = reader.Scales("scale");
  const std::vector<std::int64_t> offsets = reader.Integers("offset", 1 - 2 * HalfRange(bits), 0);
  if (offsets.size() != encoding->scales.size())
    reader.Fail("offset", "has another number of entries than scale");
  // Strictly symmetric: the range has one integer less, and the one in its middle is zero.
  const std::int64_t strict = 1 - HalfRange(bits);
  const bool is_strict =
      is_symmetric && std::all_of(offsets.begin(), offsets.end(), [&](auto o) { return o == strict; });
  if (is_strict) encoding->low = strict;
  for (const std::int64_t offset : offsets)
    encoding->zero_points.push_back(is_strict ? 0 : -offset - HalfRange(bits));
}

// 0.x: a list with one encoding for the tensor, or one for each channel.
Result<TensorEncoding> ReadChannels(const Json& channels, const std::string& path) {
  if (!channels.is_array() || channels.empty()) {
    return InvalidArgumentError(
        path +
        ": must be a list of encodings; the file of the PyTorch model (*_torch.encodings) is "
        "another, take the one that AIMET wrote for the ONNX model");
  }
  TensorEncoding all;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string place = path + "[" + std::to_string(i) + "]";
    EncodingReader reader(channels[i], place);
    TensorEncoding one;
    ReadOffsets(reader, "bitwidth", "is_symmetric", &one);
    if (!one.is_float && one.scales.size() != 1) reader.Fail("scale", "must be one number");
    PADDOCK_RETURN_IF_ERROR(reader.status());
    if (i == 0) {
      all = std::move(one);
      continue;
    }
    if (one.is_float != all.is_float || one.bits != all.bits || one.low != all.low)
      return InvalidArgumentError(place +
                                  ": has another data type, width or symmetry than the first channel");
    if (one.is_float) continue;
    all.scales.push_back(one.scales[0]);
    all.zero_points.push_back(one.zero_points[0]);
  }
  return all;
}

// 1.x
Result<TensorEncoding> ReadNamed(const Json& json, const std::string& path) {
  EncodingReader reader(json, path);
  TensorEncoding encoding;
  const std::string kind = reader.Text("enc_type", "per_tensor");
  if (kind == "per_block" || kind == "lpbq") {
    RefuseBlocks(reader);
  } else if (kind != "per_tensor" && kind != "per_channel") {
    reader.Fail("enc_type", "'" + kind.substr(0, 40) + "' is neither PER_TENSOR nor PER_CHANNEL");
  } else {
    ReadOffsets(reader, "bw", "is_sym", &encoding);
    if (kind == "per_tensor" && encoding.scales.size() > 1)
      reader.Fail("scale", "must be one number per tensor");
  }
  PADDOCK_RETURN_IF_ERROR(reader.status());
  return encoding;
}

// 2.x
Result<TensorEncoding> ReadQuantizeLinear(const Json& json, const std::string& path) {
  EncodingReader reader(json, path);
  TensorEncoding encoding;
  const Json* const scale = reader.Find("y_scale");
  const bool has_blocks =
      scale != nullptr &&
      (scale->is_object() || (scale->is_array() && !scale->empty() && (*scale)[0].is_array()));
  if (has_blocks || reader.Find("block_size") != nullptr || reader.Find("per_block_int_scale") != nullptr) {
    RefuseBlocks(reader);
    return reader.status();
  }
  const std::string type = reader.Text("output_dtype", "");
  encoding.is_float = type == "float16" || type == "float32" || type == "bfloat16";
  if (encoding.is_float) return encoding;
  static constexpr std::pair<const char*, int> kTypes[] = {{"int2", 2},   {"int4", 4},   {"int8", 8},
                                                           {"int16", 16}, {"int32", 32}, {"uint2", 2},
                                                           {"uint4", 4},  {"uint8", 8},  {"uint16", 16}};
  const auto* const known =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) { return t.first == type; });
  if (known == std::end(kTypes)) {
    reader.Fail("output_dtype", "'" + type.substr(0, 40) + "' is no type of integers that is known here");
    return reader.status();
  }
  SetRange(known->second, &encoding);
  const std::int64_t shift = type[0] == 'u' ? HalfRange(known->second) : 0;
  encoding.scales = reader.Scales("y_scale");
  encoding.zero_points.assign(encoding.scales.size(), -shift);
  if (reader.Find("y_zero_point") != nullptr) {
    encoding.zero_points = reader.Integers("y_zero_point", encoding.low + shift, encoding.high + shift);
    for (std::int64_t& zero_point : encoding.zero_points) zero_point -= shift;
  }
  if (encoding.zero_points.size() != encoding.scales.size())
    reader.Fail("y_zero_point", "has another number of entries than y_scale");
  if (reader.Find("axis") != nullptr) encoding.axis = reader.Integer("axis", -8, 7);
  if (encoding.scales.size() > 1 && !encoding.axis) reader.Fail("axis", "is missing");
  PADDOCK_RETURN_IF_ERROR(reader.status());
  return encoding;
}

class EncodingsFile {
 public:
  Result<std::vector<TensorEncoding>> Read(const Json& root) {
    if (!root.is_object()) return InvalidArgumentError("must be a mapping");
    bool has_any = false;
    for (const char* const section : {"encodings", "activation_encodings", "param_encodings"}) {
      const auto found = root.find(section);
      if (found == root.end()) continue;
      has_any = true;
      PADDOCK_RETURN_IF_ERROR(ReadSection(*found, section, section == std::string_view("encodings")));
    }
    if (!has_any) {
      return InvalidArgumentError(
          "has neither activation_encodings and param_encodings nor encodings, so it is no file of "
          "AIMET's that is known here");
    }
    return std::move(encodings_);
  }

 private:
  Status ReadSection(const Json& section, const std::string& name, bool is_second) {
    if (section.is_object() && !is_second) {
      for (const auto& [tensor, channels] : section.items())
        PADDOCK_RETURN_IF_ERROR(
            Add(tensor, name + "." + tensor, ReadChannels(channels, name + "." + tensor)));
      return OkStatus();
    }
    if (!section.is_array()) return InvalidArgumentError(name + ": must be a list of encodings");
    for (std::size_t i = 0; i < section.size(); ++i) {
      std::string place = name + "[" + std::to_string(i) + "]";
      const Json& json = section[i];
      if (!json.is_object() || !json.contains("name") || !json["name"].is_string())
        return InvalidArgumentError(place + ": must be an encoding with a name");
      const auto tensor = json["name"].get<std::string>();
      place += " (" + tensor + ")";
      PADDOCK_RETURN_IF_ERROR(
          Add(tensor, place, is_second ? ReadQuantizeLinear(json, place) : ReadNamed(json, place)));
    }
    return OkStatus();
  }

  Status Add(const std::string& tensor, const std::string& place, Result<TensorEncoding> encoding) {
    PADDOCK_RETURN_IF_ERROR(encoding.status());
    if (!names_.insert(tensor).second) return InvalidArgumentError(place + ": the tensor stands twice");
    encoding->tensor = tensor;
    encodings_.push_back(*std::move(encoding));
    return OkStatus();
  }

  std::vector<TensorEncoding> encodings_;
  std::set<std::string> names_;
};

}  // namespace

Result<std::vector<TensorEncoding>> ParseAimetEncodings(std::string_view json, std::string_view shown_name) {
  PADDOCK_ASSIGN_OR_RETURN(const Json root, ParseJson(json, shown_name, kEncodingsLimits));
  auto encodings = EncodingsFile().Read(root);
  if (!encodings.ok()) return encodings.status().WithContext(shown_name);
  return encodings;
}

Result<std::vector<TensorEncoding>> ReadAimetEncodings(const std::string& path, std::string_view shown_name) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string json, ReadFile(path, kMaxEncodingsBytes));
  return ParseAimetEncodings(json, shown_name);
}

}  // namespace paddock

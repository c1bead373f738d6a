#include "prepare/npy.h"

#include <array>
#include <cctype>
#include <limits>
#include <optional>
#include <string>

namespace paddock {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxRank = 32;  // NumPy's own limit
constexpr std::string_view kSaveHint = "; save it with numpy.save(..., numpy.ascontiguousarray(array))";

Status Damaged(const std::string& what) {
  return InvalidArgumentError("not a .npy array: " + what + "; save it anew with numpy.save or numpy.savez");
}

struct Dtype {
  std::string_view code;
  ElementType type;
};
constexpr std::array kDtypes = {
    Dtype{"f2", ElementType::kFloat16}, Dtype{"f4", ElementType::kFloat32},
    Dtype{"f8", ElementType::kFloat64}, Dtype{"i1", ElementType::kInt8},
    Dtype{"i2", ElementType::kInt16},   Dtype{"i4", ElementType::kInt32},
    Dtype{"i8", ElementType::kInt64},   Dtype{"u1", ElementType::kUint8},
    Dtype{"u2", ElementType::kUint16},  Dtype{"u4", ElementType::kUint32},
    Dtype{"u8", ElementType::kUint64},  Dtype{"b1", ElementType::kBool},
};

Result<ElementType> ParseDescr(const std::string& descr) {
  const std::string quoted = "its dtype is '" + descr + "'";
  if (descr.size() < 2) return Damaged(quoted);
  const char order = descr[0];
  const std::string_view code = std::string_view(descr).substr(1);
  for (const Dtype& dtype : kDtypes) {
    if (code != dtype.code) continue;
    if (order == '<' || (order == '|' && ElementSize(dtype.type) == 1)) return dtype.type;
    if (order == '>') {
      return InvalidArgumentError(quoted + ", big-endian; convert it with array.astype('<" +
                                  std::string(code) + "')");
    }
    return Damaged(quoted);
  }
  std::string kind = "is not a numeric type of models";
  if (code[0] == 'O') kind = "holds Python objects, which are never unpickled";
  if (code[0] == 'U' || code[0] == 'S') kind = "is text";
  if (code[0] == 'c') kind = "is complex";
  if (code[0] == 'M' || code[0] == 'm') kind = "is a time";
  return InvalidArgumentError(
      quoted + " and " + kind +
      "; convert it with array.astype to one of float16/32/64, int8..64, uint8..64, bool");
}

// The one Python dict literal that a header is: string keys; values are a string, a bool, or a tuple of integers.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  Status Read() {
    if (!Take('{')) return Damaged("its header does not begin with '{'");
    while (!Take('}')) {
      const auto key = String();
      if (!key || !Take(':')) return Damaged("its header has no key where one should be");
      PADDOCK_RETURN_IF_ERROR(Value(*key));
      if (Take('}')) break;
      if (!Take(',')) return Damaged("its header lacks a comma after '" + *key + "'");
    }
    SkipSpace();
    if (at_ != text_.size()) return Damaged("its header goes on after the closing brace");
    if (!descr || !fortran_order || !shape)
      return Damaged("its header lacks one of descr, fortran_order, shape");
    return OkStatus();
  }

  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;

 private:
  Status Value(const std::string& key) {
    const bool repeated =
        (key == "descr" && descr) || (key == "fortran_order" && fortran_order) || (key == "shape" && shape);
    if (repeated) return Damaged("its header has '" + key + "' twice");
    if (key == "descr") {
      if (Peek() == '[') {
        return InvalidArgumentError(
            "its dtype is structured (several fields); save each field as an array of its own");
      }
      descr = String();
      return descr ? OkStatus() : Damaged("its descr is not a string");
    }
    if (key == "fortran_order") {
      if (Word("True")) fortran_order = true;
      if (!fortran_order && Word("False")) fortran_order = false;
      return fortran_order ? OkStatus() : Damaged("its fortran_order is neither True nor False");
    }
    if (key == "shape") {
      shape = Tuple();
      return shape ? OkStatus() : Damaged("its shape is not a tuple of at most 32 sizes");
    }
    return Damaged("its header has the unknown key '" + key + "'");
  }

  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  char Peek() {
    SkipSpace();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool Take(char wanted) {
    if (Peek() != wanted || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool Word(std::string_view word) {
    SkipSpace();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  std::optional<std::string> String() {
    const char quote = Peek();
    if (quote != '\'' && quote != '"') return std::nullopt;
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos || end - at_ > 64) return std::nullopt;
    std::string value;
    for (const char c : text_.substr(at_ + 1, end - at_ - 1)) {
      if (c < ' ' || c > '~' || c == '\\') return std::nullopt;
      value += c;
    }
    at_ = end + 1;
    return value;
  }
  std::optional<std::int64_t> Size() {
    std::int64_t value = 0;
    const char first = Peek();
    if (std::isdigit(static_cast<unsigned char>(first)) == 0) return std::nullopt;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) {
      if (value > (std::numeric_limits<std::int64_t>::max() - 9) / 10) return std::nullopt;
      value = value * 10 + (text_[at_++] - '0');
    }
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers so
    return value;
  }
  std::optional<Shape> Tuple() {
    if (!Take('(')) return std::nullopt;
    Shape sizes;
    while (!Take(')')) {
      const auto size = Size();
      if (!size || sizes.size() == kMaxRank) return std::nullopt;
      sizes.push_back(*size);
      if (Take(')')) break;
      if (!Take(',')) return std::nullopt;
    }
    return sizes;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<NpyHeader> ParseNpyHeader(std::string_view prefix) {
  if (prefix.empty()) return Damaged("it is empty");
  if (prefix.substr(0, kMagic.size()) != kMagic) return Damaged("it does not begin with \\x93NUMPY");
  if (prefix.size() < 10) return Damaged("it ends inside the header");
  const auto byte_at = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(prefix[at]));
  };
  const std::size_t major = byte_at(6);
  const std::size_t minor = byte_at(7);
  if (major < 1 || major > 3 || minor != 0) {
    return InvalidArgumentError("its format version is " + std::to_string(major) + "." +
                                std::to_string(minor) +
                                ", and 1.0 to 3.0 are known; save it anew with numpy.save");
  }
  std::size_t length = byte_at(8) | byte_at(9) << 8;
  std::size_t begin = 10;
  if (major > 1) {
    if (prefix.size() < 12) return Damaged("it ends inside the header");
    length |= byte_at(10) << 16 | byte_at(11) << 24;
    begin = 12;
  }
  if (length > kMaxNpyHeaderBytes - begin)
    return Damaged("its header claims " + std::to_string(length) + " bytes");
  if (length > prefix.size() - begin) return Damaged("it ends inside the header");

  HeaderReader reader(prefix.substr(begin, length));
  PADDOCK_RETURN_IF_ERROR(reader.Read());
  NpyHeader header;
  PADDOCK_ASSIGN_OR_RETURN(header.type, ParseDescr(*reader.descr));
  header.shape = *reader.shape;
  if (*reader.fortran_order && header.shape.size() > 1) {
    return InvalidArgumentError("it is stored in Fortran order" + std::string(kSaveHint));
  }
  const auto count = ElementCount(header.shape);
  if (!count) return Damaged("its shape " + ShapeText(header.shape) + " has too many elements");
  header.header_bytes = begin + length;
  header.data_bytes = *count * ElementSize(header.type);
  return header;
}

Result<NpyArray> ParseNpy(std::string_view file) {
  PADDOCK_ASSIGN_OR_RETURN(NpyHeader header, ParseNpyHeader(file));
  const std::uint64_t present = file.size() - header.header_bytes;
  if (present != header.data_bytes) {
    return Damaged("it holds " + std::to_string(present) + " bytes of elements, and its shape " +
                   ShapeText(header.shape) + " of " + std::string(ElementTypeName(header.type)) + " takes " +
                   std::to_string(header.data_bytes));
  }
  const auto bytes = std::as_bytes(std::span(file.data(), file.size())).subspan(header.header_bytes);
  return NpyArray{header.type, std::move(header.shape), bytes};
}

}  // namespace paddock

// Numbers and labels as people write them in text files. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

std::string_view WithoutSpaces(std::string_view text);

// A finite decimal number, such as -1.5e3 or +2, and nothing else.
std::optional<double> ParseNumber(std::string_view text);
// What is wrong with a text that ParseNumber() refuses: "'abc' is no number".
std::string NotANumberText(std::string_view text);

// A column of labels, given twice: first to learn what they are, then to be written as numbers. Whole numbers are int64,
// numbers float64, and texts class numbers in int64: their places in sorted order.
class LabelTexts {
 public:
  // As if each of these texts, sorted and different, had been added and were no numbers.
  static LabelTexts OfClasses(const std::vector<std::string>& names);

  // INVALID_ARGUMENT for an empty label, numbers mixed with text, and more text than class names take.
  Status Add(std::string_view text);
  void Finish();

  ElementType type() const { return all_whole_ ? ElementType::kInt64 : ElementType::kFloat64; }
  const std::vector<std::string>& class_names() const { return class_names_; }
  // Eight bytes. REQUIRES: Finish() was called, and the text was added before.
  void Write(std::string_view text, std::byte* out) const;

 private:
  enum class Kind { kUnknown, kNumbers, kTexts };
  Kind kind_ = Kind::kUnknown;
  bool all_whole_ = true;
  std::size_t text_bytes_ = 0;
  std::map<std::string, std::int64_t, std::less<>> classes_;
  std::vector<std::string> class_names_;
};

}  // namespace paddock

// Reads options (`--option key=value` of a device, `key=value` of a preparation step) as typed values. The first mistake is
// kept and answered by Finish(); until then each read gives the fallback, so that everything is read in a row and checked
// once. One thread; the options must outlive the reader.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/status.h"

namespace paddock {

struct OptionDoc {
  std::string_view key;
  std::string_view help;  // with the default
};

class OptionReader {
 public:
  // `subject` is whose options they are, as errors call it: "driver 'simulated'".
  OptionReader(std::string_view subject, const std::map<std::string, std::string>& options)
      : subject_(subject), options_(options) {}

  std::string Text(const std::string& key, std::string_view fallback);
  std::string Choice(const std::string& key, std::string_view fallback,
                     std::initializer_list<std::string_view> choices);
  // Decimal, between the bounds (both included).
  std::uint64_t Unsigned(const std::string& key, std::uint64_t fallback, std::uint64_t min,
                         std::uint64_t max);
  // Finite, between the bounds (both included).
  double Number(const std::string& key, double fallback, double min, double max);
  // "true" or "false".
  bool Flag(const std::string& key, bool fallback);
  // Every key that begins with `prefix`, without it.
  std::map<std::string, std::string> WithPrefix(std::string_view prefix);
  bool Has(const std::string& key) const { return options_.contains(key); }

  // INVALID_ARGUMENT for the first mistake, or for a key that nobody read: names the subject, the key and what
  // it may be.
  Status Finish() const;

 private:
  // Null when the option is not given.
  const std::string* Find(const std::string& key);
  void Refuse(const std::string& key, const std::string& value, const std::string& expected);

  std::string subject_;
  const std::map<std::string, std::string>& options_;
  std::set<std::string> known_;
  Status first_error_;
};

// The whole of `text` as a number; false for anything else, including "nan", "inf" and surrounding blanks.
bool ParseNumber(std::string_view text, double* value);
bool ParseUnsigned(std::string_view text, std::uint64_t* value);

}  // namespace paddock

// Tables, CSV and figures for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

enum class OutputFormat { kTable, kWide, kJson, kCsv, kName };
Result<OutputFormat> ParseOutputFormat(const std::string& name);

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // each as long as `columns`; the first cell is the name
};
// Columns padded to their widest cell (counted in code points), two spaces between. Cells are shown as Printable().
// A table without columns has no head line.
std::string AsText(const Table& table);
// RFC 4180; a cell that a spreadsheet would take for a formula is quoted with a leading apostrophe.
std::string AsCsv(const Table& table);
std::string NamesOnly(const Table& table);

// Control characters and bytes that are not UTF-8 become "?", so that no name can steer a terminal.
std::string Printable(std::string_view text);
// The first `width` characters.
std::string Shortened(const std::string& text, std::size_t width);

// The shortest decimal form that reads back as the same number.
std::string ExactNumber(double value);
// 0.00135 s -> "1.350 ms", 97340 B -> "95.06 KiB", 0.902 of unit 1 -> "0.9020": four significant digits.
std::string Figure(double value, const std::string& unit);
// "3 s ago", "2 h ago"; "never" for 0.
std::string Ago(std::int64_t wall_ms);

}  // namespace paddock

#include "cli/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/utf8.h"

namespace paddock {
namespace {

std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string Significant(double value) {
  if (value == 0) return "0";
  // The exponent after rounding: 999.96 has four significant digits as 1000.
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.3e", value);
  const int exponent = std::atoi(std::strchr(text.data(), 'e') + 1);
  std::snprintf(text.data(), text.size(), "%.*f", std::clamp(3 - exponent, 0, 9), value);
  return text.data();
}

struct Scale {
  double factor;
  const char* prefix;
};

std::string Scaled(double value, const std::string& unit, const std::vector<Scale>& scales) {
  for (const Scale& scale : scales) {
    if (std::abs(value) >= scale.factor) return Significant(value / scale.factor) + " " + scale.prefix + unit;
  }
  return Significant(value / scales.back().factor) + " " + scales.back().prefix + unit;
}

std::string CsvCell(const std::string& cell) {
  std::string text = cell;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (!text.empty() && !is_number && std::string("=+-@\t\r").find(text[0]) != std::string::npos)
    text.insert(0, "'");
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

bool IsControl(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  // U+0080 to U+009F are what terminals take for escape sequences too.
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

}  // namespace

Result<OutputFormat> ParseOutputFormat(const std::string& name) {
  if (name == "table") return OutputFormat::kTable;
  if (name == "wide") return OutputFormat::kWide;
  if (name == "json") return OutputFormat::kJson;
  if (name == "csv") return OutputFormat::kCsv;
  if (name == "name") return OutputFormat::kName;
  return InvalidArgumentError("-o '" + name + "' is none of table, wide, json, csv, name");
}

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = Utf8SequenceLength(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0 || IsControl(character)) {
      out += '?';
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  return out;
}

std::string Shortened(const std::string& text, std::size_t width) {
  std::size_t end = 0;
  for (std::size_t taken = 0; end < text.size() && taken < width; ++taken) {
    end += std::max<std::size_t>(1, Utf8SequenceLength(std::string_view(text).substr(end)));
  }
  return text.substr(0, end);
}

std::string AsText(const Table& table) {
  std::vector<std::vector<std::string>> lines;
  if (!table.columns.empty()) lines.push_back(table.columns);
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());
  std::vector<std::size_t> widths;
  for (auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) {
      line[i] = Printable(line[i]);
      widths[i] = std::max(widths[i], Width(line[i]));
    }
  }
  std::string out;
  for (const auto& cells : lines) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i)
      line += cells[i] + std::string(widths[i] - Width(cells[i]) + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string AsCsv(const Table& table) {
  std::string out;
  const auto add = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) out += (i == 0 ? "" : ",") + CsvCell(cells[i]);
    out += "\r\n";
  };
  add(table.columns);
  for (const auto& row : table.rows) add(row);
  return out;
}

std::string NamesOnly(const Table& table) {
  std::string out;
  for (const auto& row : table.rows) out += Printable(row.front()) + "\n";
  return out;
}

std::string ExactNumber(double value) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string Figure(double value, const std::string& unit) {
  if (!std::isfinite(value)) return "?";
  if (unit == "B" && std::abs(value) < 1024) return ExactNumber(value) + " B";
  if (unit == "B") {
    return Scaled(value, unit, {{1024.0 * 1024 * 1024, "Gi"}, {1024.0 * 1024, "Mi"}, {1024.0, "Ki"}});
  }
  if (unit == "1") return Significant(value);
  if (unit == "cycles") return Significant(value) + " cycles";
  if (value == 0) return unit == "1/s" ? "0 /s" : "0 " + unit;
  if (unit == "1/s") return Scaled(value, "/s", {{1e6, "M"}, {1e3, "k"}, {1, ""}});
  return Scaled(value, unit, {{1, ""}, {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}});
}

std::string Ago(std::int64_t wall_ms) {
  if (wall_ms == 0) return "never";
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  const std::int64_t seconds = std::max<std::int64_t>(0, (now - wall_ms) / 1000);
  if (seconds < 120) return std::to_string(seconds) + " s ago";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min ago";
  if (seconds < 172'800) return std::to_string(seconds / 3600) + " h ago";
  return std::to_string(seconds / 86'400) + " days ago";
}

}  // namespace paddock

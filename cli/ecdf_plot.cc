#include "cli/ecdf_plot.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "kpi/latency_histogram.h"
#include "kpi/statistics.h"

namespace paddock {
namespace {

constexpr std::size_t kRows = 12;
constexpr std::size_t kMargin = 6;  // "100 % " before the plot
constexpr std::size_t kNarrowest = 40;
constexpr std::size_t kWidest = 160;
constexpr double kNsPerS = 1e9;

struct Percentile {
  double percent;
  const char* name;
};
constexpr std::array kTable{Percentile{50, "p50"},      Percentile{75, "p75"}, Percentile{90, "p90"},
                            Percentile{95, "p95"},      Percentile{99, "p99"}, Percentile{99.9, "p99.9"},
                            Percentile{99.99, "p99.99"}};
constexpr std::array kMarks{Percentile{50, "p50"}, Percentile{90, "p90"}, Percentile{99, "p99"},
                            Percentile{99.9, "p99.9"}};

bool IsSupported(const Histogram& histogram, double percent) {
  return histogram.total_count() >= MinSamplesForPercentile(percent / 100);
}

// Dots on lines of text.
class Canvas {
 public:
  Canvas(std::size_t columns, bool braille)
      : across_(braille ? 2 : 1),
        down_(braille ? 4 : 1),
        columns_(columns),
        dots_(columns * kRows * across_ * down_, false) {}
  std::size_t width() const { return columns_ * across_; }
  std::size_t height() const { return kRows * down_; }
  void Set(std::size_t x, std::size_t y_from_below) {
    dots_[(height() - 1 - y_from_below) * width() + x] = true;
  }
  std::string Line(std::size_t row) const {
    std::string line;
    for (std::size_t column = 0; column < columns_; ++column) line += Character(row, column);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
  }

 private:
  std::string Character(std::size_t row, std::size_t column) const {
    // Braille counts its dots down the left column, then the right one, and the lowest two last.
    constexpr unsigned kDots[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    unsigned pattern = 0;
    for (std::size_t y = 0; y < down_; ++y) {
      for (std::size_t x = 0; x < across_; ++x) {
        if (dots_[(row * down_ + y) * width() + column * across_ + x]) pattern |= kDots[y][x];
      }
    }
    if (pattern == 0) return " ";
    if (down_ == 1) return "*";
    const unsigned code = 0x2800 + pattern;
    return {static_cast<char>(0xe0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3f)),
            static_cast<char>(0x80 | (code & 0x3f))};
  }

  const std::size_t across_;
  const std::size_t down_;
  const std::size_t columns_;
  std::vector<bool> dots_;
};

// Where a value is on the axis, 0 to 1.
struct LogAxis {
  double low;
  double high;
  explicit LogAxis(const Histogram& histogram)
      : low(static_cast<double>(std::max<std::int64_t>(histogram.Min(), 1)) * 0.98),
        high(std::max(static_cast<double>(histogram.Max()), low) * 1.02) {}
  double ValueAt(double place) const { return low * std::pow(high / low, place); }
  double PlaceOf(double value) const {
    return std::clamp(std::log(std::max(value, low) / low) / std::log(high / low), 0.0, 1.0);
  }
};

// Writes `text` at `column` of `line`, moved left where it would not fit; false when it would touch what is there.
bool Place(std::string& line, std::size_t column, std::string_view text) {
  if (text.size() > line.size()) return false;
  column = std::min(column, line.size() - text.size());
  const std::size_t begin = column == 0 ? 0 : column - 1;
  const std::size_t end = std::min(column + text.size() + 1, line.size());
  if (line.find_first_not_of(' ', begin) < end) return false;
  line.replace(column, text.size(), text);
  return true;
}

std::string Trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

void DrawCurve(const Histogram& histogram, const LogAxis& axis, Canvas& canvas) {
  std::vector<std::int64_t> values;
  for (std::size_t x = 0; x < canvas.width(); ++x) {
    const double place = static_cast<double>(x + 1) / static_cast<double>(canvas.width());
    values.push_back(static_cast<std::int64_t>(axis.ValueAt(place)));
  }
  const std::vector<double> shares = CumulativeShares(histogram, values);
  const auto top = static_cast<double>(canvas.height() - 1);
  std::size_t before = 0;
  for (std::size_t x = 0; x < shares.size(); ++x) {
    const auto y = static_cast<std::size_t>(std::lround(shares[x] * top));
    // A jump is a vertical line.
    for (std::size_t filled = std::min(before + 1, y); filled <= y; ++filled) canvas.Set(x, filled);
    before = y;
  }
}

}  // namespace

PlotStyle StyleOfStdout() {
  PlotStyle style;
  if (isatty(STDOUT_FILENO) != 1) return style;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale(value);
    style.braille =
        locale.find("UTF-8") != std::string_view::npos || locale.find("utf8") != std::string_view::npos;
    break;
  }
  return style;
}

std::string EcdfPlot(const Histogram& histogram, const PlotStyle& style) {
  const std::size_t columns = std::clamp(style.width, kNarrowest, kWidest) - kMargin - 1;
  const LogAxis axis(histogram);
  Canvas canvas(columns, style.braille);
  DrawCurve(histogram, axis, canvas);
  std::string out;
  for (std::size_t row = 0; row < kRows; ++row) {
    const char* label = row == 0           ? "100 % "
                        : row == kRows / 2 ? " 50 % "
                        : row == kRows - 1 ? "  0 % "
                                           : "      ";
    out += std::string(label) + "|" + canvas.Line(row) + "\n";
  }
  const auto column_of = [&](double value) {
    return static_cast<std::size_t>(axis.PlaceOf(value) * static_cast<double>(columns - 1));
  };
  std::string rule(columns, '-');
  std::string marks(columns, ' ');
  for (const Percentile& mark : kMarks) {
    if (!IsSupported(histogram, mark.percent)) continue;
    const std::size_t column = column_of(static_cast<double>(histogram.ValueAtPercentile(mark.percent)));
    rule[column] = '^';
    Place(marks, column, mark.name);
  }
  std::string scale(columns, ' ');
  constexpr std::size_t kSteps = 4;
  for (std::size_t step = 0; step <= kSteps; ++step) {
    const double value = axis.ValueAt(static_cast<double>(step) / kSteps);
    Place(scale, column_of(value), Figure(value / kNsPerS, "s"));
  }
  const std::string margin(kMargin, ' ');
  return out + margin + "+" + rule + "\n" + Trimmed(margin + " " + marks) + Trimmed(margin + " " + scale);
}

Table PercentileTable(const Histogram& histogram, std::uint32_t invocations_per_value, bool exact) {
  Table table;
  if (exact) {
    table.columns = {"percentile", "seconds", "count"};
  } else {
    table.columns = {"PERCENTILE", "LATENCY", ""};
  }
  const std::string count = std::to_string(histogram.total_count());
  const auto add = [&](const std::string& name, std::int64_t value_ns, const std::string& remark) {
    const double seconds = static_cast<double>(value_ns) / kNsPerS;
    table.rows.push_back({name, exact ? ExactNumber(seconds) : Figure(seconds, "s"), exact ? count : remark});
  };
  add("min", histogram.Min(), "");
  for (const Percentile& percentile : kTable) {
    const std::uint64_t needed = MinSamplesForPercentile(percentile.percent / 100);
    std::string missing;
    if (invocations_per_value > 1 && percentile.percent > 50) {
      missing = "hidden: each value is the mean of " + std::to_string(invocations_per_value) + " inferences";
    } else if (histogram.total_count() < needed) {
      missing = "needs " + std::to_string(needed) + " values, there are " + count;
    }
    if (missing.empty()) {
      add(percentile.name, histogram.ValueAtPercentile(percentile.percent), "");
    } else {
      table.rows.push_back({percentile.name, exact ? "" : "-", exact ? count : missing});
    }
  }
  add("max", histogram.Max(), "");
  return table;
}

}  // namespace paddock

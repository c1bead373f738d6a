// CSV with a line of column names. Every column is an array [n]; FIRST..LAST is the array [n, k] of neighbouring columns, and
// "data" the one of all columns that are no labels. Numbers are float64. Labels of one column are int64 when all are whole
// numbers, float64 when all are numbers, and otherwise class numbers: the texts' places in sorted order.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "prepare/sources/csv_reader.h"
#include "prepare/sources/data_source.h"
#include "prepare/sources/number_text.h"
#include "prepare/subsample.h"

namespace paddock {
namespace {

constexpr std::uint64_t kRowsPerPlace = 64;
constexpr std::size_t kShownColumns = 8;

class CsvSource final : public DataSource {
 public:
  explicit CsvSource(CsvReader reader) : reader_(std::move(reader)) {}

  Status ReadHeader(const std::string& labels);
  // Passes over the whole file once: counts and checks the records, remembers places, and learns what the labels are.
  Status Scan();

  std::optional<TensorInfo> Find(std::string_view name) const override;
  std::vector<std::string> MoreNames() const override { return columns_; }
  std::string MoreNamesText() const override;
  Status Read(const TensorInfo& array, std::span<const std::uint64_t> rows, std::byte* out) override;
  Status Verify(const TensorInfo& array) override;
  const std::vector<std::string>& ClassNames(const TensorInfo& array) const override {
    return array.name == labels_ ? labels_in_.class_names() : DataSource::ClassNames(array);
  }

 private:
  // The columns of an array; empty when there is none of this name.
  std::vector<std::size_t> ColumnsOf(std::string_view name) const;
  TensorInfo InfoOf(std::string_view name, std::size_t columns) const;
  // Makes the reader's record that of `row`.
  Status GoTo(std::uint64_t row);
  Status CheckWidth() const;
  // Of the reader's record.
  Status Number(std::size_t column, bool as_label, std::byte* out) const;
  std::string PlaceText(std::size_t column) const {
    return reader_.LineText() + ", column '" + columns_[column] + "'";
  }

  CsvReader reader_;
  std::vector<std::string> columns_;
  std::string labels_;                       // as the job names them; empty: none
  std::optional<std::size_t> label_column_;  // when it is one
  LabelTexts labels_in_;
  std::uint64_t rows_ = 0;
  std::vector<CsvReader::Place> places_;  // of every kRowsPerPlace-th row
  std::uint64_t next_row_ = 0;            // that reader_.Next() gives
  std::optional<std::uint64_t> row_;      // that the reader's record is
};

Status CsvSource::ReadHeader(const std::string& labels) {
  PADDOCK_ASSIGN_OR_RETURN(const bool has_header, reader_.Next());
  if (!has_header) return InvalidArgumentError("has no line; give a CSV file with a line of column names");
  bool all_numbers = true;
  for (const std::string_view field : reader_.fields()) {
    const std::string_view name = WithoutSpaces(field);
    all_numbers = all_numbers && ParseNumber(name);
    if (name.empty())
      return InvalidArgumentError("line 1: column " + std::to_string(columns_.size() + 1) +
                                  " has no name; name every column in the first line");
    columns_.emplace_back(name);
  }
  if (all_numbers)
    return InvalidArgumentError("line 1 holds numbers, not names; add a first line that names the columns");
  std::vector<std::string> sorted = columns_;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    return InvalidArgumentError("line 1 names two columns '" + *twice + "'; give each its own name");
  const std::vector<std::size_t> label_columns = ColumnsOf(labels);
  if (!label_columns.empty()) labels_ = labels;
  if (label_columns.size() == 1) label_column_ = label_columns.front();
  return OkStatus();
}

Status CsvSource::CheckWidth() const {
  const std::size_t found = reader_.fields().size();
  if (found == columns_.size()) return OkStatus();
  return InvalidArgumentError(
      reader_.LineText() + " has " + std::to_string(found) + (found == 1 ? " field" : " fields") +
      ", and the first line names " + std::to_string(columns_.size()) +
      (columns_.size() == 1 ? " column" : " columns") +
      "; correct the line: fields are separated by commas, and one that holds a comma is quoted");
}

Status CsvSource::Scan() {
  for (;;) {
    PADDOCK_ASSIGN_OR_RETURN(const bool has_record, reader_.Next());
    if (!has_record) break;
    PADDOCK_RETURN_IF_ERROR(CheckWidth());
    if (rows_ == kMaxSamples) {
      return InvalidArgumentError("holds more than " + std::to_string(kMaxSamples) +
                                  " samples; split the file");
    }
    if (rows_ % kRowsPerPlace == 0) places_.push_back(reader_.place());
    ++rows_;
    if (!label_column_) continue;
    const Status status = labels_in_.Add(reader_.fields()[*label_column_]);
    if (!status.ok()) return status.WithContext(PlaceText(*label_column_));
  }
  if (rows_ == 0) {
    return InvalidArgumentError(
        "has no line below the names of its columns; give samples, or another file if this is no CSV");
  }
  next_row_ = rows_;
  labels_in_.Finish();
  arrays_.push_back(InfoOf(kSampleArray, ColumnsOf(kSampleArray).size()));
  if (!labels_.empty() && labels_ != kSampleArray) arrays_.push_back(*Find(labels_));
  return OkStatus();
}

std::vector<std::size_t> CsvSource::ColumnsOf(std::string_view name) const {
  const auto place = [&](std::string_view column) {
    return static_cast<std::size_t>(std::find(columns_.begin(), columns_.end(), column) - columns_.begin());
  };
  std::size_t first = place(name);
  std::size_t last = first;
  if (const std::size_t dots = name.find(".."); first == columns_.size() && dots != std::string_view::npos) {
    first = place(name.substr(0, dots));
    last = place(name.substr(dots + 2));
  }
  std::vector<std::size_t> found;
  if (first <= last && last < columns_.size()) {
    found.resize(last - first + 1);
    std::iota(found.begin(), found.end(), first);
  } else if (name == kSampleArray) {
    const std::vector<std::size_t> labels = labels_ == name ? found : ColumnsOf(labels_);
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      if (!std::binary_search(labels.begin(), labels.end(), column)) found.push_back(column);
    }
  }
  return found;
}

TensorInfo CsvSource::InfoOf(std::string_view name, std::size_t columns) const {
  TensorInfo info{std::string(name), ElementType::kFloat64, {static_cast<std::int64_t>(rows_)}};
  if (label_column_ && name == labels_) {
    info.type = labels_in_.type();
  } else if (columns != 1 || name == kSampleArray || name.find("..") != std::string_view::npos) {
    info.shape.push_back(static_cast<std::int64_t>(columns));
  }
  return info;
}

std::optional<TensorInfo> CsvSource::Find(std::string_view name) const {
  const std::vector<std::size_t> columns = ColumnsOf(name);
  if (columns.empty()) return std::nullopt;
  return InfoOf(name, columns.size());
}

std::string CsvSource::MoreNamesText() const {
  std::string text = "its columns are";
  for (std::size_t i = 0; i < std::min(kShownColumns, columns_.size()); ++i)
    text += (i == 0 ? " " : ", ") + columns_[i];
  if (columns_.size() > kShownColumns)
    text += " ... " + columns_.back() + " (" + std::to_string(columns_.size()) + ")";
  return text + ", and FIRST..LAST is a range of them";
}

Status CsvSource::GoTo(std::uint64_t row) {
  if (row_ == row) return OkStatus();
  row_.reset();
  const std::uint64_t place = row / kRowsPerPlace;
  if (row < next_row_ || place * kRowsPerPlace > next_row_) {
    PADDOCK_RETURN_IF_ERROR(reader_.Seek(places_[place]));
    next_row_ = place * kRowsPerPlace;
  }
  while (next_row_ <= row) {
    PADDOCK_ASSIGN_OR_RETURN(const bool has_record, reader_.Next());
    if (!has_record)
      return InvalidArgumentError("ends before sample " + std::to_string(row) + "; it was changed meanwhile");
    ++next_row_;
  }
  row_ = row;
  return CheckWidth();
}

Status CsvSource::Number(std::size_t column, bool as_label, std::byte* out) const {
  const std::string_view field = reader_.fields()[column];
  if (as_label) {
    labels_in_.Write(field, out);
    return OkStatus();
  }
  const auto number = ParseNumber(WithoutSpaces(field));
  if (!number) {
    return InvalidArgumentError(PlaceText(column) + ": " + NotANumberText(field) +
                                "; give a finite number, name the column under data.labels, or choose "
                                "columns under data.inputs");
  }
  std::memcpy(out, &*number, sizeof(*number));
  return OkStatus();
}

Status CsvSource::Read(const TensorInfo& array, std::span<const std::uint64_t> rows, std::byte* out) {
  const std::vector<std::size_t> columns = ColumnsOf(array.name);
  const bool as_label = label_column_ && array.name == labels_;
  for (const std::uint64_t row : rows) {
    PADDOCK_RETURN_IF_ERROR(GoTo(row));
    for (const std::size_t column : columns) {
      PADDOCK_RETURN_IF_ERROR(Number(column, as_label, out));
      out += sizeof(double);
    }
  }
  return OkStatus();
}

Status CsvSource::Verify(const TensorInfo& array) {
  std::vector<std::byte> row(ColumnsOf(array.name).size() * sizeof(double));
  for (std::uint64_t i = 0; i < rows_; ++i) PADDOCK_RETURN_IF_ERROR(Read(array, {&i, 1}, row.data()));
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<DataSource>> OpenCsvSource(const std::string& path, const std::string& labels) {
  PADDOCK_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(path));
  auto source = std::make_unique<CsvSource>(std::move(reader));
  PADDOCK_RETURN_IF_ERROR(source->ReadHeader(labels));
  PADDOCK_RETURN_IF_ERROR(source->Scan());
  return std::unique_ptr<DataSource>(std::move(source));
}

}  // namespace paddock

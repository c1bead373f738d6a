#include <catch2/catch.hpp>
#include <zlib.h>

#include <numeric>

#include "prepare/batch.h"
#include "prepare/data_file.h"
#include "prepare/sources/csv_reader.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

class CsvText {
 public:
  explicit CsvText(const std::string& text) { WriteBytes(path(), text); }
  std::string path() const { return folder_ / "d.csv"; }
  Result<DataFile> Open(const std::string& labels = "") const {
    DataSpec spec;
    spec.labels = labels;
    return DataFile::Open(path(), "d.csv", spec);
  }
  std::string Error(const std::string& labels = "") const {
    const auto file = Open(labels);
    REQUIRE(!file.ok());
    CHECK(file.status().code() == StatusCode::kInvalidArgument);
    CHECK_THAT(file.status().message(), Contains("d.csv"));
    return file.status().message();
  }

 private:
  TempDir folder_;
};

template <typename T>
std::vector<T> Values(DataFile& file, const std::string& array, std::vector<std::uint64_t> rows = {}) {
  const auto info = file.Find(array);
  REQUIRE(info.ok());
  if (rows.empty()) {
    rows.resize(static_cast<std::size_t>(info->shape[0]));
    std::iota(rows.begin(), rows.end(), std::uint64_t{0});
  }
  const auto tensor = file.ReadRows(array, rows);
  REQUIRE(tensor.ok());
  std::vector<T> values(tensor->bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
  return values;
}

TEST_CASE("the columns of a CSV file are arrays, alone, in ranges, and all but the labels") {
  const CsvText text("a,b0, b1 ,y\n1,2.5,-3e2,7\r\n4, +5 ,6,8\n\n9,10,11,12");
  auto file = text.Open("y");
  REQUIRE(file.ok());
  CHECK(file->arrays() ==
        std::vector<ArrayInfo>{{"data", ElementType::kFloat64, {3, 3}}, {"y", ElementType::kInt64, {3}}});
  CHECK(Values<double>(*file, "data") == std::vector<double>{1, 2.5, -300, 4, 5, 6, 9, 10, 11});
  CHECK(Values<std::int64_t>(*file, "y") == std::vector<std::int64_t>{7, 8, 12});
  CHECK(*file->Find("b0..b1") == TensorInfo{"b0..b1", ElementType::kFloat64, {3, 2}});
  CHECK(Values<double>(*file, "b0..b1", {2, 0}) == std::vector<double>{10, 11, 2.5, -300});
  CHECK(*file->Find("a") == TensorInfo{"a", ElementType::kFloat64, {3}});
  CHECK(Values<double>(*file, "a", {1}) == std::vector<double>{4});
  for (const char* array : {"data", "y", "b0..b1"}) CHECK(file->Verify(array).ok());
  const auto missing = file->Find("b2");
  CHECK_THAT(missing.status().message(),
             Contains("a, b0, b1, y") && Contains("FIRST..LAST") && Contains("did you mean"));
  CHECK_FALSE(file->Find("b1..b0").ok());
}

TEST_CASE("labels that are text become their places in sorted order") {
  const CsvText text("x,animal\n1,fox\n2,\"cat, big\"\n3,fox\n4,\"say \"\"dog\"\"\"\n");
  auto file = text.Open("animal");
  REQUIRE(file.ok());
  CHECK(Values<std::int64_t>(*file, "animal") == std::vector<std::int64_t>{1, 0, 1, 2});
  CHECK(file->ClassNames(*file->Find("animal")) ==
        std::vector<std::string>{"cat, big", "fox", "say \"dog\""});
  CHECK(file->ClassNames(*file->Find("data")).empty());
}

TEST_CASE("labels with a fraction are float64, and several columns of labels one array") {
  const CsvText text("x,t0,t1\n1,2,0.5\n3,4,5\n");
  auto file = text.Open("t1");
  REQUIRE(file.ok());
  CHECK(Values<double>(*file, "t1") == std::vector<double>{0.5, 5});
  auto both = text.Open("t0..t1");
  REQUIRE(both.ok());
  CHECK(Values<double>(*both, "t0..t1") == std::vector<double>{2, 0.5, 4, 5});
  CHECK(both->arrays().front().shape == Shape{2, 1});
}

TEST_CASE("quoted fields may hold commas, quotes and lines; lines are still counted") {
  const CsvText text("\xEF\xBB\xBF\"x\",\"name\nof it\"\n\"1\",\"a\nb\"\n2,c\nbad,d\n");
  auto file = text.Open("name\nof it");
  REQUIRE(file.ok());
  CHECK(Values<double>(*file, "x", {1, 0}) == std::vector<double>{2, 1});
  const std::vector<std::uint64_t> last = {2};
  CHECK_THAT(file->ReadRows("x", last).status().message(),
             Contains("line 6, column 'x': 'bad' is no finite"));
}

TEST_CASE("rows of a long CSV file are found by seeking, plain and packed") {
  std::string text = "a,b,y\n";
  for (int i = 0; i < 30'000; ++i)
    text += std::to_string(i) + "," + std::to_string(i * 0.5) + "," + std::to_string(i % 7) + "\n";
  const CsvText plain(text);
  const TempDir folder;
  gzFile packed = gzopen((folder / "d").c_str(), "wb");
  gzwrite(packed, text.data(), static_cast<unsigned>(text.size()));
  gzclose(packed);
  DataSpec spec;
  spec.labels = "y";
  for (const std::string& path : {plain.path(), folder / "d"}) {
    auto file = DataFile::Open(path, "", spec);
    REQUIRE(file.ok());
    CHECK(file->arrays().front().shape == Shape{30'000, 2});
    CHECK(Values<double>(*file, "a", {29'999, 0, 64, 63, 64, 20'000}) ==
          std::vector<double>{29'999, 0, 64, 63, 64, 20'000});
    CHECK(Values<double>(*file, "b", {1, 29'998}) == std::vector<double>{0.5, 14'999});
  }
}

TEST_CASE("a CSV file that is not right is refused with line and next step") {
  CHECK_THAT(CsvText("a,b\n1,2\n3\n").Error(), Contains("line 3 has 1 field") && Contains("names 2 columns"));
  CHECK_THAT(CsvText("a,b\n1,2\n3,4,5\n").Error(), Contains("line 3 has 3 fields"));
  CHECK_THAT(CsvText("a,a\n1,2\n").Error(), Contains("two columns 'a'"));
  CHECK_THAT(CsvText("a,\n1,2\n").Error(), Contains("column 2 has no name"));
  CHECK_THAT(CsvText("1,2\n3,4\n").Error(), Contains("add a first line that names the columns"));
  CHECK_THAT(CsvText("a,b\n1,\"2\n").Error(), Contains("line 2") && Contains("never ends"));
  CHECK_THAT(CsvText("a,b\n1,2\"\n").Error(), Contains("line 2") && Contains("within a field"));
  CHECK_THAT(CsvText("a,b\n1,\"2\"3\n").Error(), Contains("behind a field's closing quote"));
  CHECK_THAT(CsvText(std::string("a,b\n") + std::string(5000, '1') + std::string(",\0\n", 3)).Error(),
             Contains("line 2"));
  CHECK_THAT(CsvText("x,y\n1,2\n3,nan\n").Error("y"), Contains("line 3, column 'y'") && Contains("'nan'"));
  CHECK_THAT(CsvText("x,y\n1,2\n3,\n").Error("y"), Contains("line 3") && Contains("no label"));
  CHECK_THAT(CsvText("x\n" + std::string(kMaxCsvRecordBytes + 1, '1') + "\n").Error(),
             Contains("line 2") && Contains("longer than"));
  CHECK_THAT(CsvText(std::string(kMaxCsvFields, ',') + "\n").Error(), Contains("columns"));
}

TEST_CASE("inputs that are no finite number are refused with line and column") {
  for (const char* bad : {"nan", "inf", "", "1e999", "0x10", "1 2", "++1", "abc"}) {
    const CsvText text(std::string("x,y\n1,2\n") + bad + ",3\n");
    auto file = text.Open("y");
    REQUIRE(file.ok());
    CHECK_THAT(file->Verify("data").message(), Contains("line 3, column 'x'") && Contains("data.inputs"));
  }
}

TEST_CASE("a packed CSV file that breaks off is refused") {
  std::string text = "a,b\n";
  for (int i = 0; i < 5000; ++i) text += std::to_string(i * 7919 % 10'007) + "," + std::to_string(i) + "\n";
  const TempDir folder;
  gzFile packed = gzopen((folder / "d").c_str(), "wb");
  gzwrite(packed, text.data(), static_cast<unsigned>(text.size()));
  gzclose(packed);
  const std::string bytes = ReadBytes(folder / "d");
  for (const std::size_t kept : {bytes.size() - 1, bytes.size() / 2, std::size_t{12}}) {
    WriteBytes(folder / "cut", bytes.substr(0, kept));
    const auto file = DataFile::Open(folder / "cut");
    REQUIRE(!file.ok());
    CHECK_THAT(file.status().message(), Contains("truncated or damaged"));
  }
  std::string damaged = bytes;
  damaged[bytes.size() / 2] = static_cast<char>(damaged[bytes.size() / 2] ^ 0x55);
  WriteBytes(folder / "damaged", damaged);
  CHECK_FALSE(DataFile::Open(folder / "damaged").ok());
}

TEST_CASE("a packed CSV file that unpacks to hundreds of times its size is refused") {
  const TempDir folder;
  const std::string line = std::string(1 << 20, '0') + ",2\n";
  gzFile packed = gzopen((folder / "d").c_str(), "wb");
  gzputs(packed, "a,b\n");
  for (int i = 0; i < 20; ++i) gzwrite(packed, line.data(), static_cast<unsigned>(line.size()));
  gzclose(packed);
  const auto file = DataFile::Open(folder / "d");
  REQUIRE(!file.ok());
  CHECK_THAT(file.status().message(), Contains("500 times its size") && Contains("unpacked"));
}

TEST_CASE("a CSV file feeds a model, and its classes are told") {
  const TempDir folder;
  std::string text = "f0,f1,f2,kind\n";
  for (int i = 0; i < 60; ++i) text += std::to_string(i) + ",1,2," + (i % 3 == 0 ? "red" : "blue") + "\n";
  WriteBytes(folder / "d.csv", text);
  ModelInfo model =
      Signature({{"in", ElementType::kFloat32, {-1, 3}}}, {{"out", ElementType::kFloat32, {-1, 2}}});
  DataSpec spec;
  spec.labels = "kind";
  spec.samples = 30;
  const auto check = [&] { return CheckData(spec, folder / "d.csv", model, Task::kClassification, "d.csv"); };
  CHECK_THAT(check().message(), Contains("cast: {to: float32}"));
  spec.preprocess = {{"", CastStep{ElementType::kFloat32}}};
  REQUIRE(check().ok());
  spec.labels = "kin";
  CHECK_THAT(check().message(), Contains("data.labels") && Contains("did you mean 'kind'"));
  spec.labels = "kind";
  const auto prepared =
      PrepareData(spec, folder / "d.csv", model, Task::kClassification, {}, folder.path(), "d.csv");
  REQUIRE(prepared.ok());
  CHECK(prepared->indices.size() == 30);
  const auto red = std::count_if(prepared->indices.begin(), prepared->indices.end(),
                                 [](std::uint64_t index) { return index % 3 == 0; });
  CHECK(red == 10);
  REQUIRE(prepared->notes.size() == 1);
  CHECK_THAT(prepared->notes[0], Contains("2 classes") && Contains("0 blue, 1 red"));
  model.outputs[0].shape[1] = 1;
  WriteBytes(folder / "d.csv", "f0,f1,f2,kind\n1,2,3,a\n1,2,3,b\n1,2,3,c\n");
  spec.samples.reset();
  CHECK_THAT(check().message(), Contains("label 2 ('c'") && Contains("0 to 1"));
}

}  // namespace
}  // namespace paddock

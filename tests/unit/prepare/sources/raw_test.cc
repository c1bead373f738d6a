#include <catch2/catch.hpp>

#include "prepare/data_file.h"
#include "prepare/recipe.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/npz_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

std::string RowText(DataFile& file, const char* array, std::vector<std::uint64_t> rows) {
  const auto tensor = file.ReadRows(array, rows);
  REQUIRE(tensor.ok());
  return std::string(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
}

TEST_CASE("records of declared type and shape are samples with their labels") {
  const TempDir folder;
  WriteBytes(folder / "d.bin", "HHH1abcd2efgh3ijkl");
  DataSpec spec;
  spec.raw = RawLayout{ElementType::kInt8, {2, 2}, 3, ElementType::kUint8, false};
  auto file = DataFile::Open(folder / "d.bin", "", spec);
  REQUIRE(file.ok());
  CHECK(file->arrays() == std::vector<ArrayInfo>{{"data", ElementType::kInt8, {3, 2, 2}},
                                                 {"labels", ElementType::kUint8, {3}}});
  CHECK(RowText(*file, "data", {2, 0}) == "ijklabcd");
  CHECK(RowText(*file, "labels", {0, 1, 2}) == "123");
  spec.raw->label_after = true;
  auto after = DataFile::Open(folder / "d.bin", "", spec);
  REQUIRE(after.ok());
  CHECK(RowText(*after, "data", {0, 1, 2}) == "1abc2efg3ijk");
  CHECK(RowText(*after, "labels", {1}) == "h");
  spec.raw->label_type.reset();
  spec.raw->shape = {5};
  auto bare = DataFile::Open(folder / "d.bin", "", spec);
  REQUIRE(bare.ok());
  CHECK(bare->arrays() == std::vector<ArrayInfo>{{"data", ElementType::kInt8, {3, 5}}});
  CHECK(RowText(*bare, "data", {1}) == "2efgh");
}

TEST_CASE("a layout that does not fit the file is refused") {
  const TempDir folder;
  WriteBytes(folder / "d.bin", "0123456789");
  DataSpec spec;
  const auto error = [&](RawLayout layout) {
    spec.raw = std::move(layout);
    const auto file = DataFile::Open(folder / "d.bin", "d.bin", spec);
    REQUIRE(!file.ok());
    CHECK(file.status().code() == StatusCode::kInvalidArgument);
    return file.status().message();
  };
  CHECK_THAT(error({ElementType::kUint8, {3}, 0, {}, false}),
             Contains("holds 10 bytes") && Contains("records of 3"));
  CHECK_THAT(error({ElementType::kUint8, {3}, 11, {}, false}), Contains("header of 11"));
  CHECK_THAT(error({ElementType::kUint8, {0}, 0, {}, false}), Contains("no elements"));
  CHECK_THAT(error({ElementType::kUint8, {-1}, 0, {}, false}), Contains("no elements"));
  CHECK_THAT(error({ElementType::kString, {1}, 0, {}, false}), Contains("no elements"));
  CHECK_THAT(error({ElementType::kFloat64, {std::int64_t{1} << 40, 1 << 20}, 0, {}, false}),
             Contains("no elements"));
  CHECK_THAT(error({ElementType::kUint8, {5}, 0, ElementType::kString, false}), Contains("label_type"));
}

TEST_CASE("bytes that tell no format are refused with the way out") {
  const TempDir folder;
  WriteBytes(folder / "d.bin", std::string("\x01\x00\x02", 3));
  CHECK_THAT(DataFile::Open(folder / "d.bin").status().message(), Contains("data.raw"));
}

TEST_CASE("a layout is part of the recipe, and its absence keeps the older key") {
  DataSpec spec;
  CHECK(CanonicalJson(spec) == R"({"inputs":{},"labels":"","preprocess":[],"samples":null,"seed":0})");
  spec.raw = RawLayout{ElementType::kInt8, {4}, 0, {}, false};
  const std::string without_label = CanonicalJson(spec);
  CHECK_THAT(without_label, Contains(R"("raw":{)") && Contains(R"("label_type":null)"));
  spec.raw->label_type = ElementType::kUint8;
  CHECK(CanonicalJson(spec) != without_label);
}

}  // namespace
}  // namespace paddock

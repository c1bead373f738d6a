#include "kpi/tensor_file.h"

#include <cstring>

#include <catch2/catch.hpp>

#include "base/random.h"
#include "evidence.h"

namespace paddock {
namespace {

std::vector<Tensor> TwoTensors() {
  return {MakeTensor<std::int8_t>("x", ElementType::kInt8, {3, 1}, {1, -2, 3}),
          MakeTensor<float>("y", ElementType::kFloat32, {3}, {0.5F, 1.5F, 2.5F})};
}

// A file with this header text, padded as the format asks, and `data` after it.
std::string FileWith(std::string header, const std::string& data) {
  header.resize((16 + header.size() + 63) / 64 * 64 - 16, ' ');
  const std::uint64_t length = header.size();
  std::string file = "PDKTNSR1";
  file.append(reinterpret_cast<const char*>(&length), 8);
  return file + header + data;
}

std::string TensorFileError(const std::string& file) {
  const auto views = DecodeTensorFile(file);
  REQUIRE_FALSE(views.ok());
  CHECK(views.status().code() == StatusCode::kInvalidArgument);
  return views.status().message();
}

TEST_CASE("what is encoded is decoded, whatever the types, shapes and names", "[kpi][tensor_file]") {
  Random random(11);
  for (int round = 0; round < 200; ++round) {
    const auto samples = static_cast<std::int64_t>(random.Below(5));
    std::vector<Tensor> tensors(1 + random.Below(12));
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      TensorInfo& info = tensors[i].info;
      info.name = std::string(random.Below(40), 'n') + "\"é\n" + std::to_string(i);
      info.type = static_cast<ElementType>(random.Below(13));
      info.shape = {samples};
      for (std::uint64_t d = random.Below(4); d > 0; --d)
        info.shape.push_back(static_cast<std::int64_t>(random.Below(4)));
      tensors[i].bytes.resize(*ElementCount(info.shape) * ElementSize(info.type));
      for (auto& byte : tensors[i].bytes) byte = static_cast<std::byte>(random.Next());
    }
    const auto file = EncodeTensorFile(tensors);
    REQUIRE(file.ok());
    const auto views = DecodeTensorFile(*file);
    REQUIRE(views.status().ToString() == "OK");
    REQUIRE(views->size() == tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const auto& [name, view] = (*views)[i];
      CHECK(name == tensors[i].info.name);
      CHECK(view.type == tensors[i].info.type);
      CHECK(view.shape == tensors[i].info.shape);
      REQUIRE(view.bytes.size() == tensors[i].bytes.size());
      CHECK(std::equal(view.bytes.begin(), view.bytes.end(), tensors[i].bytes.begin()));
      if (!view.bytes.empty())
        CHECK((view.bytes.data() - reinterpret_cast<const std::byte*>(file->data())) % 64 == 0);
    }
  }
}

TEST_CASE("the bytes of a small file are the documented ones", "[kpi][tensor_file]") {
  const auto file = EncodeTensorFile({MakeTensor<std::int8_t>("x", ElementType::kInt8, {2}, {7, 8})});
  REQUIRE(file.ok());
  CHECK(*file == FileWith(R"({"tensors":[{"name":"x","type":"int8","shape":[2],"offset":128,"bytes":2}]})",
                          "\x07\x08"));
}

TEST_CASE("tensors that do not belong in one file are refused by name", "[kpi][tensor_file]") {
  const auto message = [](const std::vector<Tensor>& tensors) {
    const auto file = EncodeTensorFile(tensors);
    REQUIRE_FALSE(file.ok());
    CHECK(file.status().code() == StatusCode::kInvalidArgument);
    return file.status().message();
  };
  CHECK_THAT(message({}), Catch::Contains("at least one"));
  auto tensors = TwoTensors();
  tensors[1].info.shape = {1, 3};
  CHECK_THAT(message(tensors), Catch::Contains("y[1,3]: has 1 samples, the first tensor of the file has 3"));
  tensors = TwoTensors();
  tensors[1].info.name = "x";
  CHECK_THAT(message(tensors), Catch::Contains("two tensors have this name"));
  tensors = TwoTensors();
  tensors[0].info.type = ElementType::kString;
  CHECK_THAT(message(tensors), Catch::Contains("string x[3,1]: a tensor file holds numbers only"));
  tensors = TwoTensors();
  tensors[0].bytes.pop_back();
  CHECK_THAT(message(tensors), Catch::Contains("takes 3 bytes, has 2"));
  tensors = TwoTensors();
  tensors[0].info.shape = {};
  tensors[0].bytes.resize(1);
  CHECK_THAT(message(tensors), Catch::Contains("no dimension"));
  tensors = TwoTensors();
  tensors[1].info.shape = {3, -1};
  CHECK_THAT(message(tensors), Catch::Contains("y[3,?]: the shape is open"));
  tensors = TwoTensors();
  tensors[0].info.name = "\xff";
  CHECK_THAT(message(tensors), Catch::Contains("UTF-8"));
}

TEST_CASE("a damaged tensor file says what is wrong", "[kpi][tensor_file]") {
  const std::string good = *EncodeTensorFile(TwoTensors());
  CHECK_THAT(TensorFileError(""), Catch::Contains("does not begin with PDKTNSR1"));
  CHECK_THAT(TensorFileError("NOTATENSORFILE______"), Catch::Contains("does not begin with"));
  CHECK_THAT(TensorFileError(good.substr(0, 40)), Catch::Contains("truncated: the header has"));
  CHECK_THAT(TensorFileError(good.substr(0, good.size() - 1)), Catch::Contains("float32 y[3]: truncated"));
  CHECK_THAT(TensorFileError(good + "x"), Catch::Contains("1 bytes after the last tensor"));
  std::string huge_header = good;
  std::memset(huge_header.data() + 8, 0xff, 8);
  CHECK_THAT(TensorFileError(huge_header), Catch::Contains("truncated"));
  CHECK_THAT(TensorFileError(FileWith("{", "")), Catch::Contains("header"));
  CHECK_THAT(TensorFileError(FileWith(R"({"tensors":[]})", "")), Catch::Contains("at least one"));
  CHECK_THAT(TensorFileError(FileWith(R"({"tensors":[],"more":1})", "")),
             Catch::Contains("more: unknown key"));
}

TEST_CASE("a header that lies about offsets, sizes or shapes is refused", "[kpi][tensor_file]") {
  const auto entry = [](const std::string& rest) {
    return TensorFileError(FileWith(R"({"tensors":[{"name":"x",)" + rest + "}]}", std::string(64, 'd')));
  };
  CHECK_THAT(entry(R"("type":"int9","shape":[4],"offset":128,"bytes":4)"),
             Catch::Contains("tensors[0].type"));
  CHECK_THAT(entry(R"("type":"string","shape":[4],"offset":128,"bytes":4)"), Catch::Contains("numbers only"));
  CHECK_THAT(entry(R"("type":"int8","shape":[4],"offset":128,"bytes":5)"),
             Catch::Contains("the header says 5"));
  CHECK_THAT(entry(R"("type":"int8","shape":[4],"offset":0,"bytes":4)"),
             Catch::Contains("must begin at 128"));
  CHECK_THAT(entry(R"("type":"int8","shape":[4],"offset":18446744073709551612,"bytes":4)"),
             Catch::Contains("must begin at 128"));
  CHECK_THAT(entry(R"("type":"int8","shape":[281474976710656],"offset":128,"bytes":281474976710656)"),
             Catch::Contains("truncated"));
  CHECK_THAT(entry(R"("type":"int8","shape":[4294967296,4294967296],"offset":128,"bytes":0)"),
             Catch::Contains("too large"));
  CHECK_THAT(entry(R"("type":"int8","shape":[-1],"offset":128,"bytes":4)"), Catch::Contains("open"));
  CHECK_THAT(entry(R"("type":"int8","shape":[4],"offset":-128,"bytes":4)"),
             Catch::Contains("tensors[0].offset"));
}

TEST_CASE("any single changed byte gives an error or the same tensors with other contents, never a crash",
          "[kpi][tensor_file]") {
  const std::string good = *EncodeTensorFile(TwoTensors());
  Random random(5);
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    bad[random.Below(bad.size())] = static_cast<char>(random.Next());
    const auto views = DecodeTensorFile(bad);
    if (!views.ok()) CHECK_FALSE(views.status().message().empty());
  }
}

}  // namespace
}  // namespace paddock

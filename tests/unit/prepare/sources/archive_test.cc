#include <catch2/catch.hpp>

#include <filesystem>

#include "kpi/tensor_file.h"
#include "prepare/batch.h"
#include "prepare/data_file.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"
#include "tests/unit/prepare/sources/media_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

std::string Flat(unsigned width, unsigned height, std::uint8_t value) {
  return Png(width, height, std::vector<std::uint8_t>(std::size_t{width} * height * 3, value));
}

class SampleZip {
 public:
  explicit SampleZip(const std::vector<NpzMember>& members, zip_int32_t method = ZIP_CM_STORE) {
    WriteNpz(path(), members, method);
    std::filesystem::create_directory(folder_ / "out");
  }
  std::string path() const { return folder_ / "d.zip"; }
  std::string out() const { return folder_ / "out"; }
  Result<DataFile> Open() const { return DataFile::Open(path(), "d.zip"); }
  std::string Error() const {
    const auto file = Open();
    REQUIRE(!file.ok());
    CHECK(file.status().code() == StatusCode::kInvalidArgument);
    CHECK_THAT(file.status().message(), Contains("d.zip"));
    return file.status().message();
  }
  Result<PreparedData> Prepare(const DataSpec& spec, const ModelInfo& model, Task task = Task::kNone) const {
    const Status checked = CheckData(spec, path(), model, task, "d.zip");
    if (!checked.ok()) return checked;
    return PrepareData(spec, path(), model, task, {}, out(), "d.zip");
  }

 private:
  TempDir folder_;
};

std::string ZipError(const std::vector<NpzMember>& members) { return SampleZip(members).Error(); }

std::vector<std::int64_t> LabelsOf(DataFile& file) {
  const auto info = file.Find("labels");
  REQUIRE(info.ok());
  REQUIRE(info->type == ElementType::kInt64);
  std::vector<std::uint64_t> rows;
  for (std::int64_t i = 0; i < info->shape[0]; ++i) rows.push_back(static_cast<std::uint64_t>(i));
  const auto tensor = file.ReadRows("labels", rows);
  REQUIRE(tensor.ok());
  const auto* values = reinterpret_cast<const std::int64_t*>(tensor->bytes.data());
  return {values, values + rows.size()};
}

TEST_CASE("images in folders have the class of their folder, in sorted order") {
  for (const zip_int32_t method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
    const SampleZip zip({{"dog/a.png", Flat(4, 3, 1)},
                         {"cat/z.JPG", Jpeg(4, 3, {9, 9, 9})},
                         {"cat/b.png", Flat(4, 3, 2)},
                         {"readme.txt", "no sample"},
                         {"__MACOSX/cat/._b.png", "no sample"}},
                        method);
    auto file = zip.Open();
    REQUIRE(file.ok());
    CHECK(file->arrays() == std::vector<ArrayInfo>{{"data", ElementType::kUint8, {3, 3, 4, 3}},
                                                   {"labels", ElementType::kInt64, {3}}});
    CHECK(LabelsOf(*file) == std::vector<std::int64_t>{0, 0, 1});
    CHECK(file->ClassNames(file->arrays()[1]) == std::vector<std::string>{"cat", "dog"});
    CHECK_THAT(file->RowText(2), Contains("image 'dog/a.png'"));
    const std::vector<std::uint64_t> rows = {2, 0};
    const auto read = file->ReadRows("data", rows);
    REQUIRE(read.ok());
    CHECK(std::to_integer<int>(read->bytes[0]) == 1);
    CHECK(std::to_integer<int>(read->bytes[36]) == 2);
  }
}

TEST_CASE("a label file says which images are samples, and in which order") {
  const SampleZip zip({{"set/b.png", Flat(2, 2, 2)},
                       {"set/a.png", Flat(2, 2, 1)},
                       {"set/c.png", Flat(2, 2, 3)},
                       {"set/labels.csv", "label,file\n7,b.png\n3,a.png\n"}});
  auto file = zip.Open();
  REQUIRE(file.ok());
  CHECK(file->arrays()[0].shape == Shape{2, 2, 2, 3});
  CHECK(LabelsOf(*file) == std::vector<std::int64_t>{7, 3});
  CHECK(std::to_integer<int>(file->ReadOwnShape(file->arrays()[0], 1)->bytes[0]) == 1);
}

TEST_CASE("image data sets that are not right are refused with member and next step") {
  const std::string image = Flat(2, 2, 1);
  CHECK_THAT(ZipError({{"a.png", "GIF89a"}}), Contains("image 'a.png'") && Contains("neither PNG nor JPEG"));
  CHECK_THAT(ZipError({{"a.png", image}, {"b/c.png", image}}), Contains("add labels.csv"));
  CHECK_THAT(ZipError({{"a.png", image}, {"b.wav", "x"}}), Contains("images and recordings"));
  CHECK_THAT(ZipError({{"a.png", image}, {"labels.csv", "file,label\nb.png,1\n"}}),
             Contains("labels.csv: line 2") && Contains("'b.png' is not there"));
  CHECK_THAT(ZipError({{"a.png", image}, {"labels.csv", "file,label\na.png,1\na.png,2\n"}}),
             Contains("line 3") && Contains("listed before"));
  CHECK_THAT(ZipError({{"a.png", image}, {"labels.csv", "a.png,1\n"}}), Contains("file and label"));
  CHECK_THAT(ZipError({{"a.png", image}, {"labels.csv", ""}}), Contains("file and label"));
  CHECK_THAT(ZipError({{"a.png", image}, {"labels.csv", "file,label\n"}}), Contains("lists no file"));
  CHECK_THAT(ZipError({{"a.png", image}, {"labels.csv", "file,label\na.png\n"}}), Contains("has 1 field"));
  CHECK_THAT(ZipError({{"readme.txt", "hello"}}), Contains("no image"));
}

TEST_CASE("a member that declares more than its bytes can hold is a bomb and refused") {
  const std::vector<NpzMember> members = {{"a.png", std::string(1 << 20, '\0')}};
  const SampleZip zip(members, ZIP_CM_DEFLATE);
  const std::string honest = ReadBytes(zip.path());
  for (const auto& [declared, problem] : {std::pair("\xff\xff\xff\x7f", "at most 67108864"),
                                          std::pair("\xff\xff\xff\x02", "cannot come out")}) {
    std::string bytes = honest;
    for (const std::size_t at : {bytes.find("PK\1\2") + 24, bytes.find("PK\3\4") + 22})
      bytes.replace(at, 4, declared);
    WriteBytes(zip.path(), bytes);
    CHECK_THAT(zip.Error(), Contains("image 'a.png'") && Contains(problem));
  }
}

TEST_CASE("images of sizes of their own are resized one by one, chosen ones only") {
  std::vector<NpzMember> members = {{"a/0.png", Flat(3, 5, 10)},
                                    {"a/1.png", Flat(9, 4, 20)},
                                    {"b/2.png", Flat(6, 6, 30)},
                                    {"b/3.png", "broken"}};
  const SampleZip zip(members);
  const ModelInfo model = Signature({{"in", ElementType::kUint8, {-1, 3, 4, 4}}}, {});
  DataSpec spec;
  spec.labels = "labels";
  spec.preprocess = {{"", ResizeStep{4, 4}}, {"", TransposeStep{{2, 0, 1}}}};
  CHECK_THAT(zip.Prepare(spec, model).status().message(),
             Contains("image 'b/3.png'") && Contains("neither PNG nor JPEG"));
  members.pop_back();
  const SampleZip whole(members);
  const auto prepared = whole.Prepare(spec, model);
  REQUIRE(prepared.ok());
  const std::string bytes = ReadBytes(prepared->batches.at(0).path);
  const auto tensors = DecodeTensorFile(bytes);
  REQUIRE(tensors.ok());
  CHECK(tensors->at(0).tensor.shape == Shape{3, 3, 4, 4});
  CHECK(std::to_integer<int>(tensors->at(0).tensor.bytes[0]) == 10);
  CHECK(std::to_integer<int>(tensors->at(0).tensor.bytes[48]) == 20);
  CHECK(std::to_integer<int>(tensors->at(0).tensor.bytes[143]) == 30);
}

TEST_CASE("a batch holds as many images as fit after they are resized, however large they were") {
  const SampleZip zip({{"0.png", Png(3000, 2500, std::vector<std::uint8_t>(3000 * 2500))},
                       {"1.png", Flat(2, 2, 1)},
                       {"2.png", Flat(2, 2, 2)}});
  const ModelInfo model = Signature({{"in", ElementType::kUint8, {-1, 4, 4, 3}}}, {});
  DataSpec spec;
  spec.preprocess = {{"", ResizeStep{4, 4}}};
  const auto prepared = PrepareData(spec, zip.path(), model, Task::kNone, {}, zip.out(), "d.zip");
  REQUIRE(prepared.ok());
  CHECK(prepared->batches.size() == 1);
}

TEST_CASE("images of different sizes without a resize name the one at fault") {
  const SampleZip zip({{"0.png", Flat(4, 4, 10)}, {"1.png", Flat(4, 4, 20)}, {"2.png", Flat(5, 4, 30)}});
  const ModelInfo model = Signature({{"in", ElementType::kUint8, {-1, 4, 4, 3}}}, {});
  CHECK_THAT(PrepareData({}, zip.path(), model, Task::kNone, {}, zip.out(), "d.zip").status().message(),
             Contains("image '2.png'") && Contains("[4,5,3]") && Contains("resize or crop"));
  DataSpec spec;
  spec.preprocess = {{"", CropStep{4, 5}}};
  const ModelInfo wide = Signature({{"in", ElementType::kUint8, {-1, 4, 5, 3}}}, {});
  CHECK_THAT(PrepareData(spec, zip.path(), wide, Task::kNone, {}, zip.out(), "d.zip").status().message(),
             Contains("(crop)") && Contains("put a resize before it"));
}

TEST_CASE("recordings become features of one size, at one rate") {
  const std::string second(32'000, '\x12');
  const SampleZip zip({{"no/a.wav", Wav(second)}, {"yes/b.wav", Wav(second.substr(0, 20'000))}});
  const ModelInfo model = Signature({{"in", ElementType::kFloat32, {-1, 49, 10}}}, {});
  DataSpec spec;
  spec.labels = "labels";
  MelStep mel;
  mel.kind = MelKind::kMfcc;
  mel.coefficients = 10;
  spec.preprocess = {{"", mel}};
  CHECK_THAT(zip.Prepare(spec, model).status().message(),
             Contains("recording 'yes/b.wav'") && Contains("duration_s"));
  mel.duration_s = 1;
  spec.preprocess = {{"", mel}};
  CHECK(zip.Prepare(spec, model).ok());
  mel.sample_rate_hz = 8000;
  spec.preprocess = {{"", mel}};
  CHECK_THAT(zip.Prepare(spec, model).status().message(),
             Contains("preprocess[0].mel.sample_rate_hz") && Contains("8000") && Contains("16000"));
  const SampleZip mixed({{"a.wav", Wav(second)}, {"b.wav", Wav(second, 8000)}});
  mel.sample_rate_hz = 16'000;
  spec.preprocess = {{"", mel}};
  spec.labels.clear();
  CHECK_THAT(mixed.Prepare(spec, model).status().message(),
             Contains("recording 'b.wav'") && Contains("one rate"));
}

}  // namespace
}  // namespace paddock

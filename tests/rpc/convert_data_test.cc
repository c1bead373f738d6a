#include <google/protobuf/text_format.h>

#include <catch2/catch.hpp>

#include "proto/data_spec.h"

namespace paddock {
namespace {

using Catch::Contains;

Result<DataSpec> SpecOf(const std::string& data) {
  v1::JobSpec job;
  REQUIRE(google::protobuf::TextFormat::ParseFromString("data {" + data + "}", &job));
  return DataSpecFromProto(job);
}

TEST_CASE("the layout of raw records comes over the wire", "[rpc][convert]") {
  const auto spec = SpecOf(
      "raw {type: 'int8' shape: [49, 10, 1] header_bytes: 16 label_type: 'uint8' label_place: 'after'}");
  REQUIRE(spec.ok());
  REQUIRE(spec->raw);
  CHECK(spec->raw->type == ElementType::kInt8);
  CHECK(spec->raw->shape == Shape{49, 10, 1});
  CHECK(spec->raw->header_bytes == 16);
  CHECK(spec->raw->label_type == ElementType::kUint8);
  CHECK(spec->raw->label_after);
  CHECK_FALSE(SpecOf("")->raw);
  CHECK_FALSE(SpecOf("raw {type: 'int8' label_type: 'uint8'}")->raw->label_after);
  CHECK_THAT(SpecOf("raw {type: 'int9'}").status().message(), Contains("data.raw.type"));
  CHECK_THAT(SpecOf("raw {type: 'int8' label_type: 'x'}").status().message(),
             Contains("data.raw.label_type"));
  CHECK_THAT(SpecOf("raw {type: 'int8' label_type: 'int8' label_place: 'beside'}").status().message(),
             Contains("before, after"));
  CHECK_THAT(SpecOf("raw {type: 'int8' label_place: 'after'}").status().message(),
             Contains("label_type, which is missing"));
}

TEST_CASE("the steps of images and sound come over the wire, with defaults for what is absent",
          "[rpc][convert]") {
  const auto spec = SpecOf(
      "preprocess {resize {height: 4 width: 5}} preprocess {resize {height: 4 width: 5 method: 'nearest'}}"
      "preprocess {crop {height: 2 width: 3}} preprocess {input: 'x' color {order: 'gray'}} preprocess {mel "
      "{}}"
      "preprocess {mel {kind: 'mfcc' sample_rate_hz: 8000 window_s: .5 stride_s: .25 bands: 30 coefficients: "
      "10 low_hz: 1"
      " high_hz: 2 fft_size: 512 duration_s: 1.5}}");
  REQUIRE(spec.ok());
  REQUIRE(spec->preprocess.size() == 6);
  CHECK(std::get<ResizeStep>(spec->preprocess[0].action).method == ResizeMethod::kBilinear);
  CHECK(std::get<ResizeStep>(spec->preprocess[1].action).method == ResizeMethod::kNearest);
  CHECK(std::get<ResizeStep>(spec->preprocess[1].action).width == 5);
  CHECK(std::get<CropStep>(spec->preprocess[2].action).height == 2);
  CHECK(std::get<ColorStep>(spec->preprocess[3].action).order == ColorOrder::kGray);
  CHECK(spec->preprocess[3].input == "x");
  const auto& usual = std::get<MelStep>(spec->preprocess[4].action);
  CHECK(usual.kind == MelKind::kLogMel);
  CHECK(usual.sample_rate_hz == 16'000);
  CHECK_FALSE(usual.fft_size);
  const auto& own = std::get<MelStep>(spec->preprocess[5].action);
  CHECK(own.kind == MelKind::kMfcc);
  CHECK(own.coefficients == 10);
  CHECK(own.fft_size == 512);
  CHECK(own.duration_s == 1.5);
  CHECK_THAT(SpecOf("preprocess {color {}}").status().message(),
             Contains("preprocess[0].color.order") && Contains("bgr"));
  CHECK_THAT(SpecOf("preprocess {resize {method: 'area'}}").status().message(),
             Contains("bilinear, nearest"));
  CHECK_THAT(SpecOf("preprocess {mel {kind: 'x'}}").status().message(), Contains("log-mel, mfcc"));
  CHECK_THAT(SpecOf("preprocess {}").status().message(), Contains("resize, crop, color, mel"));
}

}  // namespace
}  // namespace paddock

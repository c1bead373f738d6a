#include "prepare/passes/aimet_encodings.h"

#include <catch2/catch.hpp>

#include "base/strict_json.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

std::vector<TensorEncoding> Parsed(const std::string& json) {
  const auto encodings = ParseAimetEncodings(json, "net.encodings");
  INFO(encodings.status().message());
  REQUIRE(encodings.ok());
  return *encodings;
}
std::string RefusalOf(const std::string& json) {
  const auto encodings = ParseAimetEncodings(json, "net.encodings");
  REQUIRE(!encodings.ok());
  CHECK(encodings.status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(encodings.status().message(), StartsWith("net.encodings"));
  return encodings.status().message();
}

TensorEncoding Integers(const std::string& tensor, std::vector<float> scales,
                        std::vector<std::int64_t> zero_points) {
  TensorEncoding encoding;
  encoding.tensor = tensor;
  encoding.scales = std::move(scales);
  encoding.zero_points = std::move(zero_points);
  return encoding;
}

TEST_CASE("version 0.6: offsets from the least integer become zero points of int8", "[aimet]") {
  const auto encodings = Parsed(R"({"version": "0.6.1", "quantizer_args": {"activation_bitwidth": 8},
    "activation_encodings": {
      "x": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "False", "max": 2.05, "min": -0.5, "offset": -50, "scale": 0.01}],
      "h": [{"bitwidth": 16, "dtype": "float"}]},
    "param_encodings": {
      "w": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "True", "max": 1, "min": -1, "offset": -128, "scale": 0.5},
            {"bitwidth": 8, "dtype": "int", "is_symmetric": "True", "max": 1, "min": -1, "offset": -128.0, "scale": 0.25}]}})");
  REQUIRE(encodings.size() == 3);
  CHECK(encodings[0].is_float);
  CHECK(encodings[0].tensor == "h");
  CHECK(encodings[1] == Integers("x", {0.01F}, {-78}));
  CHECK(encodings[2] == Integers("w", {0.5F, 0.25F}, {0, 0}));
}

TEST_CASE("strictly symmetric encodings lose the least integer, and zero is in the middle", "[aimet]") {
  const auto encodings = Parsed(R"({"param_encodings": {"w": [
    {"bitwidth": 4, "is_symmetric": "True", "offset": -7, "scale": 1}]}})");
  REQUIRE(encodings.size() == 1);
  CHECK(encodings[0].bits == 4);
  CHECK(encodings[0].low == -7);
  CHECK(encodings[0].high == 7);
  CHECK(encodings[0].zero_points == std::vector<std::int64_t>{0});
}

TEST_CASE("version 1.0: one encoding with lists for each tensor", "[aimet]") {
  const auto encodings = Parsed(R"({"version": "1.0.0",
    "activation_encodings": [
      {"name": "x", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": 8, "is_sym": false, "scale": [0.5], "offset": [0]},
      {"name": "h", "enc_type": "PER_TENSOR", "dtype": "FLOAT", "bw": 16}],
    "param_encodings": [
      {"name": "w", "enc_type": "PER_CHANNEL", "dtype": "INT", "bw": 8, "is_sym": true, "scale": [1, 2], "offset": [-128, -128]},
      {"name": "b", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": 32, "is_sym": true, "scale": [0.001],
       "offset": [-2147483648]}]})");
  REQUIRE(encodings.size() == 4);
  CHECK(encodings[0] == Integers("x", {0.5F}, {-128}));
  CHECK(encodings[1].is_float);
  CHECK(encodings[2] == Integers("w", {1, 2}, {0, 0}));
  CHECK(encodings[3].bits == 32);
  CHECK(encodings[3].zero_points == std::vector<std::int64_t>{0});
}

TEST_CASE("version 2.0: as QuantizeLinear has it", "[aimet]") {
  const auto encodings = Parsed(R"({"version": "2.0.0", "encodings": [
      {"name": "x", "y_scale": 0.5, "y_zero_point": 41, "output_dtype": "uint8"},
      {"name": "u", "y_scale": 0.5, "output_dtype": "uint8"},
      {"name": "w", "y_scale": [1, 2], "axis": -1, "output_dtype": "int8"},
      {"name": "v", "y_scale": [1, 2], "y_zero_point": [3, -4], "axis": 0, "output_dtype": "int8"}]})");
  REQUIRE(encodings.size() == 4);
  CHECK(encodings[0] == Integers("x", {0.5F}, {-87}));
  CHECK(encodings[1] == Integers("u", {0.5F}, {-128}));
  TensorEncoding weights = Integers("w", {1, 2}, {0, 0});
  weights.axis = -1;
  CHECK(encodings[2] == weights);
  CHECK(encodings[3].zero_points == std::vector<std::int64_t>{3, -4});
}

std::string Activation(const std::string& fields) {
  return R"({"activation_encodings": {"x": [{)" + fields + "}]}}";
}

TEST_CASE("encodings that cannot be are refused with their place in the file", "[aimet]") {
  CHECK_THAT(RefusalOf("{"), Contains("1"));
  CHECK_THAT(RefusalOf("[]"), Contains("mapping"));
  CHECK_THAT(RefusalOf("{}"), Contains("activation_encodings"));
  CHECK_THAT(RefusalOf(R"({"activation_encodings": {"x": {"input": {"0": {}}}}})"),
             Contains("activation_encodings.x") && Contains("_torch.encodings"));
  const std::string scale = "activation_encodings.x[0].scale";
  for (const char* const bad : {"0", "-0.1", "\"1\"", "1e-60", "1e60", "[]", "null"})
    CHECK_THAT(RefusalOf(Activation(R"("bitwidth": 8, "offset": -1, "scale": )" + std::string(bad))),
               Contains(scale));
  CHECK_THAT(RefusalOf(Activation(R"("bitwidth": 8, "offset": -1, "scale": NaN)")), Contains("line"));
  for (const char* const bad : {"-1.5", "1", "-256", "\"0\"", "[0, 0]"}) {
    CHECK_THAT(RefusalOf(Activation(R"("bitwidth": 8, "scale": 1, "offset": )" + std::string(bad))),
               Contains("activation_encodings.x[0].offset"));
  }
  for (const char* const bad : {"1", "33", "8.5", "\"8\""})
    CHECK_THAT(RefusalOf(Activation(R"("scale": 1, "offset": 0, "bitwidth": )" + std::string(bad))),
               Contains("bitwidth"));
  CHECK_THAT(RefusalOf(R"({"param_encodings": {"w": [{"bitwidth": 8, "offset": 0, "scale": 1},
                                                     {"bitwidth": 4, "offset": 0, "scale": 1}]}})"),
             Contains("param_encodings.w[1]") && Contains("first channel"));
  CHECK_THAT(
      RefusalOf(
          R"({"activation_encodings": {"x": [{"dtype": "float"}]}, "param_encodings": {"x": [{"dtype": "float"}]}})"),
      Contains("param_encodings.x") && Contains("twice"));
}

TEST_CASE("scales in blocks are refused by tensor", "[aimet]") {
  CHECK_THAT(RefusalOf(R"({"param_encodings": [{"name": "w", "enc_type": "LPBQ", "bw": 4}]})"),
             Contains("param_encodings[0] (w)") && Contains("per channel"));
  CHECK_THAT(
      RefusalOf(R"({"encodings": [{"name": "w", "output_dtype": "int4", "y_scale": [[1, 2]], "axis": 1}]})"),
      Contains("encodings[0] (w)") && Contains("per channel"));
  CHECK_THAT(RefusalOf(R"({"encodings": [{"name": "w", "output_dtype": "int4", "y_scale": {"x": 1}}]})"),
             Contains("per channel"));
  CHECK_THAT(RefusalOf(R"({"encodings": [{"name": "w", "output_dtype": "float8e4m3fn", "y_scale": 1}]})"),
             Contains("output_dtype") && Contains("float8e4m3fn"));
  CHECK_THAT(RefusalOf(R"({"encodings": [{"name": "w", "output_dtype": "int8", "y_scale": [1, 2]}]})"),
             Contains("axis"));
  CHECK_THAT(RefusalOf(R"({"encodings": [{"y_scale": 1}]})"), Contains("encodings[0]") && Contains("name"));
}

}  // namespace
}  // namespace paddock

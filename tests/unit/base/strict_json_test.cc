#include "base/strict_json.h"

#include <cmath>

#include <catch2/catch.hpp>

namespace paddock {
namespace {

using Catch::Matchers::Contains;

std::string JsonError(std::string_view text, const ParseLimits& limits = {}) {
  return ParseJson(text, "a.json", limits).status().message();
}
std::string YamlError(std::string_view text, const ParseLimits& limits = {}) {
  return ParseYaml(text, "a.yaml", limits).status().message();
}
Json Yaml(std::string_view text) {
  const auto result = ParseYaml(text, "a.yaml");
  INFO(text << ": " << result.status().message());
  REQUIRE(result.ok());
  return *result;
}

std::string Repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("JSON becomes the value it writes", "[base][strict_json]") {
  const Json json = ParseJson(R"({"a": [1, -2, 2.5, null, true, "\u00e9"], "b": {}})", "a.json").value();
  CHECK(json == Json{{"a", {1, -2, 2.5, nullptr, true, "é"}}, {"b", Json::object()}});
  CHECK(json["a"][0].is_number_unsigned());
  CHECK(ParseJson("3", "a.json").value() == 3);
}

TEST_CASE("errors in JSON name the source, the line and the column", "[base][strict_json]") {
  CHECK_THAT(JsonError("{\n  \"a\": x}"), Contains("a.json, line 2, column 8"));
  CHECK_THAT(JsonError("{\"a\": 1,\n \"a\": 2}"),
             Contains("line 2, column 4") && Contains("\"a\" is there twice"));
  CHECK_THAT(JsonError(""), Contains("a.json"));
  CHECK_THAT(JsonError("1 2"), Contains("a.json"));
  CHECK_FALSE(JsonError("1e999").empty());
  CHECK_FALSE(JsonError("[NaN]").empty());
  CHECK_FALSE(JsonError("{\"a\": 1} // comment").empty());
}

TEST_CASE("the same key in different objects is no duplicate", "[base][strict_json]") {
  CHECK(ParseJson(R"([{"a": 1}, {"a": {"a": 2}}])", "a.json").ok());
  CHECK(Yaml("- {a: 1}\n- a:\n    a: 2\n") == Json{{{"a", 1}}, {{"a", {{"a", 2}}}}});
}

TEST_CASE("both readers keep their limits", "[base][strict_json]") {
  const ParseLimits limits{.max_bytes = 40, .max_depth = 3, .max_nodes = 5};
  CHECK(ParseJson("[[[1]]]", "a.json", limits).ok());
  CHECK_THAT(JsonError("[[[[]]]]", limits), Contains("deeper than 3"));
  CHECK_THAT(JsonError("[1,2,3,4,5]", limits), Contains("more than 5 values"));
  CHECK_THAT(JsonError(std::string(41, ' '), limits), Contains("41 bytes"));
  CHECK(ParseYaml("[[[1]]]", "a.yaml", limits).ok());
  CHECK_THAT(YamlError("[[[[]]]]", limits), Contains("deeper than 3"));
  CHECK_THAT(YamlError("- - - - 1", limits), Contains("deeper than 3"));
  CHECK_THAT(YamlError("[1,2,3,4,5]", limits), Contains("more than 5 values"));
  CHECK_THAT(YamlError(std::string(41, '#'), limits), Contains("41 bytes"));
}

TEST_CASE("a very deep text is refused, not followed", "[base][strict_json]") {
  for (const char* open : {"[", "{\"a\":"})
    CHECK_THAT(JsonError(Repeated(open, 100'000)), Contains("deeper than 32"));
  for (const char* open : {"[", "- ", "{a: ", "? ", "[? "}) {
    INFO(open);
    CHECK_FALSE(YamlError(Repeated(open, 100'000)).empty());
  }
}

TEST_CASE("bytes that are no text are refused with their place", "[base][strict_json]") {
  for (const char* bytes : {"a\n\"\xff\"", "a\n\"\xc0\x80\"", "a\n\"\xed\xa0\x80\"",
                            "a\n\"\xf5\x80\x80\x80\"", "a\n\"\xe2\x82"}) {
    CHECK_THAT(JsonError(bytes), Contains("line 2, column 2") && Contains("UTF-8"));
    CHECK_THAT(YamlError(bytes), Contains("line 2, column 2") && Contains("UTF-8"));
  }
  CHECK_THAT(YamlError(std::string_view("a\0b", 3)), Contains("control character"));
  CHECK(ParseJson("\"\xf0\x9f\x98\x80 \xe2\x82\xac \xc3\xa9\"", "a.json").ok());
  // The message of the reader may end within a character; it must still be text.
  CHECK_NOTHROW(Json(JsonError("nul\xc3\xa9")).dump());
}

TEST_CASE("plain YAML scalars get their type by the core schema", "[base][strict_json]") {
  CHECK(Yaml("[null, Null, ~, ]") == Json{nullptr, nullptr, nullptr});
  CHECK(Yaml("[true, FALSE, yes, no, on]") == Json{true, false, "yes", "no", "on"});
  CHECK(Yaml("[0, -7, +5, 010, 0o17, 0xfF]") == Json{0, -7, 5, 10, 15, 255});
  CHECK(Yaml("[1.5, -.5, 1., 1e3, +1.5e-1]") == Json{1.5, -0.5, 1.0, 1000.0, 0.15});
  CHECK(Yaml("18446744073709551615") == 18446744073709551615U);
  CHECK(Yaml("18446744073709551616").is_number_float());
  CHECK(std::isinf(Yaml("-.inf").get<double>()));
  CHECK(std::isnan(Yaml(".nan").get<double>()));
  CHECK(Yaml("[1_000, 0b1, 1e, ., 1.2.3, 12:30:45, +, 1.5e+]") ==
        Json{"1_000", "0b1", "1e", ".", "1.2.3", "12:30:45", "+", "1.5e+"});
}

TEST_CASE("quoted YAML scalars stay text", "[base][strict_json]") {
  CHECK(Yaml(R"(["1", 'true', "null", ""])") == Json{"1", "true", "null", ""});
  CHECK(Yaml("a: |\n  1\n") == Json{{"a", "1\n"}});
  CHECK(Yaml("\"<<\": 1") == Json{{"<<", 1}});
}

TEST_CASE("YAML whose scalars are all texts keeps what was written", "[base][strict_json]") {
  const auto json =
      ParseYaml("[000683759358, 12E45, true, '1', 0x1f, .inf, a b, ~]", "map", {}, YamlScalars::kText);
  REQUIRE(json.ok());
  CHECK(*json == Json::array({"000683759358", "12E45", "true", "1", "0x1f", ".inf", "a b", nullptr}));
  CHECK((*ParseYaml("key:", "map", {}, YamlScalars::kText))["key"].is_null());
}

TEST_CASE("YAML is one document, and an empty one is null", "[base][strict_json]") {
  CHECK(Yaml("").is_null());
  CHECK(Yaml("# only a comment\n").is_null());
  CHECK(Yaml("---\na: 1\n...\n") == Json{{"a", 1}});
  CHECK_THAT(YamlError("a: 1\n---\nb: 2\n"), Contains("second document"));
}

TEST_CASE("what makes YAML more than data is refused with its line", "[base][strict_json]") {
  CHECK_THAT(YamlError("a: 1\nb: &x 2\n"), Contains("a.yaml, line 2") && Contains("anchor"));
  CHECK_THAT(YamlError("a: &x\n"), Contains("anchor"));
  CHECK_THAT(YamlError("a: &x [1]\n"), Contains("anchor"));
  CHECK_FALSE(YamlError("a: *x\n").empty());
  CHECK_THAT(YamlError("a: !!str 2\n"), Contains("tag"));
  CHECK_THAT(YamlError("a: !mine {b: 1}\n"), Contains("tag"));
  CHECK_THAT(YamlError("a: 1\n<<: {b: 1}\n"), Contains("line 2") && Contains("merge key"));
  CHECK_THAT(YamlError("a: 1\nb: 2\na: 3\n"), Contains("line 3") && Contains("\"a\" is there twice"));
  CHECK_THAT(YamlError("[1, 2]: 3\n"), Contains("key must be text"));
  CHECK_THAT(YamlError("~: 3\n"), Contains("key must be text"));
  CHECK_THAT(YamlError("a: 1e999\n"), Contains("out of range"));
  CHECK_THAT(YamlError("a: [1\nb: 2"), Contains("a.yaml, line"));
  CHECK_THAT(YamlError("a: 1\n\tb: 2"), Contains("a.yaml, line"));
}

}  // namespace paddock

#include <catch2/catch.hpp>

#include "base/strict_json.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// The error of reading `key` of `text` as a T.
template <typename T>
std::string ErrorAs(const char* text, const char* key = "a") {
  const Json json = Json::parse(text);
  StrictObject object(json, "config");
  T value{};
  object.Optional(key, &value);
  return object.Finish().message();
}

}  // namespace

TEST_CASE("values of the wanted types are taken", "[base][strict_json]") {
  const Json json = Json::parse(R"({"flag": true, "count": -3, "size": 4000000000, "ratio": 2, "name": "x",
                                    "list": [1, 2], "map": {"k": 1.5}, "maybe": 7, "nothing": null})");
  StrictObject object(json, "");
  bool flag = false;
  int count = 0;
  std::uint32_t size = 0;
  double ratio = 0;
  std::string name;
  std::vector<int> list;
  std::map<std::string, double> map;
  std::optional<int> maybe;
  std::optional<int> nothing;
  int missing = 42;
  object.Required("flag", &flag);
  object.Required("count", &count);
  object.Optional("size", &size);
  object.Optional("ratio", &ratio);
  object.Optional("name", &name);
  object.Optional("list", &list);
  object.Optional("map", &map);
  object.Optional("maybe", &maybe);
  object.Optional("nothing", &nothing);
  object.Optional("missing", &missing);
  CHECK(object.Finish().ToString() == "OK");
  CHECK(flag);
  CHECK(count == -3);
  CHECK(size == 4'000'000'000);
  CHECK(ratio == 2.0);
  CHECK(name == "x");
  CHECK(list == std::vector<int>{1, 2});
  CHECK(map == std::map<std::string, double>{{"k", 1.5}});
  CHECK(maybe == 7);
  CHECK(nothing == std::nullopt);
  CHECK(missing == 42);
}

TEST_CASE("a wrong type is named with its path, what is wanted and what is there", "[base][strict_json]") {
  CHECK(ErrorAs<int>(R"({"a": "7"})") == "config.a: must be an integer, not \"7\"");
  CHECK(ErrorAs<int>(R"({"a": 1.5})") == "config.a: must be an integer, not 1.5");
  CHECK(ErrorAs<bool>(R"({"a": 1})") == "config.a: must be true or false, not 1");
  CHECK(ErrorAs<double>(R"({"a": [1]})") == "config.a: must be a number, not a list");
  CHECK(ErrorAs<std::string>(R"({"a": {}})") == "config.a: must be text, not a mapping");
  CHECK(ErrorAs<std::vector<int>>(R"({"a": 1})") == "config.a: must be a list, not 1");
  CHECK_THAT((ErrorAs<std::vector<int>>(R"({"a": [1, "x"]})")), Contains("config.a[1]"));
  CHECK_THAT((ErrorAs<std::map<std::string, int>>(R"({"a": {"b": "x"}})")), Contains("config.a.b"));
  CHECK_THAT((ErrorAs<std::optional<int>>(R"({"a": "x"})")), Contains("config.a"));
}

TEST_CASE("integers out of range are refused with the range", "[base][strict_json]") {
  CHECK(ErrorAs<std::uint8_t>(R"({"a": 256})") == "config.a: must be an integer from 0 to 255, not 256");
  CHECK_FALSE(ErrorAs<std::uint64_t>(R"({"a": -1})").empty());
  CHECK_FALSE(ErrorAs<std::int64_t>(R"({"a": 9223372036854775808})").empty());
  CHECK_FALSE(ErrorAs<int>(R"({"a": -2147483649})").empty());
  CHECK(ErrorAs<std::int64_t>(R"({"a": -9223372036854775808})").empty());
  CHECK(ErrorAs<std::uint64_t>(R"({"a": 18446744073709551615})").empty());
}

TEST_CASE("infinite numbers are not numbers", "[base][strict_json]") {
  const Json json = ParseYaml("a: .inf", "a.yaml").value();
  StrictObject object(json, "");
  double value = 1;
  object.Optional("a", &value);
  CHECK_FALSE(object.Finish().ok());
  CHECK(value == 1);
}

TEST_CASE("a key that nobody asked for is an error that names the nearest known one", "[base][strict_json]") {
  const Json json = Json::parse(R"({"min_duration": 1, "min_duraton_s": 2})");
  StrictObject object(json, "scenario");
  int value = 0;
  object.Optional("min_duration", &value);
  object.Optional("min_duration_s", &value);
  const Status status = object.Finish();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message() == "scenario.min_duraton_s: unknown key; did you mean \"min_duration_s\"?");
}

TEST_CASE("an unknown key that resembles none lists the known ones", "[base][strict_json]") {
  CHECK(ErrorAs<int>(R"({"zzzzzz": 1})") == "config.zzzzzz: unknown key; known are a");
}

TEST_CASE("a long hostile key is cut in the message", "[base][strict_json]") {
  const Json json = {{std::string(1 << 20, 'k'), 1}};
  StrictObject object(json, "");
  CHECK(object.Finish().message().size() < 200);
}

TEST_CASE("a required key that is missing or null is an error", "[base][strict_json]") {
  for (const char* text : {"{}", R"({"name": null})"}) {
    const Json json = Json::parse(text);
    StrictObject object(json, "config");
    std::string name;
    object.Required("name", &name);
    CHECK(object.Finish().message() == "config.name: missing");
  }
}

TEST_CASE("a misspelt required key is named beside the missing one", "[base][strict_json]") {
  const Json json = {{"naem", "x"}};
  StrictObject object(json, "config");
  std::string name;
  object.Required("name", &name);
  CHECK_THAT(object.Finish().message(), Contains("config.name: missing"));
}

TEST_CASE("what is not a mapping is an error that asking for keys survives", "[base][strict_json]") {
  const Json json = {1, 2};
  StrictObject object(json, "");
  int value = 3;
  object.Required("a", &value);
  CHECK_FALSE(object.Has("a"));
  CHECK(object.Child("b") == nullptr);
  CHECK(object.Finish().message() == "the document: must be a mapping, not a list");
  CHECK(value == 3);
}

TEST_CASE("a child counts as known, and the first error wins", "[base][strict_json]") {
  const Json json = Json::parse(R"({"nested": {"b": 1}})");
  StrictObject object(json, "");
  REQUIRE(object.Child("nested") != nullptr);
  CHECK(object.PathOf("nested") == "nested");
  object.Fail(NotFoundError("first"));
  object.Fail(InternalError("second"));
  CHECK(object.Finish().message() == "first");
}

TEST_CASE("the nearest word is one that was meant", "[base][strict_json]") {
  CHECK(Nearest("lateny", {"energy", "latency"}) == "latency");
  CHECK(Nearest("throughput", {"energy", "latency"}) == std::nullopt);
  CHECK(Nearest("", {"a", "id"}) == std::nullopt);
  CHECK(Nearest("a", {}) == std::nullopt);
}

}  // namespace paddock

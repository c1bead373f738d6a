#include <catch2/catch.hpp>

#include "server/core/selector.h"

namespace paddock {

using Labels = std::map<std::string, std::string>;

TEST_CASE("a selector matches when every pair does", "[core][selector]") {
  const auto selector = Selector::Parse("class=cpu,driver=onnxruntime");
  REQUIRE(selector.ok());
  CHECK(selector->Matches({{"class", "cpu"}, {"driver", "onnxruntime"}, {"id", "a"}}));
  CHECK_FALSE(selector->Matches({{"class", "cpu"}, {"driver", "simulated"}}));
  CHECK_FALSE(selector->Matches({{"class", "cpu"}}));
}

TEST_CASE("the selector all matches a device without labels", "[core][selector]") {
  const auto selector = Selector::Parse("all");
  REQUIRE(selector.ok());
  CHECK(selector->Matches({}));
}

TEST_CASE("a value of a selector may hold an equals sign", "[core][selector]") {
  const auto selector = Selector::Parse("rack=a=1");
  REQUIRE(selector.ok());
  CHECK(selector->Matches({{"rack", "a=1"}}));
}

TEST_CASE("a malformed selector is refused with the form that is wanted", "[core][selector]") {
  for (const char* text :
       {"", "cpu", "=cpu", "class=", "class=cpu,", ",class=cpu", "class=cpu,,id=a", "all,id=a"}) {
    INFO(text);
    const auto selector = Selector::Parse(text);
    REQUIRE(selector.status().code() == StatusCode::kInvalidArgument);
    CHECK_THAT(selector.status().message(), Catch::Contains("key=value"));
  }
}

TEST_CASE("known labels are shown once each, with a limit", "[core][selector]") {
  CHECK(KnownLabelsText(
            {{{"class", "cpu"}, {"id", "a"}}, {{"class", "board"}, {"id", "b"}}, {{"class", "cpu"}}}) ==
        "class=board|cpu, id=a|b");
  std::vector<Labels> many;
  for (int i = 0; i < 1000; ++i) many.push_back({{"id", "device-" + std::to_string(i)}});
  CHECK_THAT(KnownLabelsText(many), Catch::EndsWith("|... (1000)"));
}

}  // namespace paddock

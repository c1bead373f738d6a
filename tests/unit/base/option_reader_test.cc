#include "base/option_reader.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("options are read as the types that the driver asks for", "[options]") {
  const std::map<std::string, std::string> options = {{"text", "a b"},      {"choice", "two"}, {"count", "7"},
                                                      {"ratio", "-2.5e-1"}, {"flag", "true"},  {"p.x", "1"},
                                                      {"p.y", ""}};
  OptionReader reader("driver 'test'", options);
  CHECK(reader.Text("text", "") == "a b");
  CHECK(reader.Choice("choice", "one", {"one", "two"}) == "two");
  CHECK(reader.Unsigned("count", 1, 0, 7) == 7);
  CHECK(reader.Number("ratio", 1, -1, 1) == -0.25);
  CHECK(reader.Flag("flag", false));
  CHECK(reader.WithPrefix("p.") == std::map<std::string, std::string>{{"x", "1"}, {"y", ""}});
  CHECK(reader.Finish().ok());
}

TEST_CASE("options that are not given keep the driver's defaults", "[options]") {
  const std::map<std::string, std::string> options;
  OptionReader reader("driver 'test'", options);
  CHECK(reader.Text("text", "fallback") == "fallback");
  CHECK(reader.Choice("choice", "one", {"one", "two"}) == "one");
  CHECK(reader.Unsigned("count", 3, 0, 7) == 3);
  CHECK(reader.Number("ratio", 0.5, 0, 1) == 0.5);
  CHECK(reader.Flag("flag", true));
  CHECK(reader.Finish().ok());
}

TEST_CASE("a number is the whole value, finite and in its range", "[options]") {
  for (const std::string text : {"", " 5", "5 ", "5x", "-1", "0x5", "8", "99999999999999999999"}) {
    INFO(text);
    const std::map<std::string, std::string> options = {{"count", text}};
    OptionReader reader("driver 'test'", options);
    CHECK(reader.Unsigned("count", 3, 0, 7) == 3);
    CHECK(reader.Finish().code() == StatusCode::kInvalidArgument);
    CHECK_THAT(reader.Finish().message(),
               Contains("'count'") && Contains("'test'") && Contains("from 0 to 7"));
  }
  for (const std::string text : {"", "nan", "inf", "1e999", "0.5s", "1.01"}) {
    INFO(text);
    const std::map<std::string, std::string> options = {{"ratio", text}};
    OptionReader reader("driver 'test'", options);
    CHECK(reader.Number("ratio", 0.25, 0, 1) == 0.25);
    CHECK(reader.Finish().code() == StatusCode::kInvalidArgument);
  }
}

TEST_CASE("a key that nobody reads is refused with those that exist", "[options]") {
  const std::map<std::string, std::string> options = {{"cout", "7"}};
  OptionReader reader("driver 'test'", options);
  static_cast<void>(reader.Unsigned("count", 1, 0, 7));
  static_cast<void>(reader.WithPrefix("p."));
  CHECK_THAT(reader.Finish().message(), Contains("'cout'") && Contains("it has: count, p.KEY"));
}

TEST_CASE("the first of several mistakes is the one that is told", "[options]") {
  const std::map<std::string, std::string> options = {{"a", "x"}, {"b", "y"}, {"c", "z"}};
  OptionReader reader("driver 'test'", options);
  static_cast<void>(reader.Flag("b", true));
  static_cast<void>(reader.Unsigned("a", 1, 0, 7));
  CHECK_THAT(reader.Finish().message(), Contains("'b'"));
}

}  // namespace
}  // namespace paddock

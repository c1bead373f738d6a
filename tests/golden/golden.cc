#include "golden.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#define CATCH_CONFIG_EXTERNAL_INTERFACES  // event listeners
#include <catch2/catch.hpp>

#include "base/file.h"
#include "base/strict_json.h"

namespace paddock {
namespace {

bool accepted = false;

bool AcceptMode() {
  const char* value = std::getenv("PADDOCK_ACCEPT_GOLDEN");
  return value != nullptr && std::string_view(value) == "1";
}

// Ends the program after the last test, before Catch2 can report success.
class SkipAfterAccepting : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;
  void testRunEnded(const Catch::TestRunStats&) override {
    if (!accepted) return;
    std::fprintf(
        stderr,
        "golden files rewritten; look at the difference, then run again without PADDOCK_ACCEPT_GOLDEN\n");
    std::fflush(nullptr);
    std::_Exit(4);
  }
};
CATCH_REGISTER_LISTENER(SkipAfterAccepting)

bool Same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    const double x = a.get<double>();
    const double y = b.get<double>();
    return std::abs(x - y) <= 1e-9 * std::max(std::abs(x), std::abs(y));
  }
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.is_object()) {
    for (const auto& [key, value] : a.items()) {
      if (!b.contains(key) || !Same(value, b.at(key))) return false;
    }
    return true;
  }
  if (!a.is_array()) return a == b;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!Same(a[i], b[i])) return false;
  }
  return true;
}

}  // namespace

std::string DifferenceFromGolden(const std::string& path, const Json& actual) {
  const auto text = ReadFile(path);
  const auto expected = text.ok() ? ParseJson(*text, path) : Result<Json>(text.status());
  if (expected.ok() && Same(*expected, actual)) return "";
  if (AcceptMode()) {
    const Status written = WriteFileAtomically(path, actual.dump(2) + "\n");
    if (!written.ok()) return written.ToString();
    accepted = true;
    return "";
  }
  return path + ": expected " + (expected.ok() ? expected->dump(2) : expected.status().ToString()) + "\nis " +
         actual.dump(2) + "\nIf this is right, run with PADDOCK_ACCEPT_GOLDEN=1 and look at the difference.";
}

}  // namespace paddock

// Selectors over labels: "all", or "key=value[,key=value]..." where every pair must match. A device's id and driver are
// labels too ("id=jetson-1", "driver=onnxruntime").
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

class Selector {
 public:
  // INVALID_ARGUMENT shows the form.
  static Result<Selector> Parse(std::string_view text);
  bool Matches(const std::map<std::string, std::string>& labels) const;

 private:
  std::vector<std::pair<std::string, std::string>> wanted_;  // empty: all
};

// "class=board|cpu, driver=onnxruntime|simulated, id=..." of all devices: what one could have selected.
std::string KnownLabelsText(const std::vector<std::map<std::string, std::string>>& devices);

}  // namespace paddock

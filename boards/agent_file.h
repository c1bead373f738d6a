// The configuration file of an agent for one microcontroller board (driver 'mcu'), written for whoever found the board. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace paddock {

struct BoardAgent {
  std::string id;
  std::map<std::string, std::string> labels{};
  std::map<std::string, std::string> options{};
  std::vector<std::string> notes{};  // what a person should know or do; comments at the top
};

// Letters, digits, '.', '_' and '-' of `text`, others as '-', in lower case, as device ids are: not empty, at most 64 characters and
// not in `taken`, to which it is added.
std::string FreeDeviceId(std::string_view text, std::set<std::string>* taken);

// YAML that paddock-agent --config reads. Its state folder is /var/lib/paddock-agent/ID.
std::string AgentFileText(const BoardAgent& agent);

}  // namespace paddock

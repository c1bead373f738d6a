// Distinct string types for the ids that travel through Paddock, so that a run id cannot be passed as a job id.
// Job ids read "j-12", run ids "r-57"; a device id is what its agent was started with (letters, digits, . _ -).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace paddock {

template <typename Tag>
class StringId {
 public:
  StringId() = default;
  explicit StringId(std::string value) : value_(std::move(value)) {}
  const std::string& str() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const StringId&) const = default;

 private:
  std::string value_;
};

using JobId = StringId<struct JobIdTag>;
using RunId = StringId<struct RunIdTag>;
using DeviceId = StringId<struct DeviceIdTag>;
// One agent's state folder: survives a restart of the agent, differs between two agents that claim one device.
using AgentInstanceId = StringId<struct AgentInstanceIdTag>;

// A lease and its fencing number are one thing: an integer that only grows over the life of a store. 0 is no lease.
using LeaseId = std::uint64_t;

}  // namespace paddock

template <typename Tag>
struct std::hash<paddock::StringId<Tag>> {
  std::size_t operator()(const paddock::StringId<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};

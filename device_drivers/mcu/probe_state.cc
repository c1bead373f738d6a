#include "device_drivers/mcu/probe_state.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <thread>
#include <utility>

#include "base/strict_json.h"

namespace paddock {
namespace {

constexpr auto kLockPause = std::chrono::milliseconds(50);

// Other characters than these become a number, so that two probes never share a name.
std::string FileNameOf(std::string_view probe) {
  std::string name;
  for (const char c : probe) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || (c == '.' && !name.empty())) {
      name += c;
    } else {
      name += "%" + std::to_string(byte) + "%";
    }
  }
  return name;
}

Result<ProbeRecord> Decode(const std::string& text, const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path));
  ProbeRecord record;
  std::string image;
  StrictObject root(json, "");
  root.Optional("image_sha256", &image);
  root.Optional("problem", &record.problem);
  root.Required("usb_device_number", &record.device_number);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  if (!image.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(record.image, Digest::Parse(image));
  }
  return record;
}

}  // namespace

ProbeState::ProbeState(const std::string& folder, std::string_view probe)
    : folder_(folder),
      lock_path_(folder + "/" + FileNameOf(probe) + ".lock"),
      record_path_(folder + "/" + FileNameOf(probe) + ".json") {}

Result<FileLock> ProbeState::Lock(Deadline deadline, const std::function<bool()>& cancelled) const {
  PADDOCK_RETURN_IF_ERROR(CreateDirectories(folder_));
  for (;;) {
    auto lock = FileLock::Acquire(lock_path_);
    if (lock.ok() || lock.status().code() != StatusCode::kAlreadyExists) return lock;
    if (cancelled && cancelled()) return CancelledError("cancelled while another process has " + lock_path_);
    if (deadline.passed())
      return UnavailableError("another process has the probe (" + lock_path_ +
                              "); give each board a probe and an agent of its own");
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(kLockPause, deadline.remaining()));
  }
}

ProbeRecord ProbeState::Read() const {
  const auto text = ReadFile(record_path_, 1 << 16);
  if (!text.ok()) return {};
  auto record = Decode(*text, record_path_);
  return record.ok() ? std::move(record).value() : ProbeRecord();
}

Status ProbeState::Write(const ProbeRecord& record) const {
  Json json = {{"usb_device_number", record.device_number}};
  if (!record.image.empty()) json["image_sha256"] = record.image.hex();
  if (!record.problem.empty()) json["problem"] = record.problem;
  PADDOCK_RETURN_IF_ERROR(CreateDirectories(folder_));
  return WriteFileAtomically(record_path_, json.dump() + "\n");
}

Status ProbeState::Remove() const { return RemoveFile(record_path_); }

}  // namespace paddock

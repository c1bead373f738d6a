#include "server/rpc/device_service.h"

#include <algorithm>
#include <map>

#include "base/strict_json.h"
#include "server/core/selector.h"
#include "server/rpc/convert.h"
#include "server/rpc/core_call.h"
#include "server/rpc/status.h"

namespace paddock {

std::vector<DeviceView> DeviceService::Devices() {
  return AskCore<std::vector<DeviceView>>(core_, [this] { return coordinator_.ViewDevices(); });
}

Result<std::vector<v1::Device>> DeviceService::DescribeAll(const std::vector<DeviceView>& devices) {
  PADDOCK_ASSIGN_OR_RETURN(const auto summaries, reader_.GetGoldenSummaries());
  std::vector<v1::Device> out;
  for (const DeviceView& device : devices) {
    out.push_back(DeviceToProto(device));
    const auto summary = summaries.find(device.record.id);
    if (summary != summaries.end()) *out.back().mutable_golden() = GoldenStateToProto(summary->second);
  }
  return out;
}

grpc::Status DeviceService::ListDevices(grpc::ServerContext*, const v1::ListDevicesRequest* request,
                                        v1::ListDevicesResponse* response) {
  std::vector<Selector> selectors;
  for (const std::string& text : request->on()) {
    auto selector = Selector::Parse(text);
    if (!selector.ok()) return ToGrpc(selector.status());
    selectors.push_back(*std::move(selector));
  }
  std::vector<DeviceView> devices = Devices();
  std::erase_if(devices, [&](const DeviceView& device) {
    const auto matches = [&](const Selector& s) { return s.Matches(device.record.description.labels); };
    return !selectors.empty() && std::none_of(selectors.begin(), selectors.end(), matches);
  });
  auto described = DescribeAll(devices);
  if (!described.ok()) return ToGrpc(described.status());
  for (v1::Device& device : *described) *response->add_devices() = std::move(device);
  return grpc::Status::OK;
}

grpc::Status DeviceService::GetDevice(grpc::ServerContext*, const v1::GetDeviceRequest* request,
                                      v1::Device* response) {
  std::vector<std::string> known;
  for (const DeviceView& device : Devices()) {
    if (device.record.id.str() == request->id()) {
      auto described = DescribeAll({device});
      if (!described.ok()) return ToGrpc(described.status());
      *response = std::move(described->front());
      return grpc::Status::OK;
    }
    known.push_back(device.record.id.str());
  }
  std::string message = "no device '" + request->id() + "' has ever connected";
  if (const auto near = Nearest(request->id(), known)) message += ", did you mean '" + *near + "'?";
  return ToGrpc(NotFoundError(message + "; `paddock device list` shows all"));
}

grpc::Status DeviceService::ListDrivers(grpc::ServerContext*, const v1::ListDriversRequest*,
                                        v1::ListDriversResponse* response) {
  std::map<std::string, v1::ListDriversResponse::Entry> entries;
  for (const DeviceView& device : Devices()) {
    for (const DriverDoc& doc : device.record.drivers) {
      v1::DriverInfo& info = *entries[doc.name].mutable_driver();
      if (!info.name().empty()) continue;
      info.set_name(doc.name);
      info.set_summary(doc.summary);
      for (const auto& [key, help] : doc.options) {
        v1::DriverOption& option = *info.add_options();
        option.set_key(key);
        option.set_help(help);
      }
    }
    const DeviceDescription& description = device.record.description;
    v1::ListDriversResponse::Entry& entry = entries[description.driver];
    entry.mutable_driver()->set_name(description.driver);
    entry.add_devices(device.record.id.str());
    const auto& runtimes = entry.runtimes();
    if (std::find(runtimes.begin(), runtimes.end(), description.runtime) == runtimes.end()) {
      entry.add_runtimes(description.runtime);
    }
  }
  for (auto& [name, entry] : entries) *response->add_drivers() = std::move(entry);
  return grpc::Status::OK;
}

}  // namespace paddock

// DeviceService: what the core knows of devices, asked on the core thread. Synchronous handlers; thread-safe.
#pragma once

#include "base/task_queue.h"
#include "paddock/v1/device.grpc.pb.h"
#include "server/core/coordinator.h"

namespace paddock {

class DeviceService final : public v1::DeviceService::Service {
 public:
  DeviceService(TaskQueue& core, const Coordinator& coordinator) : core_(core), coordinator_(coordinator) {}

  grpc::Status ListDevices(grpc::ServerContext*, const v1::ListDevicesRequest*,
                           v1::ListDevicesResponse*) override;
  grpc::Status GetDevice(grpc::ServerContext*, const v1::GetDeviceRequest*, v1::Device*) override;
  grpc::Status ListDrivers(grpc::ServerContext*, const v1::ListDriversRequest*,
                           v1::ListDriversResponse*) override;

 private:
  std::vector<DeviceView> Devices();
  TaskQueue& core_;
  const Coordinator& coordinator_;
};

}  // namespace paddock

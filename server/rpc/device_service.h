// DeviceService: what the core knows of devices, asked on the core thread, and what the store has of their golden runs. Synchronous handlers; thread-safe.
#pragma once

#include "base/task_queue.h"
#include "paddock/v1/device.grpc.pb.h"
#include "server/core/coordinator.h"
#include "server/store/store_reader.h"

namespace paddock {

class DeviceService final : public v1::DeviceService::Service {
 public:
  DeviceService(TaskQueue& core, const Coordinator& coordinator, StoreReader& reader)
      : core_(core), coordinator_(coordinator), reader_(reader) {}

  grpc::Status ListDevices(grpc::ServerContext*, const v1::ListDevicesRequest*,
                           v1::ListDevicesResponse*) override;
  grpc::Status GetDevice(grpc::ServerContext*, const v1::GetDeviceRequest*, v1::Device*) override;
  grpc::Status ListDrivers(grpc::ServerContext*, const v1::ListDriversRequest*,
                           v1::ListDriversResponse*) override;

 private:
  std::vector<DeviceView> Devices();
  // Each as it is told to clients, by id.
  Result<std::vector<v1::Device>> DescribeAll(const std::vector<DeviceView>& devices);
  TaskQueue& core_;
  const Coordinator& coordinator_;
  StoreReader& reader_;
};

}  // namespace paddock

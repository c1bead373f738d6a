// A tree with the USB devices that a test plugs in, as Linux shows them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/fakes/fake_tree.h"

namespace paddock {

struct PluggedPort {
  std::string terminal;  // "ttyACM0", "ttyUSB1"
  int interface = 0;
  std::string by_id{};  // name of the link
};

struct PluggedDevice {
  std::string location;
  std::string vendor, product_number;
  std::string product{}, serial{}, manufacturer = "STMicroelectronics";
  int number = 1;
  std::vector<PluggedPort> ports{};
};

inline void Plug(FakeTree& tree, const PluggedDevice& device) {
  const std::string folder = "/sys/bus/usb/devices/" + device.location;
  tree.Put(folder + "/idVendor", device.vendor + "\n");
  tree.Put(folder + "/idProduct", device.product_number + "\n");
  tree.Put(folder + "/manufacturer", device.manufacturer + "\n");
  if (!device.product.empty()) tree.Put(folder + "/product", device.product + "\n");
  if (!device.serial.empty()) tree.Put(folder + "/serial", device.serial + "\n");
  tree.Put(folder + "/devnum", std::to_string(device.number) + "\n");
  for (const PluggedPort& port : device.ports) {
    const std::string interface = folder + ":1." + std::to_string(port.interface);
    tree.Put(interface + "/bInterfaceNumber", "0" + std::to_string(port.interface) + "\n");
    const bool is_adapter = port.terminal.rfind("ttyUSB", 0) == 0;
    tree.Put(interface + (is_adapter ? "/" + port.terminal : "") + "/tty/" + port.terminal + "/dev",
             "166:0\n");
    if (port.by_id.empty()) continue;
    const std::filesystem::path link = tree.root() + "/dev/serial/by-id/" + port.by_id;
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_symlink("../../" + port.terminal, link);
  }
}

// What a Nucleo's own probe looks like.
inline PluggedDevice NucleoProbe(const std::string& location, const std::string& serial,
                                 const std::string& terminal) {
  return {.location = location,
          .vendor = "0483",
          .product_number = "374b",
          .product = "STM32 STLink",
          .serial = serial,
          .ports = {{terminal, 2, "usb-STMicroelectronics_STM32_STLink_" + serial + "-if02"}}};
}

}  // namespace paddock

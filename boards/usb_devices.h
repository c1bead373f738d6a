// The USB devices of this machine and their serial ports, as the kernel and udev show them below /sys and /dev. Reads only; opens no
// device. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace paddock {

struct UsbSerialPort {
  std::string device;           // "/dev/ttyACM0": another number after the next start
  std::string by_id{};          // "/dev/serial/by-id/usb-...": goes with the device; empty: udev made none
  std::string by_path{};        // "/dev/serial/by-path/...": goes with the socket
  std::uint32_t interface = 0;  // of the USB device, which may have several ports
};

struct UsbDevice {
  std::string location;  // "1-2.3": bus and ports, as long as it stays in its socket
  std::uint16_t vendor_id = 0;
  std::uint16_t product_id = 0;
  // What the device says of itself, other characters than printable ASCII as '?'; empty: nothing.
  std::string manufacturer{};
  std::string product{};
  // Empty as well when it is not printable ASCII without blanks: no tool could be told.
  std::string serial{};
  std::uint32_t number = 0;            // another one each time that it is plugged in
  std::vector<UsbSerialPort> ports{};  // by interface
};

// In the order of their locations. `root` stands before /sys and /dev. What cannot be read is not there.
std::vector<UsbDevice> ListUsbDevices(const std::string& root);

}  // namespace paddock

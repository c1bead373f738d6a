#include "boards/probes.h"

#include <catch2/catch.hpp>

#include "boards/usb_devices.h"
#include "usb_bench.h"

namespace paddock {

TEST_CASE("a probe is found with its serial port, by names that outlast the next start", "[boards]") {
  FakeTree tree;
  Plug(tree, NucleoProbe("1-2.3", "066BFF30", "ttyACM1"));
  tree.Put("/sys/bus/usb/devices/usb1/idVendor", "1d6b\n");
  tree.Put("/sys/bus/usb/devices/1-2.3:1.0/bInterfaceNumber", "00\n");
  const auto devices = ListUsbDevices(tree.root());
  REQUIRE(devices.size() == 2);
  const UsbDevice& probe = devices[0];
  CHECK(probe.location == "1-2.3");
  CHECK(probe.vendor_id == 0x0483);
  CHECK(probe.product_id == 0x374b);
  CHECK(probe.product == "STM32 STLink");
  CHECK(probe.number == 1);
  REQUIRE(probe.ports.size() == 1);
  CHECK(probe.ports[0].device == "/dev/ttyACM1");
  CHECK(probe.ports[0].by_id == "/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF30-if02");
  CHECK(probe.ports[0].by_path.empty());
  CHECK(probe.ports[0].interface == 2);
  CHECK(OnlyProbes(devices).size() == 1);
  CHECK(FindProbe(devices, "066BFF30") == &probe);
  CHECK(FindProbe(devices, "usb:1-2.3") == &probe);
  CHECK(FindProbe(devices, "1-2.3") == nullptr);
  CHECK(FindProbe(devices, "") == nullptr);
  CHECK(ListOfProbes(devices) == "066BFF30 (ST-Link V2-1 at 1-2.3)");
}

TEST_CASE("probes are known by their numbers, CMSIS-DAP by its name", "[boards]") {
  const auto kind = [](std::uint16_t vendor, std::uint16_t product, const std::string& name) -> std::string {
    const auto found =
        KindOfProbe({.location = "1-1", .vendor_id = vendor, .product_id = product, .product = name});
    return found ? std::string(found->name) + " by " + std::string(found->flash_tool) : "none";
  };
  CHECK(kind(0x0483, 0x3748, "STM32 STLink") == "ST-Link V2 by openocd");
  CHECK(kind(0x0483, 0x374e, "STLINK-V3") == "ST-Link V3 by openocd");
  CHECK(kind(0x0483, 0xdf11, "STM32  BOOTLOADER") == "STM32 boot loader by dfu-util");
  CHECK(kind(0x0d28, 0x0204, "BBC micro:bit CMSIS-DAP") == "DAPLink by openocd");
  CHECK(kind(0xc251, 0xf001, "LPC-LINK2 CMSIS-DAP V5.361") == "CMSIS-DAP by openocd");
  CHECK(kind(0x1366, 0x1015, "J-Link") == "J-Link by openocd");
  CHECK(kind(0x1d50, 0x6018, "Black Magic Probe") == "Black Magic by gdb");
  CHECK(kind(0x0483, 0x5740, "PowerShield (Virtual ComPort)") == "none");
}

TEST_CASE("the second port of a Black Magic probe is its board's, the first one is gdb's", "[boards]") {
  FakeTree tree;
  Plug(tree, {.location = "1-4",
              .vendor = "1d50",
              .product_number = "6018",
              .product = "Black Magic Probe",
              .serial = "BFDB96BE",
              .ports = {{"ttyACM2", 0}, {"ttyACM3", 2}}});
  Plug(tree, {.location = "1-5", .vendor = "10c4", .product_number = "ea60", .ports = {{"ttyUSB0", 0}}});
  const auto devices = ListUsbDevices(tree.root());
  REQUIRE(devices.size() == 2);
  REQUIRE(BoardPort(devices[0]) != nullptr);
  CHECK(BoardPort(devices[0])->device == "/dev/ttyACM3");
  CHECK(BoardPort(devices[1])->device == "/dev/ttyUSB0");
}

TEST_CASE("what a USB device says of itself is not trusted to be text", "[boards]") {
  FakeTree tree;
  PluggedDevice clone = NucleoProbe("1-2", "x", "ttyACM0");
  clone.serial = "\xaa\xbc\x6e\x06\x50u\xff\x55\x17 B\x19?";
  clone.product = "STM32 STLink\x1b[2J\n";
  clone.ports[0].by_id.clear();
  Plug(tree, clone);
  const auto devices = ListUsbDevices(tree.root());
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].serial.empty());
  CHECK(devices[0].product == "STM32 STLink?[2J");
  CHECK(ProbeName(devices[0]) == "usb:1-2");
  CHECK(ListUsbDevices("/nonexistent").empty());
}

}  // namespace paddock

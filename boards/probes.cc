#include "boards/probes.h"

#include <algorithm>
#include <cstdint>

namespace paddock {
namespace {

constexpr std::uint32_t kAnyProduct = 0x10000;

struct ProbeRow {
  std::uint16_t vendor_id;
  std::uint32_t product_id;
  ProbeKind kind;
};
constexpr ProbeKind kStLinkV21{"ST-Link V2-1", "openocd", "stlink"};
constexpr ProbeKind kStLinkV3{"ST-Link V3", "openocd", "stlink"};
// ST's numbers as in OpenOCD's interface/stlink.cfg and stlink's 49-stlink*.rules; the others' from their makers' pages.
constexpr ProbeRow kProbes[] = {
    {0x0483, 0x3748, {"ST-Link V2", "openocd", "stlink"}},
    {0x0483, 0x374a, kStLinkV21},
    {0x0483, 0x374b, kStLinkV21},
    {0x0483, 0x3752, kStLinkV21},
    {0x0483, 0x374d, kStLinkV3},
    {0x0483, 0x374e, kStLinkV3},
    {0x0483, 0x374f, kStLinkV3},
    {0x0483, 0x3753, kStLinkV3},
    {0x0483, 0x3754, kStLinkV3},
    {0x0483, 0x3755, kStLinkV3},
    {0x0483, 0x3757, kStLinkV3},
    {0x0483, 0xdf11, {"STM32 boot loader", "dfu-util", ""}},
    {0x0d28, 0x0204, {"DAPLink", "openocd", "cmsis-dap"}},
    {0x1d50, 0x6018, {"Black Magic", "gdb", ""}},
    {0x1366, kAnyProduct, {"J-Link", "openocd", "jlink"}},
};
constexpr ProbeKind kCmsisDap{"CMSIS-DAP", "openocd", "cmsis-dap"};
constexpr std::string_view kByPlace = "usb:";

}  // namespace

std::optional<ProbeKind> KindOfProbe(const UsbDevice& device) {
  for (const ProbeRow& row : kProbes) {
    if (row.vendor_id == device.vendor_id &&
        (row.product_id == device.product_id || row.product_id == kAnyProduct))
      return row.kind;
  }
  if (device.product.find("CMSIS-DAP") != std::string::npos) return kCmsisDap;
  return std::nullopt;
}

std::vector<UsbDevice> OnlyProbes(const std::vector<UsbDevice>& devices) {
  std::vector<UsbDevice> probes;
  std::copy_if(devices.begin(), devices.end(), std::back_inserter(probes),
               [](const UsbDevice& device) { return KindOfProbe(device).has_value(); });
  return probes;
}

const UsbSerialPort* BoardPort(const UsbDevice& probe) {
  const auto kind = KindOfProbe(probe);
  const bool first_is_gdb = kind && kind->flash_tool == "gdb";
  const std::size_t index = first_is_gdb ? 1 : 0;
  return probe.ports.size() > index ? &probe.ports[index] : nullptr;
}

std::string ProbeName(const UsbDevice& probe) {
  return probe.serial.empty() ? std::string(kByPlace) + probe.location : probe.serial;
}

const UsbDevice* FindProbe(const std::vector<UsbDevice>& devices, std::string_view name) {
  const bool by_place = name.starts_with(kByPlace);
  if (by_place) name.remove_prefix(kByPlace.size());
  const auto found = std::find_if(devices.begin(), devices.end(), [&](const UsbDevice& device) {
    return by_place ? device.location == name : !name.empty() && device.serial == name;
  });
  return found == devices.end() ? nullptr : &*found;
}

std::string ListOfProbes(const std::vector<UsbDevice>& devices) {
  std::string text;
  for (const UsbDevice& device : devices) {
    const auto kind = KindOfProbe(device);
    if (!kind) continue;
    text.append(text.empty() ? "" : ", ")
        .append(ProbeName(device))
        .append(" (")
        .append(kind->name)
        .append(" at ")
        .append(device.location)
        .append(")");
  }
  return text.empty() ? "none" : text;
}

}  // namespace paddock

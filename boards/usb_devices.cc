#include "boards/usb_devices.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/sysfs_tree.h"

namespace paddock {
namespace {

namespace fs = std::filesystem;

constexpr char kDevices[] = "/sys/bus/usb/devices";

bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

std::string TextOf(const SysfsTree& tree, const std::string& path) {
  auto text = tree.Text(path);
  if (!text.ok()) return {};
  std::replace_if(
      text->begin(), text->end(), [](char c) { return !IsPrintable(c); }, '?');
  return std::move(text).value();
}

std::string SerialOf(const SysfsTree& tree, const std::string& path) {
  const auto text = tree.Text(path);
  const bool is_usable =
      text.ok() && std::all_of(text->begin(), text->end(), [](char c) { return IsPrintable(c) && c != ' '; });
  return is_usable ? *text : std::string();
}

std::uint32_t NumberOf(const SysfsTree& tree, const std::string& path, int base) {
  const auto text = tree.Text(path);
  std::uint32_t value = 0;
  if (text.ok()) std::from_chars(text->data(), text->data() + text->size(), value, base);
  return value;
}

// Name of the device -> link to it.
std::map<std::string, std::string> LinksIn(const std::string& root, const std::string& folder) {
  std::map<std::string, std::string> links;
  std::error_code error;
  for (fs::directory_iterator entry(root + folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path target = fs::read_symlink(entry->path(), error);
    if (!error) links.emplace(target.filename().string(), folder + "/" + entry->path().filename().string());
    error.clear();
  }
  return links;
}

struct PortLinks {
  std::map<std::string, std::string> by_id, by_path;
};

// cdc_acm has <interface>/tty/ttyACM0, usb-serial <interface>/ttyUSB0/tty/ttyUSB0.
std::vector<UsbSerialPort> PortsOf(const SysfsTree& tree, const std::string& device, const PortLinks& links) {
  const auto link = [](const std::map<std::string, std::string>& all, const std::string& name) {
    const auto found = all.find(name);
    return found == all.end() ? std::string() : found->second;
  };
  std::vector<UsbSerialPort> ports;
  for (const std::string& interface : tree.Entries(kDevices, device + ":")) {
    std::vector<std::string> terminals = tree.Entries(interface + "/tty", "tty");
    for (const std::string& adapter : tree.Entries(interface, "ttyUSB")) terminals.push_back(adapter);
    for (const std::string& terminal : terminals) {
      const std::string name = terminal.substr(terminal.rfind('/') + 1);
      ports.push_back({.device = "/dev/" + name,
                       .by_id = link(links.by_id, name),
                       .by_path = link(links.by_path, name),
                       .interface = NumberOf(tree, interface + "/bInterfaceNumber", 16)});
    }
  }
  return ports;
}

}  // namespace

std::vector<UsbDevice> ListUsbDevices(const std::string& root) {
  const SysfsTree tree(root);
  const PortLinks links{.by_id = LinksIn(root, "/dev/serial/by-id"),
                        .by_path = LinksIn(root, "/dev/serial/by-path")};
  std::vector<UsbDevice> devices;
  for (const std::string& path : tree.Entries(kDevices, "")) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (name.find(':') != std::string::npos || !tree.Exists(path + "/idVendor")) continue;
    devices.push_back({.location = name,
                       .vendor_id = static_cast<std::uint16_t>(NumberOf(tree, path + "/idVendor", 16)),
                       .product_id = static_cast<std::uint16_t>(NumberOf(tree, path + "/idProduct", 16)),
                       .manufacturer = TextOf(tree, path + "/manufacturer"),
                       .product = TextOf(tree, path + "/product"),
                       .serial = SerialOf(tree, path + "/serial"),
                       .number = NumberOf(tree, path + "/devnum", 10),
                       .ports = PortsOf(tree, name, links)});
  }
  return devices;
}

}  // namespace paddock

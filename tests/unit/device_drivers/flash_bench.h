#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "device_drivers/mcu/flasher.h"
#include "tests/fakes/fake_tree.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {

// A machine with one ST-Link and a script in place of OpenOCD. The script notes its words in "argv", a line for each call, and
// leaves a copy of the image in "flashed"; then it does what the test says.
class FlashBench {
 public:
  FlashBench() { Plug("066BFF30", 7); }

  void Plug(const std::string& serial, int number) {
    const std::string device = "/sys/bus/usb/devices/1-2.3";
    tree_.Put(device + "/idVendor", "0483\n");
    tree_.Put(device + "/idProduct", "374b\n");
    tree_.Put(device + "/product", "STM32 STLink\n");
    tree_.Put(device + "/serial", serial + "\n");
    tree_.Put(device + "/devnum", std::to_string(number) + "\n");
  }
  void Unplug() { tree_.Remove("/sys/bus/usb/devices/1-2.3"); }

  std::string Script(const std::string& name, const std::string& text) const {
    const std::string path = folder_ / name;
    REQUIRE(WriteFileUnsynced(path, "#!/bin/sh\ncd '" + folder_.path() + "'\n" + text).ok());
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    return path;
  }
  // `behaviour` sees how many calls there were in $n.
  Flasher MakeFlasher(const std::string& behaviour, const std::string& power_cycle = {}) const {
    FlasherSettings settings{.state_folder = folder_ / "state",
                             .power_cycle = power_cycle,
                             .root = tree_.root(),
                             .retry_pause = std::chrono::nanoseconds(0),
                             .try_timeout = try_timeout,
                             .settle_timeout = std::chrono::milliseconds(1)};
    settings.target = {.program = Script("openocd",
                                         "echo \"$*\" >>argv\nn=$(wc -l <argv)\n"
                                         "image=${*##*program \\{}\ncp \"${image%%\\}*}\" flashed\n" +
                                             behaviour),
                       .serial = "066BFF30",
                       .openocd_target = "stm32l4x",
                       .flash_bytes = 1 << 20};
    auto flasher = Flasher::Make(settings);
    REQUIRE(flasher.ok());
    return std::move(flasher).value();
  }

  std::string Text(const std::string& name) const {
    const auto text = ReadFile(folder_ / name);
    return text.ok() ? *text : std::string();
  }
  std::size_t Calls() const {
    const std::string argv = Text("argv");
    return static_cast<std::size_t>(std::count(argv.begin(), argv.end(), '\n'));
  }
  std::string RecordPath() const { return folder_ / "state/066BFF30.json"; }
  std::string operator/(const std::string& name) const { return folder_ / name; }
  const std::string& root() const { return tree_.root(); }

  std::chrono::nanoseconds try_timeout = std::chrono::seconds(60);

 private:
  FakeTree tree_;
  TempDir folder_;
};

}  // namespace paddock

#include "boards/hardware_map.h"

#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "base/strict_json.h"
#include "usb_bench.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Texts = std::map<std::string, std::string>;

// As in Zephyr's documentation, with boards of our own.
constexpr char kMap[] = R"(
- connected: true
  id: 066BFF303430484257193720
  platform: nucleo_l4r5zi
  product: STM32 STLink
  runner: openocd
  runner_params:
    - --cmd-pre-init
  serial: /dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF303430484257193720-if02
  fixtures:
    - gpio_loopback
    - i2c_bus_short
  flash_timeout: 120
- connected: true
  id: 000683759358
  platform: nrf52840dk/nrf52840
  product: J-Link
  runner: unknown
  serial: /dev/ttyACM1
- connected: false
  id: OSHW000032254e4500128002ab98002784d1000097969900
  platform: frdm_k64f
  product: DAPLink CMSIS-DAP
  runner: pyocd
- connected: True
  id: '12E45'
  platform: [unknown, nucleo_h7a3zi_q/stm32h7a3xxq]
  product: STLINK-V3
  runner: stm32cubeprogrammer
  serial_baud: 921600
  serial: /dev/serial/by-id/usb-STLINK-V3-if02
  notes: "on the left"
- connected: yes
  id: script
  platform: native_sim
  product: none
  runner: none
  serial_pty: /home/me/pty.sh
)";

std::vector<HardwareMapEntry> Parsed(const std::string& yaml) {
  auto entries = ParseHardwareMap(yaml, "map.yaml");
  INFO(entries.status().message());
  REQUIRE(entries.ok());
  return std::move(entries).value();
}

std::string ErrorOf(const std::string& yaml) {
  const auto entries = ParseHardwareMap(yaml, "map.yaml");
  REQUIRE_FALSE(entries.ok());
  CHECK(entries.status().code() == StatusCode::kInvalidArgument);
  return entries.status().message();
}

}  // namespace

TEST_CASE("a hardware map is read as Twister reads it, serial numbers as they are written", "[boards][map]") {
  const auto entries = Parsed(kMap);
  REQUIRE(entries.size() == 5);
  CHECK(entries[0].fixtures == std::vector<std::string>{"gpio_loopback", "i2c_bus_short"});
  CHECK(entries[0].other_keys == std::vector<std::string>{"flash_timeout", "runner_params"});
  CHECK(entries[1].id == "000683759358");
  CHECK_FALSE(entries[2].connected);
  CHECK(entries[3].connected);
  CHECK(entries[3].id == "12E45");
  CHECK(entries[3].platforms == std::vector<std::string>{"unknown", "nucleo_h7a3zi_q/stm32h7a3xxq"});
  CHECK(entries[3].baud == 921600U);
  CHECK(entries[4].serial_pty == "/home/me/pty.sh");
  CHECK(Parsed("- {connected: true, platform: a b, id: 12E45, product:, runner: null}\n").front() ==
        HardwareMapEntry{.connected = true, .id = "12E45", .platforms = {"a", "b"}});
  CHECK(Parsed("[]").empty());
}

TEST_CASE("each connected entry becomes an agent, flashed as its runner would", "[boards][map]") {
  const ImportedMap imported = ImportHardwareMap(Parsed(kMap));
  REQUIRE(imported.agents.size() == 3);
  const BoardAgent& nucleo = imported.agents[0];
  CHECK(nucleo.id == "nucleo_l4r5zi-193720");
  CHECK(nucleo.options ==
        Texts{{"board", "nucleo-l4r5zi"},
              {"link",
               "serial:/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF303430484257193720-if02"},
              {"probe", "066BFF303430484257193720"}});
  CHECK(nucleo.labels == Texts{{"fixture.gpio_loopback", "yes"},
                               {"fixture.i2c_bus_short", "yes"},
                               {"platform", "nucleo_l4r5zi"},
                               {"probe", "066BFF303430484257193720"},
                               {"product", "STM32 STLink"},
                               {"runner", "openocd"}});
  CHECK(nucleo.notes ==
        std::vector<std::string>{"Not taken over from the map: flash_timeout, runner_params."});
  CHECK(imported.agents[1].options == Texts{{"link", "serial:/dev/ttyACM1"}, {"mode", "existing"}});
  REQUIRE(imported.agents[1].notes.size() == 2);
  CHECK_THAT(imported.agents[1].notes[0], Contains("/dev/ttyACM1 may be another board"));
  CHECK_THAT(imported.agents[1].notes[1], Contains("no firmware for platform nrf52840dk/nrf52840"));
  CHECK(imported.agents[2].id == "nucleo_h7a3zi_q-12e45");
  CHECK(imported.agents[2].options == Texts{{"baud", "921600"},
                                            {"board", "nucleo-h7a3zi-q"},
                                            {"flash_tool", "stm32cubeprogrammer"},
                                            {"link", "serial:/dev/serial/by-id/usb-STLINK-V3-if02"},
                                            {"probe", "12E45"}});
  CHECK(imported.skipped ==
        std::vector<std::string>{
            "[2] frdm_k64f, id OSHW000032254e4500128002ab98002784d1000097969900: not connected",
            "[4] native_sim, id script: its line is made by a script (serial_pty), which only "
            "Twister runs"});
}

TEST_CASE("a runner is followed by the tool that reaches the same probe", "[boards][map]") {
  const auto options = [](const std::string& runner, const std::string& product) {
    const ImportedMap imported = ImportHardwareMap({{.connected = true,
                                                     .id = "1",
                                                     .platforms = {"nucleo_f401re"},
                                                     .product = product,
                                                     .runner = runner,
                                                     .serial = "/dev/serial/by-id/x"}});
    Texts given = imported.agents.front().options;
    std::string text;
    for (const char* key : {"mode", "flash_tool", "openocd_interface"}) text += given[key] + "|";
    return text;
  };
  CHECK(options("openocd", "STM32 STLink") == "|||");
  CHECK(options("openocd", "DAPLink CMSIS-DAP") == "||cmsis-dap|");
  CHECK(options("openocd", "XDS110") == "existing|||");
  CHECK(options("pyocd", "DAPLink CMSIS-DAP") == "||cmsis-dap|");
  CHECK(options("pyocd", "STLINK-V3") == "|||");
  CHECK(options("jlink", "J-Link OB") == "||jlink|");
  CHECK(options("stm32cubeprogrammer", "STLINK-V3") == "|stm32cubeprogrammer||");
  CHECK(options("dfu-util", "STM32  BOOTLOADER") == "|dfu-util||");
  CHECK(options("unknown", "STLINK-V3") == "|||");
  CHECK(options("esp32", "CP2102") == "existing|||");
}

TEST_CASE("what is written is read again, whatever the texts hold", "[boards][map]") {
  std::vector<HardwareMapEntry> entries = Parsed(kMap);
  entries[0].notes = "a: b # \"c\"\n- d é";
  entries[1].platforms = {"two words"};
  for (HardwareMapEntry& entry : entries) entry.other_keys.clear();
  CHECK(Parsed(HardwareMapText(entries)) == entries);
  CHECK(Parsed(HardwareMapText({})).empty());
}

TEST_CASE("a farm that was imported is exported again, and so is what is attached", "[boards][map]") {
  const auto entries = Parsed(kMap);
  const BoardAgent nucleo = ImportHardwareMap(entries).agents.front();
  auto again = EntryOfLabels(nucleo.labels, entries[0].serial, true);
  REQUIRE(again);
  again->other_keys = entries[0].other_keys;
  CHECK(*again == entries[0]);
  CHECK_FALSE(EntryOfLabels({{"board", "qemu-stm32f405"}}, "", true));
  CHECK(EntryOfLabels({{"board", "nucleo-f401re"}}, "/dev/ttyACM0", false)->platforms ==
        std::vector<std::string>{"nucleo_f401re"});

  FakeTree tree;
  Plug(tree, NucleoProbe("1-2", "066BFF303430484257193720", "ttyACM0"));
  const auto attached = EntriesOf(Discover(tree.root()));
  REQUIRE(attached.size() == 1);
  HardwareMapEntry expected = entries[0];
  expected.platforms = {"unknown"};
  expected.fixtures.clear();
  expected.other_keys.clear();
  CHECK(attached.front() == expected);
}

TEST_CASE("a map that is wrong is refused with the file and the place", "[boards][map]") {
  CHECK_THAT(ErrorOf("connected: true"), Contains("map.yaml") && Contains("list of boards"));
  CHECK_THAT(ErrorOf("- connected: maybe\n  platform: x"),
             Contains("map.yaml: [0].connected: must be true or false"));
  CHECK_THAT(ErrorOf("- platform: x"), Contains("[0].connected: is missing"));
  CHECK_THAT(ErrorOf("- {connected: true}"), Contains("[0].platform: is missing"));
  CHECK_THAT(ErrorOf("- {connected: true, platform: x}\n- text"), Contains("[1]: must be a mapping"));
  CHECK_THAT(ErrorOf("- {connected: true, platform: x, baud: fast}"), Contains("[0].baud"));
  CHECK_THAT(ErrorOf("- {connected: true, platform: x, fixtures: one}"),
             Contains("[0].fixtures: must be a list"));
  CHECK_THAT(ErrorOf("- {connected: true, platform: x, serial: [a]}"), Contains("[0].serial: must be text"));
  CHECK_THAT(ErrorOf("- &a {connected: true}\n- *a"), Contains("anchor"));
  CHECK_THAT(ErrorOf("- - - - - - - - - x"), Contains("nested deeper than 8"));
  CHECK_THAT(ErrorOf(std::string((1 << 20) + 1, ' ')), Contains("more than the 1048576"));
}

}  // namespace paddock

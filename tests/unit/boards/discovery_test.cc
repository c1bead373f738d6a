#include "boards/discovery.h"

#include <catch2/catch.hpp>

#include "base/strict_json.h"
#include "usb_bench.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

const PluggedDevice kMagicProbe{.location = "1-4",
                                .vendor = "1d50",
                                .product_number = "6018",
                                .product = "Black Magic Probe",
                                .serial = "BFDB96BE",
                                .ports = {{"ttyACM2", 0, "usb-Black_Magic_BFDB96BE-if00"},
                                          {"ttyACM3", 2, "usb-Black_Magic_BFDB96BE-if02"}}};

}  // namespace

TEST_CASE("what is attached is shown as a table and as configuration that can be used", "[boards]") {
  FakeTree tree;
  Plug(tree, NucleoProbe("1-2.3", "066BFF303430484257193720", "ttyACM1"));
  CHECK(DiscoveryText(Discover(tree.root())) ==
        "PROBE                     KIND          AT     PRODUCT       BOARD  SERIAL PORT\n"
        "066BFF303430484257193720  ST-Link V2-1  1-2.3  STM32 STLink  ?      "
        "/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF303430484257193720-if02\n"
        "\n"
        "# ---- board-193720.yaml\n"
        "# The probe does not say on which board it is. Add to the options `board`, one of nucleo-l4r5zi, "
        "nucleo-h7a3zi-q, nucleo-f401re, stm32f4-discovery, or `mode: existing` for the firmware that is "
        "there.\n"
        "id: \"board-193720\"\n"
        "driver: mcu\n"
        "state: \"/var/lib/paddock-agent/board-193720\"\n"
        "options:\n"
        "  \"link\": "
        "\"serial:/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF303430484257193720-if02\"\n"
        "  \"probe\": \"066BFF303430484257193720\"\n");
}

TEST_CASE("each kind of probe gets the options that it needs", "[boards]") {
  FakeTree tree;
  Plug(tree, kMagicProbe);
  Plug(tree, {.location = "1-5", .vendor = "10c4", .product_number = "ea60", .ports = {{"ttyUSB0", 0}}});
  Plug(tree, {.location = "1-6",
              .vendor = "0d28",
              .product_number = "0204",
              .product = "NUCLEO-L4R5ZI CMSIS-DAP",
              .serial = "9904360254994e45",
              .ports = {{"ttyACM5", 1}}});
  Plug(tree, {.location = "1-7", .vendor = "0483", .product_number = "df11", .serial = "3551"});
  Plug(tree, {.location = "1-8", .vendor = "046d", .product_number = "c31c", .product = "Keyboard"});
  const auto found = Discover(tree.root());
  REQUIRE(found.size() == 4);
  using Options = std::map<std::string, std::string>;
  CHECK(found[0].agent->options == Options{{"flash_tool", "gdb"},
                                           {"link", "serial:/dev/serial/by-id/usb-Black_Magic_BFDB96BE-if02"},
                                           {"probe", "/dev/serial/by-id/usb-Black_Magic_BFDB96BE-if00"}});
  CHECK(found[1].agent->options == Options{{"link", "serial:/dev/ttyUSB0"}, {"mode", "existing"}});
  CHECK(found[2].agent->id == "nucleo-l4r5zi-994e45");
  CHECK(found[2].agent->options == Options{{"board", "nucleo-l4r5zi"},
                                           {"link", "serial:/dev/ttyACM5"},
                                           {"openocd_interface", "cmsis-dap"},
                                           {"probe", "9904360254994e45"}});
  CHECK_FALSE(found[3].agent);
  CHECK_THAT(DiscoveryText(found), Contains("3551              STM32 boot loader"));
}

TEST_CASE("the same is there for scripts", "[boards]") {
  FakeTree tree;
  Plug(tree, kMagicProbe);
  Plug(tree, {.location = "1-7", .vendor = "0483", .product_number = "df11"});
  const auto json = ParseJson(DiscoveryJson(Discover(tree.root())), "discovery");
  REQUIRE(json.ok());
  CHECK((*json)["schema_version"] == 1);
  const Json& probe = (*json)["devices"][0];
  CHECK(probe["vendor_id"] == 0x1d50);
  CHECK(probe["kind"] == "Black Magic");
  CHECK(probe["board"].is_null());
  CHECK(probe["serial_ports"][1]["by_id"] == "/dev/serial/by-id/usb-Black_Magic_BFDB96BE-if02");
  CHECK(probe["serial_ports"][1]["by_path"].is_null());
  CHECK(probe["agent"]["options"]["flash_tool"] == "gdb");
  const Json& loader = (*json)["devices"][1];
  CHECK(loader["serial"].is_null());
  CHECK(loader["probe"] == "usb:1-7");
  CHECK(loader["agent"].is_null());
}

TEST_CASE("a machine without boards is told what to look at", "[boards]") {
  FakeTree tree;
  CHECK_THAT(DiscoveryText(Discover(tree.root())), Contains("is the board plugged in"));
  CHECK(DiscoveryJson({}) == "{\n  \"devices\": [],\n  \"schema_version\": 1\n}\n");
}

TEST_CASE("an agent's file holds foreign texts as texts", "[boards]") {
  const BoardAgent agent{.id = "b",
                         .labels = {{"product", "a \"board\": {x}\n# é"}},
                         .options = {{"link", "serial:/dev/x"}},
                         .notes = {"first\nid: other"}};
  const auto yaml = ParseYaml(AgentFileText(agent), "b.yaml");
  INFO(yaml.status().message());
  REQUIRE(yaml.ok());
  CHECK((*yaml)["id"] == "b");
  CHECK((*yaml)["labels"]["product"] == "a \"board\": {x}\n# é");
}

TEST_CASE("device ids are made of any text, and are never the same", "[boards]") {
  std::set<std::string> taken;
  CHECK(FreeDeviceId("Nucleo L4/R5", &taken) == "nucleo-l4-r5");
  CHECK(FreeDeviceId("nucleo-l4-r5", &taken) == "nucleo-l4-r5-2");
  CHECK(FreeDeviceId("..", &taken) == "board");
  CHECK(FreeDeviceId("é", &taken) == "board-2");
  CHECK(FreeDeviceId(std::string(1000, 'x'), &taken).size() == 60);
}

TEST_CASE("boards are found by Zephyr's names, with chip and revision", "[boards]") {
  REQUIRE(FindBoardOfPlatform("nucleo_h7a3zi_q/stm32h7a3xxq") != nullptr);
  CHECK(FindBoardOfPlatform("nucleo_h7a3zi_q/stm32h7a3xxq")->name == "nucleo-h7a3zi-q");
  CHECK(FindBoardOfPlatform("nucleo_f401re@B")->name == "nucleo-f401re");
  CHECK(FindBoardOfPlatform("frdm_k64f") == nullptr);
  CHECK(FindBoardOfPlatform("") == nullptr);
  CHECK(FindKnownBoard("qemu-stm32f405")->flash_bytes == 1 << 20);
  CHECK(FindKnownBoard("nucleo") == nullptr);
  CHECK(FindBoardInText("") == nullptr);
}

}  // namespace paddock

"""Hardware maps of Zephyr's Twister: agents come of them, and of their farm the map again."""

import pathlib
import subprocess
import unittest

from farm import BIN, FarmTest

PORT = "/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF30-if02"
MAP = f"""
- connected: true
  id: 066BFF30
  platform: nucleo_l4r5zi
  product: STM32 STLink
  runner: openocd
  serial: {PORT}
  fixtures:
    - gpio_loopback
- connected: true
  id: 000683759358
  platform: nrf52840dk/nrf52840
  product: J-Link
  runner: jlink
  serial: /dev/serial/by-id/usb-SEGGER_J-Link_000683759358-if00
- connected: false
  id: gone
  platform: frdm_k64f
  product: DAPLink CMSIS-DAP
  runner: pyocd
"""


class HardwareMaps(FarmTest):
    def import_map(self, text):
        path = self.farm.folder / "map.yaml"
        path.write_text(text)
        return self.farm.cli("device", "import-map", path, "--out", self.farm.folder / "agents", "-o", "json")

    def test_a_map_becomes_agents_whose_farm_exports_it_again(self):
        imported = self.import_map(MAP)
        self.assertEqual(imported.code, 0, imported)
        self.assertEqual(len(imported.json["agents"]), 2)
        self.assertIn("frdm_k64f, id gone: not connected", imported.err)
        self.farm.start_coordinator()
        for agent in imported.json["agents"]:
            # The boards are not here: the agents say so, and their devices are listed all the same.
            self.farm.start(agent["id"], [BIN / "paddock-agent", "--server", self.farm.server, "--config", agent["file"],
                                          "--state", self.farm.folder / agent["id"]])
        self.farm.wait_for("both devices are there", lambda: len(self.farm.cli("device", "list", "-o", "json").json) == 2)
        exported = self.farm.cli("device", "export-map")
        self.assertEqual(exported.code, 0, exported)
        again = self.farm.folder / "again.yaml"
        again.write_text(exported.out)
        second = self.farm.cli("device", "import-map", again, "--out", self.farm.folder / "second", "-o", "json")
        self.assertEqual(second.code, 0, second)
        keep = lambda answer: sorted((agent["id"], agent["options"], agent["labels"]) for agent in answer.json["agents"])
        self.assertEqual(str(keep(second)), str(keep(imported)))

    def test_files_that_are_there_are_left_and_wrong_maps_write_none(self):
        self.assertEqual(self.import_map(MAP).code, 0)
        file = self.farm.folder / "agents" / "nucleo_l4r5zi-6bff30.yaml"
        file.write_text("id: mine\n")
        again = self.import_map(MAP)
        self.assertEqual(again.code, 0, again)
        self.assertIn("left as it is", again.err)
        self.assertEqual(file.read_text(), "id: mine\n")
        wrong = self.import_map("- {connected: true}\n")
        self.assertEqual(wrong.code, 2, wrong)
        self.assertIn("[0].platform", wrong.err)
        self.assertEqual(len(list(pathlib.Path(self.farm.folder / "agents").iterdir())), 2)

    def test_what_is_attached_is_found_without_a_farm(self):
        found = subprocess.run([BIN / "paddock-agent", "discover"], capture_output=True, text=True, check=True)
        self.assertTrue(found.stdout.startswith(("PROBE", "no probe")))
        attached = self.farm.cli("device", "export-map", "--attached")
        self.assertEqual(attached.code, 0, attached)


if __name__ == "__main__":
    unittest.main()

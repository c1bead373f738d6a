"""A board that is flashed through its probe: an emulated one whose flash is blank, and gdb as the way to it.

Needs qemu-system-arm, gdb-multiarch and arm-none-eabi-gcc.
"""

import json
import os
import shutil
import unittest

from farm import DEMO, FarmTest, free_port

BOARD = "qemu-stm32f405"
COMPILER = "arm-none-eabi-gcc"
TOOLS = ("qemu-system-arm", "gdb-multiarch", COMPILER)

JOB = """
model: {demo}/digits.onnx
data:
  file: {demo}/digits.npz
  inputs: {{image: x}}
  labels: y
  samples: 10
  preprocess: [{{cast: {{to: float32}}}}, {{scale: {{factor: 0.0625}}}}]
task: classification
variants:
  - {{name: speed, steps: [{{firmware: {{board: {board}}}}}]}}
  - {{name: size, steps: [{{firmware: {{board: {board}, optimize: size}}}}]}}
on: [id=bench]
scenario: {{kind: single-stream, min_duration_s: 0.1, min_inferences: 10, median_precision: 0, tail_precision: 0,
            warmup: {{min_inferences: 0, min_s: 0}}}}
repetitions: 1
"""

# Fails as soon as the file `broken` is beside it.
BREAKABLE = """#!/bin/sh
[ -e "{folder}/broken" ] && [ "$1" != --version ] && {{ echo "internal compiler error: broken" >&2; exit 1; }}
exec {compiler} "$@"
"""


@unittest.skipUnless(all(map(shutil.which, TOOLS)), f"not all of {', '.join(TOOLS)} are installed")
class FlashedBoard(FarmTest):
    def setUp(self):
        super().setUp()
        self.probe = f"127.0.0.1:{free_port()}"
        self.line = self.farm.folder / "line"
        self.probes = self.farm.folder / "probes"
        self.job = self.farm.folder / "job.yaml"
        self.job.write_text(JOB.format(demo=DEMO, board=BOARD))

    def power_on(self):
        """The board with nothing in its flash, stopped until gdb lets it go."""
        self.farm.start("board", [
            "qemu-system-arm", "-M", "netduinoplus2", "-nographic", "-monitor", "none", "-icount", "shift=0", "-S",
            "-gdb", f"tcp:{self.probe}", "-serial", f"unix:{self.line},server=on,wait=off"])
        self.farm.wait_for("the board has a line", self.line.exists)

    def power_off(self):
        self.farm.stop("board")
        self.line.unlink()

    def start_agent(self):
        self.farm.start_agent("bench", "mcu", {
            "link": f"unix:{self.line}", "board": BOARD, "flash_tool": "gdb", "probe": self.probe,
            "gdb_reset": "system_reset", "probe_state": self.probes})

    def device(self):
        return next(iter(self.farm.cli("device", "list", "-o", "json").json), {"state": "none"})

    def wait_for_state(self, state):
        self.farm.wait_for(f"the board is {state}", lambda: self.device()["state"] == state)

    def record(self):
        return json.loads(next(self.probes.glob("*.json")).read_text())

    def run_variant(self, variant):
        return self.farm.cli("run", self.job, "--variant", variant, "-o", "json")

    def flashed(self, answer):
        self.assertEqual(answer.code, 0, answer)
        return answer.json["runs"][0]["provenance"]["options"]["flashed"]

    def test_a_board_is_flashed_when_it_must_be_and_never_with_what_was_built_before(self):
        folder = self.farm.folder / "compiler"
        folder.mkdir()
        compiler = folder / COMPILER
        compiler.write_text(BREAKABLE.format(folder=folder, compiler=shutil.which(COMPILER)))
        compiler.chmod(0o755)
        self.farm.start_coordinator(environment={"PATH": f"{folder}:{os.environ['PATH']}"})
        self.power_on()
        self.start_agent()
        self.wait_for_state("idle")
        with self.subTest("a blank board"):
            self.assertEqual(self.flashed(self.run_variant("speed")), "gdb, first: flashed and verified")
        with self.subTest("the same model"):
            self.assertEqual(self.flashed(self.run_variant("speed")), "before")
        held = self.record()
        with self.subTest("a build that fails"):
            (folder / "broken").touch()
            failed = self.run_variant("size")
            self.assertEqual(failed.json["runs"][0]["state"], "failed", failed)
            self.assertEqual(self.record(), held)
            (folder / "broken").unlink()
            self.assertEqual(self.flashed(self.run_variant("speed")), "before")
        with self.subTest("another board behind the same probe, which nobody could see"):
            self.power_off()
            self.power_on()
            self.assertEqual(self.flashed(self.run_variant("speed")), "gdb, first: flashed and verified")
            self.assertEqual(self.record(), held)

    def test_a_probe_that_is_not_there_is_told_and_the_device_works_again_when_it_was_mended(self):
        self.farm.start_coordinator()
        self.power_on()
        probe, self.probe = self.probe, f"127.0.0.1:{free_port()}"
        self.start_agent()
        self.probe = probe
        self.wait_for_state("idle")
        job = self.farm.cli("submit", self.job, "--variant", "speed", "-o", "name").out.strip()
        self.wait_for_state("faulty")
        self.assertIn("needs hands", self.device()["problem"])
        self.assertIn("Connection", self.device()["problem"])
        self.farm.stop("bench")
        self.start_agent()
        answer = self.farm.cli("watch", job, "-o", "json")
        self.assertEqual(self.flashed(answer), "gdb, first: flashed and verified")


if __name__ == "__main__":
    unittest.main()

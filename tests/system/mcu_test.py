"""Emulated microcontrollers and generated C on a farm: from a model file to counted instructions."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from farm import DEMO, SHARED, FarmTest, children_of, needs_onnxruntime

needs_board = unittest.skipUnless(
    shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc"),
    "qemu-system-arm or arm-none-eabi-gcc is not installed")
KWS = SHARED / "data" / "mlperf-tiny"
needs_kws = unittest.skipUnless(KWS.exists(), f"{KWS} is not there")

SCENARIO = {"kind": "single-stream", "min_duration_s": 0.001, "min_inferences": 5, "median_precision": 0, "tail_precision": 0,
            "warmup": {"min_inferences": 1, "min_s": 0}}


def emulators_of(pid):
    found = []
    for child in children_of(pid):
        try:
            if b"qemu-system-arm" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
        except OSError:
            pass
        found += emulators_of(child)
    return found


def kws_job(farm, model, **changes):
    data = {"file": str(KWS / "kws01.npz"), "inputs": {"input_1": "x"}, "labels": "y", "samples": 200, "seed": 3,
            "preprocess": [{"dequantize": {"scale": 0.5847029089927673, "zero_point": 83}}]}
    return farm.job_file(model=str(KWS / model), data=data, scenario=SCENARIO, **changes)


class BoardTest(FarmTest):
    def board(self, name="board-1", board="qemu-stm32f405", **options):
        self.farm.start_agent(name, "mcu", {"link": f"qemu:{board}", **options})

    def run_job(self, job, code=(0, 9)):
        answer = self.farm.cli("run", job, "-o", "json")
        self.assertIn(answer.code, code, answer)
        return answer.json["runs"]


class GeneratedCode(BoardTest):
    @needs_onnxruntime
    @needs_board
    def test_one_run_takes_a_model_file_to_an_emulated_board_and_to_the_host(self):
        farm = self.farm
        farm.start_coordinator()
        self.board()
        farm.start_agent("host-1", "host-c")
        farm.wait_for_devices("board-1", "host-1")
        runs = self.run_job(farm.job_file(
            variants=[{"name": "as-is"}, {"name": "int8"}, {"name": "tflite-int8"}], scenario=SCENARIO, on=["all"],
            repetitions=2,
            calibration={"file": str(DEMO / "digits_calibration.npz")}))
        by_name = {(run["device"], run["variant"]): run for run in runs}
        self.assertEqual(len(by_name), 6)
        for (device, variant), run in by_name.items():
            self.assertEqual(run["state"], "done", run)
            self.assertGreaterEqual(run["kpis"]["accuracy_top1"]["value"], 0.95, run)
            self.assertEqual(run["kpis"]["multiply_accumulates"]["value"], 599680 if variant == "as-is" else
                             run["kpis"]["multiply_accumulates"]["value"])
            if device == "host-1":
                self.assertIn("latency_p50", run["kpis"])
                continue
            self.assertEqual(run["missing"]["latency_p50"], "emulated")
            self.assertIn("EMULATED", [reason["code"] for reason in run["reasons"]])
            for kpi in ("instructions_per_inference", "flash_used", "ram_used", "arena_size"):
                self.assertGreater(run["kpis"][kpi]["value"], 0, kpi)
            # Instructions are counted, and the same in each process.
            counts = run["kpis"]["instructions_per_inference"]["repetitions"]
            self.assertEqual(counts[0], counts[1])
        self.assertLess(by_name["board-1", "int8"]["kpis"]["flash_used"]["value"],
                        by_name["board-1", "as-is"]["kpis"]["flash_used"]["value"])

        run = by_name["board-1", "int8"]["id"]
        layers = farm.cli("result", "show", run, "--layers", "-o", "json").json
        self.assertEqual(layers["unit"], "instructions")
        self.assertTrue(all(layer["count"] > 0 for layer in layers["layers"]), layers)
        table = farm.cli("result", "show", run, "--layers")
        self.assertIn("share", table.out)
        transcript = farm.cli("result", "show", run, "--transcript")
        self.assertIn("m-ready", transcript.out)
        self.assertNotEqual(farm.cli("result", "show", run, "--layers", "--transcript").code, 0)

    @needs_board
    @needs_kws
    def test_a_board_answers_the_keywords_as_the_host_does(self):
        farm = self.farm
        farm.start_coordinator()
        self.board()
        farm.start_agent("host-1", "host-c")
        farm.wait_for_devices("board-1", "host-1")
        [host] = self.run_job(kws_job(farm, "kws_int8.onnx", on=["id=host-1"]))
        [board] = self.run_job(kws_job(farm, "kws_int8.onnx", on=["id=board-1"], reference_run=host["id"]))
        self.assertEqual((host["state"], board["state"]), ("done", "done"))
        self.assertEqual(board["kpis"]["output_agreement"]["value"], 1, "the same class in each of the 200 samples")
        self.assertGreater(board["kpis"]["accuracy_top1"]["value"], 0.85)

    @needs_board
    @needs_kws
    def test_a_model_that_does_not_fit_is_refused_with_the_sizes_before_the_board_is_touched(self):
        farm = self.farm
        farm.start_coordinator()
        self.board()
        farm.wait_for_devices("board-1")
        runs = self.run_job(farm.job_file(
            model=str(KWS / "ic_resnet8_fp32.onnx"), task=None, scenario=SCENARIO,
            data=self.random_images()), code=(6,))
        self.assertEqual(runs[0]["failure"]["class"], "job")
        self.assertEqual(runs[0]["failure"]["stage"], "preparing")
        self.assertRegex(runs[0]["failure"]["message"], r"RAM")
        self.assertRegex(runs[0]["failure"]["message"], r"\d+ .*of \d+|\d+ .*\d+")

    def random_images(self):
        from farm import npy, write_npz
        path = self.farm.folder / "images.npz"
        content = os.urandom(4 * 3 * 32 * 32)
        write_npz(path, {"x": npy("|u1", (4, 3, 32, 32), content)})
        return {"file": str(path), "inputs": {"input_1": "x"}, "preprocess": [{"cast": {"to": "float32"}}]}


class BoardsThatFail(BoardTest):
    @needs_board
    def test_an_emulator_that_dies_costs_a_retry_and_not_the_job(self):
        farm = self.farm
        farm.start_coordinator()
        self.board()
        farm.wait_for_devices("board-1")
        job = farm.submit(scenario={**SCENARIO, "min_inferences": 800}, repetitions=2, on=["all"],
                          data={"file": str(DEMO / "digits.npz"), "inputs": {"image": "x"}, "labels": "y",
                                "preprocess": [{"cast": {"to": "float32"}}, {"scale": {"factor": 0.0625}}]})
        farm.wait_for_stage(job, "board-1", "measuring")
        for pid in emulators_of(farm.processes["board-1"].pid):
            os.kill(pid, signal.SIGKILL)
        answer = farm.cli("watch", job, "-o", "json", timeout=600)
        self.assertIn(answer.code, (0, 9), answer)
        run = answer.json["runs"][0]
        self.assertEqual(run["state"], "done")
        self.assertEqual(run["attempts"], 2)

    @needs_board
    def test_a_killed_agent_leaves_no_emulator_behind_and_its_job_ends(self):
        farm = self.farm
        farm.start_coordinator()
        self.board()
        farm.wait_for_devices("board-1")
        job = farm.submit(scenario={**SCENARIO, "min_inferences": 800}, on=["all"])
        farm.wait_for_stage(job, "board-1", "measuring")
        emulators = emulators_of(farm.processes["board-1"].pid)
        self.assertTrue(emulators)
        farm.stop("board-1")
        farm.wait_for("the emulator has ended",
                      lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in emulators))
        farm.restart("board-1")
        answer = farm.cli("watch", job, "-o", "json", timeout=600)
        self.assertIn(answer.code, (0, 9), answer)
        self.assertEqual(answer.json["runs"][0]["state"], "done")

    def test_a_compiled_program_is_not_taken_for_a_model(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("host-1", "host-c")
        farm.wait_for_devices("host-1")
        trap = farm.folder / "sprung"
        source = farm.folder / "evil.c"
        source.write_text("#include <stdio.h>\n__attribute__((constructor)) static void spring(void) "
                          f'{{ fclose(fopen("{trap}", "w")); }}\n')
        facts = farm.folder / "facts"
        tensor = {"name": "image", "type": "float32", "shape": [1, 1, 8, 8]}
        facts.write_text(json.dumps({"target": "x86_64", "name": "evil", "inputs": [tensor], "outputs": [tensor],
                                     "layers": [], "arena_bytes": 0}))
        program = farm.folder / "evil.onnx"
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", program], check=True)
        subprocess.run(["objcopy", "--add-section", f".paddock.network={facts}", program], check=True)
        for changes in ({"model": str(program)}, {"variants": [{"name": "as-is", "model": str(program)}]}):
            refused = farm.cli("run", farm.job_file(**changes))
            self.assertEqual(refused.code, 2, refused)
            self.assertIn("is a compiled program", refused.err)
        self.assertFalse(trap.exists())


if __name__ == "__main__":
    unittest.main()

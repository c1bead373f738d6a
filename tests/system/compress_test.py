"""Models that travel packed."""

import unittest

from farm import DEMO, ONNXRUNTIME, TFLITE, FarmTest, needs_onnxruntime

MODEL_BYTES = (DEMO / "digits.onnx").stat().st_size


class PackedModels(FarmTest):
    def run_digits(self, variants):
        """The runs of a job over the digits, by variant, as their results show them."""
        farm = self.farm
        answer = farm.cli("run", farm.digits_job(variants), "-o", "json")
        self.assertIn(answer.code, (0, 9), answer)
        runs = {}
        for run in answer.json["runs"]:
            self.assertEqual(run["state"], "done", run)
            runs[run["variant"]] = farm.cli("result", "show", run["id"], "-o", "json").json
        return runs

    def stored_bytes(self, run):
        """Of the run's artifact on the coordinator's disk."""
        digest = run["provenance"]["artifact_sha256"]
        return next(path for path in self.farm.state.rglob("*") if path.name.endswith(digest[2:])).stat().st_size

    def transferred_bytes(self, run):
        return next(stage["bytes"] for stage in run["waterfall"] if stage["stage"] == "transfer")

    @needs_onnxruntime
    @unittest.skipUnless(TFLITE, "PADDOCK_TFLITE does not name the runtime's library")
    def test_models_are_sent_packed_and_run_as_they_were(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("cpu-1", "onnxruntime", {"library": ONNXRUNTIME, "threads": 1})
        farm.start_agent("tflite-1", "tflite")
        farm.wait_for_devices("cpu-1", "tflite-1")
        plain = self.run_digits([{"name": "as-is"}, {"name": "tflite-int8"}])  # the data are there from now on
        packed = self.run_digits([{"name": "compressed"}, {"name": "shared-16"}, {"name": "int8-compressed"},
                                  {"name": "tflite-packed", "steps": ["int8", "to-tflite", "compress"]}])

        top1 = {name: run["kpis"]["accuracy_top1"]["value"] for name, run in (plain | packed).items()}
        self.assertEqual(top1["compressed"], top1["as-is"])
        self.assertEqual(top1["tflite-packed"], top1["tflite-int8"])
        for name in packed:
            self.assertGreaterEqual(top1[name], top1["as-is"] - 0.01, top1)
        size = {name: run["kpis"]["artifact_size"]["value"] for name, run in (plain | packed).items()}
        self.assertEqual(size["compressed"], MODEL_BYTES)
        self.assertEqual(size["tflite-packed"], size["tflite-int8"])

        for name, run in packed.items():
            stored = self.stored_bytes(run)
            self.assertEqual(self.transferred_bytes(run), stored)
            said = f"compress: stored and sent as {stored:,} of {int(size[name]):,} bytes ("
            self.assertTrue(any(said in line for line in run["provenance"]["preparation"]), run["provenance"])
        self.assertLess(self.stored_bytes(packed["compressed"]), 0.9 * MODEL_BYTES)
        self.assertLess(self.stored_bytes(packed["shared-16"]), MODEL_BYTES / 6)
        for folder in (farm.folder / "cpu-1", farm.folder / "tflite-1"):
            self.assertEqual([path for path in folder.rglob("artifact")], [])

    def test_a_step_behind_compress_is_refused_with_the_reason(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("sim-1")
        farm.wait_for_devices("sim-1")
        answer = farm.cli("run", farm.job_file(variants=[{"name": "odd", "steps": ["compress", "fp16"]}]))
        self.assertEqual(answer.code, 2, answer)
        self.assertIn("'compress' must be the last one", answer.err)


if __name__ == "__main__":
    unittest.main()

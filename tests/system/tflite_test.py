"""A device of the driver `tflite` on a farm, and what cannot be prepared."""

import json
import unittest

from farm import DEMO, ONNXRUNTIME, TFLITE, FarmTest


@unittest.skipUnless(TFLITE, "PADDOCK_TFLITE does not name the runtime's library")
class TensorFlowLite(FarmTest):
    def test_an_onnx_job_passes_it_by_with_the_reason(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("sim-1")
        farm.start_agent("tflite-1", "tflite")  # finds its library by PADDOCK_TFLITE
        farm.wait_for_devices("sim-1", "tflite-1")
        device = next(one for one in farm.cli("device", "list", "-o", "json").json if one["id"] == "tflite-1")
        self.assertRegex(device["runtime"], r"^tflite \d+\.\d+\.\d+")

        answer = farm.cli("run", farm.job_file(variants=[{"name": "as-is"}]), "-o", "json")
        self.assertIn(answer.code, (0, 9), answer)
        self.assertEqual([run["device"] for run in answer.json["runs"]], ["sim-1"])
        self.assertIn("skipped: as-is on tflite-1: ", answer.err)
        refused = farm.cli("run", farm.job_file(variants=[{"name": "as-is"}], on=["id=tflite-1"]))
        self.assertNotEqual(refused.code, 0)
        self.assertIn("driver tflite takes tflite", refused.err)

    @unittest.skipUnless(ONNXRUNTIME, "PADDOCK_ONNXRUNTIME does not name the runtime's library")
    def test_one_job_compares_a_network_across_runtimes_and_precisions(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("cpu-1", "onnxruntime", {"library": ONNXRUNTIME, "threads": 1})
        farm.start_agent("tflite-1", "tflite")
        farm.wait_for_devices("cpu-1", "tflite-1")
        names = ["fp32", "fp16", "int8", "tflite-fp32", "tflite-int8"]
        job = farm.digits_job([{"name": name} for name in names] + [
            {"name": "percentile", "steps": [{"int8": {"method": "percentile", "percentile": 99.9}}]}])
        answer = farm.cli("run", job, "--budget", "accuracy_top1>=0.9", "-o", "json")
        self.assertIn(answer.code, (0, 9), answer)
        runs = {run["variant"]: run for run in answer.json["runs"]}
        self.assertEqual(sorted(runs), sorted(names + ["percentile"]))
        for name, run in runs.items():
            self.assertEqual(run["state"], "done", run)
            self.assertEqual(run["device"], "tflite-1" if name.startswith("tflite") else "cpu-1")
        top1 = {name: run["kpis"]["accuracy_top1"]["value"] for name, run in runs.items()}
        size = {name: run["kpis"]["artifact_size"]["value"] for name, run in runs.items()}
        self.assertAlmostEqual(top1["fp32"], 498 / 500)
        self.assertAlmostEqual(top1["tflite-fp32"], 498 / 500)
        for name in ("fp16", "int8", "tflite-int8", "percentile"):
            self.assertGreaterEqual(top1[name], top1["fp32"] - 0.004, top1)
        self.assertGreater(size["fp32"], 2.8 * size["int8"], size)
        self.assertGreater(size["fp32"], 2.8 * size["tflite-int8"], size)
        self.assertEqual([row["variant"] for row in answer.json["variants"]],
                         [run["variant"] for run in answer.json["runs"]])
        self.assertEqual([choice["device"] for choice in answer.json["choices"]], ["cpu-1", "tflite-1"])

        again = farm.cli("run", job, "-o", "json")
        artifacts = {run["variant"]: run["provenance"]["artifact_sha256"] for run in again.json["runs"]}
        for name, run in runs.items():
            self.assertEqual(artifacts[name], run["provenance"]["artifact_sha256"])


class Variants(FarmTest):
    def test_a_variant_that_cannot_be_made_here_is_skipped_with_the_reason(self):
        farm = self.farm
        tool = farm.folder / "tool"
        tool.write_text('#!/bin/sh\n[ "$1" = version ] && { echo tool 3.1; exit 0; }\ncp "$1" "$2/result.onnx"\n')
        tool.chmod(0o755)
        declared = [{"name": name, "command": [str(path), "{in}", "{folder}"], "from": "onnx", "to": "onnx",
                     "output": "result.onnx", "version": [str(path), "version"]}
                    for name, path in (("tool", tool), ("gone", farm.folder / "gone"))]
        converters = farm.folder / "converters.yaml"
        converters.write_text(json.dumps({"converters": declared}))
        farm.start_coordinator("--converters", converters)
        farm.start_agent("sim-1")
        farm.wait_for_devices("sim-1")
        answer = farm.cli("run", farm.job_file(variants=[
            {"name": "vendor", "steps": ["external tool=tool"]}, {"name": "absent", "steps": ["external tool=gone"]},
            {"name": "from-tflite", "steps": ["to-onnx"]}]), "-o", "json")
        self.assertIn(answer.code, (0, 9), answer)
        self.assertEqual([run["variant"] for run in answer.json["runs"]], ["vendor"])
        self.assertRegex(answer.err, r"skipped: absent on sim-1: .*gone.* not installed")
        self.assertIn("skipped: from-tflite on sim-1: step 'to-onnx' takes a model of kind 'tflite'", answer.err)
        shown = farm.cli("result", "show", answer.json["runs"][0]["id"])
        self.assertIn("external tool=tool (tool 3.1)", shown.out)
        refused = farm.cli("run", farm.job_file(variants=[{"name": "absent", "steps": ["external tool=gone"]}]))
        self.assertEqual(refused.code, 2, refused)
        self.assertIn("not installed", refused.err)
        unknown = farm.cli("run", farm.job_file(variants=[{"name": "v", "steps": ["external tool=tol"]}]))
        self.assertEqual(unknown.code, 5, unknown)
        self.assertIn("did you mean 'tool'?", unknown.err)

    def test_samples_that_are_measured_are_never_calibrated_with(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("sim-1")
        farm.wait_for_devices("sim-1")
        answer = farm.cli("run", farm.job_file(
            variants=[{"name": "int8"}], on=["all"],
            data={"file": str(DEMO / "digits.npz"), "inputs": {"image": "x"}, "labels": "y",
                  "preprocess": [{"cast": {"to": "float32"}}]}))
        self.assertEqual(answer.code, 2, answer)
        self.assertIn("none is left for calibration", answer.err)
        self.assertIn("calibration.file", answer.err)


if __name__ == "__main__":
    unittest.main()

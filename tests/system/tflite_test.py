"""A device of the driver `tflite` on a farm."""

import unittest

from farm import TFLITE, FarmTest


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


if __name__ == "__main__":
    unittest.main()

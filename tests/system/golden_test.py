"""Golden runs: a device is compared with itself between the jobs of users."""

import json
import signal
import unittest

from farm import BIN, FarmTest


class GoldenRuns(FarmTest):
    def setUp(self):
        super().setUp()
        self.farm.start_coordinator()

    def start_board(self, golden, latency_us=1000):
        config = self.farm.folder / "board.yaml"
        config.write_text(json.dumps({"server": self.farm.server, "id": "board", "driver": "simulated",
                                      "state": str(self.farm.folder / "board"), "golden": golden,
                                      "options": {"latency_us": str(latency_us)}}))
        self.farm.start("board", [BIN / "paddock-agent", "--config", config])
        self.farm.wait_for_devices("board")

    def run_job(self, **changes):
        answer = self.farm.cli("run", self.farm.job_file(task=None, **changes), "-o", "json")
        self.assertIn(answer.code, (0, 9), answer)
        return answer.json["runs"]

    def ids(self, *arguments):
        return [run["id"] for run in self.farm.cli("result", "list", *arguments, "-o", "json").json["runs"]]

    def leases(self):
        """What the board did, in order."""
        rows = self.farm.sql("SELECT runs.id, runs.golden FROM leases JOIN runs ON runs.id = leases.run ORDER BY leases.id")
        return [(run, golden is not None) for run, golden in rows]

    def test_runs_have_golden_runs_around_them_and_figures_relative_to_them(self):
        self.start_board("around each run")
        (first,) = self.run_job()
        (second,) = self.run_job()
        done = self.leases()
        self.assertEqual([golden for _, golden in done], [True, False, True, False, True])
        golden_ids = [run for run, golden in done if golden]
        self.assertEqual(first["golden"]["near_runs"], golden_ids[:2])
        self.assertEqual(second["golden"]["near_runs"], golden_ids[1:])
        self.assertEqual(second["golden"]["history"], 1)
        for run in (first, second):
            self.assertFalse(run["golden"]["drifting"])
            self.assertAlmostEqual(run["kpis"]["latency_p50"]["relative"], 1, delta=0.05)
            self.assertNotIn("relative", run["kpis"]["artifact_size"])
            self.assertNotIn("DEVICE_DRIFT", [reason["code"] for reason in run["reasons"]])

        self.assertEqual(self.ids(), [second["id"], first["id"]])
        self.assertEqual(sorted(self.ids("--golden")), sorted([first["id"], second["id"], *golden_ids]))
        jobs = self.farm.cli("job", "list", "-o", "json").json
        self.assertNotIn("golden", [job["name"] for job in jobs])
        self.assertEqual(len(self.farm.cli("job", "list", "--golden", "-o", "json").json), len(jobs) + 3)
        exported = self.farm.cli("result", "export", "--all").json["runs"]
        self.assertEqual(len(exported), 2)

        device = self.farm.cli("device", "show", "board", "-o", "json").json
        self.assertEqual(device["golden"], {"policy": "around each run", "runs": 3, "last_run": golden_ids[-1],
                                            "last_ratio": 1, "drifting": False})
        shown = self.farm.cli("result", "show", second["id"]).out
        self.assertRegex(shown, f"golden runs +{golden_ids[1]}, {golden_ids[2]}, farthest r-[0-9]+: .* of 1 before")
        self.assertIn("OF GOLDEN", shown)

    def test_a_board_that_became_slower_says_so_and_a_steady_one_does_not(self):
        self.start_board("around each run")
        for _ in range(5):
            (run,) = self.run_job()
            self.assertNotIn("DEVICE_DRIFT", [reason["code"] for reason in run["reasons"]])
        self.farm.stop("board", signal.SIGTERM)
        self.start_board("around each run", latency_us=1150)
        (run,) = self.run_job()
        self.assertNotEqual(run["verdict"], "valid")
        (drift,) = [reason for reason in run["reasons"] if reason["code"] == "DEVICE_DRIFT"]
        self.assertRegex(drift["detail"], r"golden run r-\d+ took 1\.1\d* ms, 15(\.\d)? % over the median .* of 5 golden runs before")
        self.assertEqual(drift["evidence"]["history"], 5)
        self.assertAlmostEqual(drift["evidence"]["ratio"], 1.15, delta=0.01)
        self.assertTrue(run["golden"]["drifting"])
        self.assertTrue(self.farm.cli("device", "show", "board", "-o", "json").json["golden"]["drifting"])
        self.assertIn("the device drifts", self.farm.cli("device", "show", "board").out)

    def test_counts_and_held_evaluations_survive_a_coordinator_that_is_killed(self):
        self.start_board("every 2 runs")
        self.run_job()
        self.farm.stop("coordinator", signal.SIGKILL)
        self.farm.restart("coordinator")
        self.farm.wait_for_coordinator()
        self.farm.wait_for_devices("board")
        self.run_job()
        self.run_job()
        self.assertEqual([golden for _, golden in self.leases()], [True, False, False, True, False])


if __name__ == "__main__":
    unittest.main()

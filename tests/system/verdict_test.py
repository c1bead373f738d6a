"""Verdicts on whole runs of simulated boards that behave and that do not."""

import unittest

from farm import FarmTest

BOARDS = {
    "steady": {},
    "throttling": {"throttle_after_s": 5, "throttle_factor": 1.4},
    "drifting": {"drift_per_s": 0.01},
    "two-speeds": {"bimodal_share": 0.4},
    "stalling": {"stall_every": 500, "stall_ms": 200},
}


class Verdicts(FarmTest):
    def measure(self, scenario, boards):
        self.farm.start_coordinator()
        for name in boards:
            self.farm.start_agent(name, options=BOARDS[name])
        self.farm.wait_for_devices(*boards)
        answer = self.farm.cli("run", self.farm.job_file(scenario=scenario, repetitions=3), "-o", "json")
        self.assertIn(answer.code, (0, 9), answer)
        return {run["device"]: run for run in answer.json["runs"]}

    def codes(self, run):
        return {reason["code"] for reason in run["reasons"]}

    def test_boards_that_change_while_they_are_measured_are_told_from_a_steady_one(self):
        runs = self.measure({"kind": "single-stream", "max_duration_s": 20},
                            ["steady", "throttling", "drifting", "two-speeds"])
        self.assertEqual(runs["steady"]["verdict"], "valid", runs["steady"]["reasons"])
        # Whether the fast beginning is cut off as warm-up depends on the noise.
        self.assertIn(runs["throttling"]["verdict"], ("degraded", "inconclusive"))
        self.assertIn("THROTTLED", self.codes(runs["throttling"]))
        self.assertEqual(runs["drifting"]["verdict"], "inconclusive")
        self.assertIn("NO_STEADY_STATE", self.codes(runs["drifting"]))
        self.assertEqual(runs["two-speeds"]["verdict"], "degraded")
        self.assertIn("BIMODAL", self.codes(runs["two-speeds"]))

    def check_stall(self, scenario):
        run = self.measure(scenario, ["stalling"])["stalling"]
        # The queries that waited behind a stall of 200 ms count from when they should have started.
        self.assertGreater(run["kpis"]["latency_p99"]["value"], 0.1)
        self.assertLess(run["kpis"]["latency_p50"]["value"], 0.01)

    def test_a_stall_is_in_the_tail_of_a_server(self):
        self.check_stall({"kind": "server", "target_rate_hz": 200, "min_duration_s": 30, "tail_precision": 0})

    def test_a_stall_is_in_the_tail_of_a_periodic_load(self):
        self.check_stall({"kind": "periodic", "period_s": 0.005, "min_duration_s": 30, "tail_precision": 0})


if __name__ == "__main__":
    unittest.main()

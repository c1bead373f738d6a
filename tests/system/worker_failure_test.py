"""Workers that crash, exit, fall silent or lose their board: named as what they are, and the agent lives on."""

import unittest

from farm import FarmTest

SILENCE_S = 15  # more than a worker takes to start in a sanitized build on a busy machine

# Name, fault, exit code of `paddock run`, class, stage, what the message says. The fault is in the second repetition,
# which the next job on the device does not have.
FAILURES = (
    ("crash", "crash@measuring#1", 6, "job", "measuring",
     ("killed by signal 11 (Segmentation fault)", "stage measuring of repetition 2", "the same in 3 processes")),
    ("exit", "exit@warm-up#1:3", 6, "job", "warm-up", ("exit code 3", "stage warm-up of repetition 2")),
    ("silent", "silent@loading#1", 7, "device", "loading",
     (f"missed its deadline of {SILENCE_S} s", "repetition_timeout_s too short")),
    ("error", "error@measuring#1", 7, "device", "measuring", ("UNAVAILABLE", "does not answer")),
)


class WorkerFailures(FarmTest):
    def test_each_failure_has_its_class_stage_and_exit_code_and_the_agent_lives_on(self):
        farm = self.farm
        farm.start_coordinator()
        for name, fault, *_ in FAILURES:
            farm.start_agent(name, options={"fault": fault})
        farm.wait_for_devices(*[name for name, *_ in FAILURES])
        followers = [farm.follow("run", farm.job_file(on=[f"id={name}"], repetitions=2,
                                                            repetition_timeout_s=SILENCE_S if name == "silent" else 300),
                                 "-o", "json") for name, *_ in FAILURES]
        for follower, (name, _, code, failure_class, stage, texts) in zip(followers, FAILURES):
            with self.subTest(name):
                answer = farm.finish(follower)
                self.assertEqual(answer.code, code, answer)
                self.assertEqual(answer.json["job"]["state"], "failed")
                run = answer.json["runs"][0]
                self.assertEqual((run["state"], run["verdict"], run["kpis"]), ("failed", None, {}))
                self.assertEqual((run["failure"]["class"], run["failure"]["stage"]), (failure_class, stage), run)
                for text in texts:
                    self.assertIn(text, run["failure"]["message"])
                    self.assertIn(text, answer.err)
                self.assertIn(name, farm.processes)
                self.assertIsNone(farm.processes[name].poll(), "the agent is gone")
        farm.wait_for("every device is free", lambda: all(
            device["state"] == "idle" for device in farm.cli("device", "list", "-o", "json").json))
        self.check_once(farm.submit(), attempts=1)

    def test_a_crash_by_bad_luck_costs_nothing(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("sim-1", options={"fault": "crash@measuring", "fault_once": farm.folder / "happened"})
        farm.wait_for_devices("sim-1")
        self.check_once(farm.submit(repetitions=2), attempts=1)
        self.assertTrue((farm.folder / "happened").exists())


if __name__ == "__main__":
    unittest.main()

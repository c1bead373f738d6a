"""Leases: agents that are away for too long, that come back from the dead, that claim each other's device; and cancel."""

import os
import signal
import unittest

from farm import FarmTest


class Leases(FarmTest):
    def test_a_zombie_is_refused_and_its_run_ends_once(self):
        farm = self.farm
        farm.start_coordinator("--lease-ttl-s", "2", "--max-attempts", "100")
        farm.start_agent("sim-1", options={"pace": "real"})
        farm.wait_for_devices("sim-1")
        follower = farm.follow("run", farm.job_file(repetitions=2, scenario={"kind": "single-stream",
                                                                            "min_duration_s": 6}), "-o", "json")
        self.addCleanup(follower.kill)
        farm.wait_for_stage("j-1", "sim-1", "measuring")
        farm.processes["sim-1"].send_signal(signal.SIGSTOP)
        self.addCleanup(farm.processes["sim-1"].send_signal, signal.SIGCONT)
        farm.wait_for("the lease runs out", lambda: farm.sql("SELECT id FROM leases WHERE end_reason = 'expired'"))
        farm.processes["sim-1"].send_signal(signal.SIGCONT)

        job = self.check_once("j-1")
        self.assertGreaterEqual(job["runs"][0]["attempts"], 2)
        reasons = [reason for reason, in farm.sql("SELECT end_reason FROM leases ORDER BY id")]
        self.assertEqual(reasons, ["expired"] * (len(reasons) - 1) + ["reported"])
        log = farm.log("sim-1")
        self.assertTrue(any(text in log for text in ("lease is no longer ours", "is no longer ours: dropped",
                                                     "was refused", "is cancelled")), log)
        answer = farm.finish(follower)
        self.assertIn(answer.code, (0, 9), answer)
        self.assertGreaterEqual(answer.json["runs"][0]["attempts"], 2)

    def test_a_run_whose_agent_is_always_cut_off_is_lost_in_the_end(self):
        farm = self.farm
        farm.start_coordinator("--lease-ttl-s", "1", "--max-attempts", "2")
        farm.start_agent("sim-1", options={"fault": "disconnect@measuring:4"})
        farm.wait_for_devices("sim-1")
        answer = farm.cli("run", farm.job_file(), "-o", "json")
        self.assertEqual(answer.code, 7, answer)
        run = answer.json["runs"][0]
        self.assertEqual((run["state"], run["attempts"], run["failure"]["class"]), ("lost", 2, "farm"))
        self.assertIn("unreachable for longer than its lease", run["failure"]["message"])
        self.assertIn("look at the agent of device sim-1", run["failure"]["message"])
        self.assertEqual(farm.sql("SELECT count(*) FROM measurements"), [(0,)])
        # What the zombie still has is refused, and the board is free.
        farm.wait_for("the agent is back and idle",
                      lambda: farm.cli("device", "show", "sim-1", "-o", "json").json["state"] == "idle")
        farm.wait_for_log("sim-1", "is no longer ours: dropped")
        self.assertEqual(farm.sql("SELECT count(*) FROM measurements"), [(0,)])

    def test_the_second_agent_of_a_device_is_refused_and_the_first_does_not_notice(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("first", device="board-1", options={"pace": "real"})
        farm.wait_for_devices("board-1")
        job = farm.submit(scenario={"kind": "single-stream", "min_duration_s": 8})
        farm.wait_for_stage(job, "board-1", "measuring")
        farm.start_agent("second", device="board-1")
        farm.wait_for_log("second", "refuses this agent")
        self.assertIn("device board-1 is held by another agent", farm.log("second"))
        self.assertIn("choose another --id", farm.log("second"))
        self.check_once(job, attempts=1)
        self.assertEqual([device["id"] for device in farm.cli("device", "list", "-o", "json").json], ["board-1"])
        self.assertNotIn("no session with", farm.log("first"))
        self.assertNotIn("begins", farm.log("second"))
        self.assertIsNone(farm.processes["second"].poll())

    def test_a_second_agent_in_the_same_state_folder_does_not_start(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("sim-1")
        farm.wait_for_devices("sim-1")
        argv, *_ = farm.commands["sim-1"]
        farm.start("twin", argv)
        self.assertEqual(farm.processes["twin"].wait(60), 1)
        self.assertIn("another process uses this folder", farm.log("twin"))


class Cancel(FarmTest):
    def test_a_running_and_a_queued_run_end_and_the_board_is_free(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("sim-1", options={"pace": "real"})
        farm.wait_for_devices("sim-1")
        long = {"kind": "single-stream", "min_duration_s": 100}
        follower = farm.follow("run", farm.job_file(scenario=long), "-o", "json")
        self.addCleanup(follower.kill)
        farm.wait_for_stage("j-1", "sim-1", "measuring")
        queued = farm.submit()
        farm.wait_for_stage(queued, "sim-1", "queued")
        worker = farm.worker_of("sim-1")

        self.assertEqual(farm.cli("cancel", queued).code, 0)
        self.assertEqual(farm.wait_for_job(queued)["state"], "cancelled")
        self.assertEqual(farm.job("j-1")["state"], "running")
        self.assertEqual(farm.sql("SELECT count(*) FROM leases WHERE run = (SELECT id FROM runs WHERE job = ?)", queued),
                         [(0,)])

        self.assertEqual(farm.cli("cancel", "j-1").code, 0)
        self.assertEqual(farm.wait_for_job("j-1")["state"], "cancelled")
        farm.wait_for("the worker is gone", lambda: not os.path.exists(f"/proc/{worker}"))
        answer = farm.finish(follower)
        self.assertEqual(answer.code, 1, answer)
        self.assertEqual(answer.json["job"]["state"], "cancelled")
        self.assertEqual(answer.json["runs"][0]["state"], "cancelled")
        self.assertEqual(farm.sql("SELECT count(*) FROM measurements"), [(0,)])

        again = farm.cli("cancel", "j-1")
        self.assertEqual(again.code, 1, again)
        self.assertIn("j-1", again.err)
        self.check_once(farm.submit(), attempts=1)

    def test_a_cancel_reaches_an_agent_that_was_away(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("sim-1", options={"pace": "real"})
        farm.wait_for_devices("sim-1")
        job = farm.submit(scenario={"kind": "single-stream", "min_duration_s": 100})
        farm.wait_for_stage(job, "sim-1", "measuring")
        farm.stop("sim-1")
        self.assertEqual(farm.cli("cancel", job).code, 0)
        farm.stop("coordinator")
        farm.restart("coordinator")
        farm.restart("sim-1")
        self.assertEqual(farm.wait_for_job(job)["state"], "cancelled")
        self.assertEqual(farm.sql("SELECT count(*) FROM measurements"), [(0,)])


if __name__ == "__main__":
    unittest.main()

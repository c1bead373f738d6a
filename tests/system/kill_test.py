"""kill -9 at every stage of a run: the job ends `done`, with one result per run, none lost and none twice.

A device is parked in a stage: its worker falls silent there once, or its agent is stopped there. So every stage is held
for as long as the test needs it, however busy the machine is.
"""

import os
import pathlib
import random
import signal
import threading
import unittest

from farm import DEMO, FarmTest, children_of, needs_onnxruntime

WORKER_STAGES = ("loading", "warm-up", "measuring", "predicting", "reporting")
AGENT_STAGES = ("transferring", "delivering")  # delivering: the worker is done, the report is not sent yet
COORDINATOR_RESTARTS = 5


class KilledAtEveryStage(FarmTest):
    def park(self):
        """Starts a farm and a job with a run parked in every stage; a second job waits in the queue."""
        farm = self.farm
        farm.start_coordinator()
        for stage in WORKER_STAGES:
            farm.start_agent(f"at-{stage}", options={"outputs": "hash", "fault": f"silent@{stage}#0",
                                                     "fault_once": farm.folder / f"{stage}.happened"},
                             shares=["bench"] if stage == "loading" else [])
        farm.start_agent("at-transferring", options={"fault": "disconnect@transferring:3"})
        farm.start_agent("at-delivering", options={"fault": "disconnect@reporting:3"})
        farm.start_agent("at-queued", shares=["bench"])
        devices = [f"at-{stage}" for stage in (*WORKER_STAGES, *AGENT_STAGES, "queued")]
        farm.wait_for_devices(*devices)

        parked = [f"id={name}" for name in devices if name != "at-queued"]
        self.follower = farm.follow("run", farm.job_file(repetitions=2, on=parked), "-o", "json")
        self.addCleanup(self.follower.kill)
        farm.wait_for("the job is there", lambda: farm.job("j-1"))
        for name, cut, stopped_after in (("at-transferring", "transferring", "link is cut"),
                                         ("at-delivering", "reporting", "is done")):
            farm.wait_for_log(name, f"s at stage {cut}")
            farm.wait_for_log(name, stopped_after)
            farm.processes[name].send_signal(signal.SIGSTOP)
        for stage in WORKER_STAGES:
            farm.wait_for_stage("j-1", f"at-{stage}", stage)
        farm.submit(on=["id=at-queued"])
        farm.wait_for_stage("j-2", "at-queued", "queued")
        self.assertEqual(farm.sql("SELECT count(*) FROM measurements WHERE run = "
                                  "(SELECT id FROM runs WHERE device = 'at-delivering')"), [(0,)])
        return devices

    def go_on(self):
        for name in ("at-transferring", "at-delivering"):
            self.farm.processes[name].send_signal(signal.SIGCONT)

    def kill_workers(self):
        for stage in WORKER_STAGES:
            os.kill(self.farm.worker_of(f"at-{stage}"), signal.SIGKILL)

    def check_end(self):
        self.check_once("j-1", attempts=1)
        self.check_once("j-2", attempts=1)
        answer = self.farm.finish(self.follower)
        self.assertIn(answer.code, (0, 9), answer)
        self.assertEqual({run["state"] for run in answer.json["runs"]}, {"done"})

    def test_the_coordinator(self):
        devices = self.park()
        self.farm.stop("coordinator")
        self.farm.restart("coordinator")
        self.go_on()
        self.farm.wait_for_devices(*devices)
        self.kill_workers()
        self.check_end()

    def test_the_agents(self):
        devices = self.park()
        workers = [self.farm.worker_of(f"at-{stage}") for stage in WORKER_STAGES]
        for name in devices:
            self.farm.stop(name)
        for pid in workers:
            self.farm.wait_for(f"worker {pid} dies with its agent", lambda pid=pid: not os.path.exists(f"/proc/{pid}"))
        for name in devices:
            self.farm.restart(name)
        self.check_end()

    def test_the_workers(self):
        self.park()
        self.kill_workers()
        self.go_on()
        self.check_end()

    def test_everything_at_once(self):
        devices = self.park()
        for name in ("coordinator", *devices):
            self.farm.stop(name)
        for name in ("coordinator", *devices):
            self.farm.restart(name)
        self.check_end()

    def test_sigterm_stops_everything_and_the_next_start_goes_on(self):
        devices = self.park()
        self.go_on()
        for name in ("coordinator", *devices):
            self.farm.processes[name].send_signal(signal.SIGTERM)
        for name in ("coordinator", *devices):
            self.assertEqual(self.farm.stop(name, signal.SIGTERM), 0, name)
        for name in ("coordinator", *devices):
            self.farm.restart(name)
        self.check_end()


class KilledWhilePreparing(FarmTest):
    def hold_preparation(self, copy):
        """Submits a job and stops its preparation step. Returns job and step, or None when the step was faster."""
        farm = self.farm
        model = farm.folder / f"model-{copy}.onnx"
        # One more doc_string: the same network under another digest, so nothing is taken from the cache.
        model.write_bytes((DEMO / "digits.onnx").read_bytes() + b"\x32\x01" + bytes([ord("a") + copy]))
        stopped = []
        over = threading.Event()

        def stop_first_step():
            while not over.is_set() and not stopped:
                for pid in children_of(farm.processes["coordinator"].pid):
                    try:
                        # Before it has become the step it would not die with the coordinator yet.
                        if b"--prepare-step" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                            continue
                        os.kill(pid, signal.SIGSTOP)
                        stopped.append(pid)
                    except (ProcessLookupError, FileNotFoundError):
                        pass

        watcher = threading.Thread(target=stop_first_step)
        watcher.start()
        try:
            job = farm.submit(model=str(model), variants=[{"name": "optimize"}])
            farm.wait_for("the step is stopped or over",
                          lambda: stopped or farm.run_of(job, "sim-1")["state"] != "preparing")
        finally:
            over.set()
            watcher.join()
        if stopped and farm.run_of(job, "sim-1")["state"] == "preparing":
            return job, stopped[0]
        farm.wait_for_job(job)
        return None

    @needs_onnxruntime
    def test_the_coordinator_prepares_again(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("sim-1")
        farm.wait_for_devices("sim-1")
        held = next(filter(None, map(self.hold_preparation, range(10))), None)
        self.assertIsNotNone(held, "no preparation could be stopped in time")
        job, step = held
        farm.stop("coordinator")
        farm.wait_for("the step dies with the coordinator", lambda: not os.path.exists(f"/proc/{step}"))
        farm.restart("coordinator")
        self.check_once(job, attempts=1)

    @needs_onnxruntime
    def test_an_agent_that_dies_meanwhile_takes_the_run_when_it_is_back(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("sim-1")
        farm.wait_for_devices("sim-1")
        held = next(filter(None, map(self.hold_preparation, range(10))), None)
        self.assertIsNotNone(held, "no preparation could be stopped in time")
        job, step = held
        farm.stop("sim-1")
        os.kill(step, signal.SIGCONT)
        farm.wait_for_stage(job, "sim-1", "queued")
        farm.restart("sim-1")
        self.check_once(job, attempts=1)


class KilledAtRandom(FarmTest):
    def test_jobs_that_keep_coming(self):
        farm = self.farm
        chance = random.Random(7)
        farm.start_coordinator()
        agents = ("sim-1", "sim-2")
        for name in agents:
            farm.start_agent(name, options={"outputs": "hash", "pace": "real"})
        farm.wait_for_devices(*agents)
        jobs = []
        for _ in range(COORDINATOR_RESTARTS):
            jobs.append(farm.submit(repetitions=2))
            threading.Event().wait(chance.uniform(0, 0.6))  # some moment of a run, whichever
            for victim in chance.choice((("coordinator",), agents[:1], ("coordinator", *agents))):
                farm.stop(victim)
                farm.restart(victim)
            farm.wait_for_coordinator()
        for job in jobs:
            self.check_once(job)


if __name__ == "__main__":
    unittest.main()

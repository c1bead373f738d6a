"""A farm of real processes for one test: a coordinator, agents and the command line in a temporary folder.

Every process is started with its pid kept and ended by that pid. Waiting means polling an observable state up to a
deadline that is far longer than a healthy farm needs; no test measures time. When a test fails, the logs are printed.

Environment: PADDOCK_BIN, the folder of the programs (default build/bin); PADDOCK_ONNXRUNTIME and PADDOCK_TFLITE, the runtimes'
libraries; PADDOCK_SHARED, the folder with the large test models (default: `shared` beside the repository).
"""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import time
import unittest
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("PADDOCK_BIN", SOURCE / "build" / "bin")).resolve()
ONNXRUNTIME = os.environ.get("PADDOCK_ONNXRUNTIME", "")
TFLITE = os.environ.get("PADDOCK_TFLITE", "")
SHARED = pathlib.Path(os.environ.get("PADDOCK_SHARED") or SOURCE.parent / "shared")
DEMO = SOURCE / "deploy" / "demo"

DEADLINE_S = 200  # for what takes a second on a quiet machine
POLL_S = 0.03

needs_onnxruntime = unittest.skipUnless(ONNXRUNTIME, "PADDOCK_ONNXRUNTIME does not name the runtime's library")


def free_port():
    # Below the range of outgoing connections, one of which could take the port while a coordinator is restarted.
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def npy(type_code, shape, content):
    """The bytes of a .npy file; `type_code` as NumPy writes it, such as '<f4'."""
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (type_code, tuple(shape))
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def write_npz(path, arrays):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(name + ".npy", content)


def children_of(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(entry.name))
    return found


class Answer:
    """What one call of the command line did."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"exit code {self.code}\nstdout: {self.out}\nstderr: {self.err}"


class Farm:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="paddock-system-"))
        self.server = f"127.0.0.1:{free_port()}"
        self.processes = {}  # name -> Popen of what runs or ran last
        self.commands = {}  # name -> how it was started
        self.state = self.folder / "coordinator"

    # ---- processes

    def start(self, name, argv, environment=None, **popen):
        self.commands[name] = (argv, environment, popen)
        everything = {key: value for key, value in os.environ.items() if not key.startswith("PADDOCK_")}
        for variable, library in (("PADDOCK_ONNXRUNTIME", ONNXRUNTIME), ("PADDOCK_TFLITE", TFLITE)):
            if library:
                everything[variable] = library
        everything.update(environment or {})
        with open(self.log_path(name), "ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(part) for part in argv], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=everything,
                start_new_session=True, **popen)

    def restart(self, name):
        argv, environment, popen = self.commands[name]
        self.start(name, argv, environment, **popen)

    def stop(self, name, how=signal.SIGKILL):
        process = self.processes[name]
        if process.poll() is None:
            process.send_signal(how)
        return process.wait(DEADLINE_S)

    def start_coordinator(self, *options, wait=True, **popen):
        self.start("coordinator", [BIN / "paddockd", "--listen", self.server, "--http", "off", "--state", self.state,
                                   *options], **popen)
        if wait:
            self.wait_for_coordinator()

    def wait_for_coordinator(self):
        self.wait_for("the coordinator answers", lambda: self.cli("job", "list").code == 0)

    def start_agent(self, name, driver="simulated", options=None, device=None, shares=(), labels=None, more=()):
        """The agent `name` of the device `device`, which has the same name unless it is said."""
        argv = [BIN / "paddock-agent", "--server", self.server, "--id", device or name, "--driver", driver, "--state",
                self.folder / name]
        for key, value in (options or {}).items():
            argv += ["--option", f"{key}={value}"]
        for key, value in (labels or {}).items():
            argv += ["--label", f"{key}={value}"]
        for resource in shares:
            argv += ["--share", resource]
        self.start(name, [*argv, *more])

    def wait_for_devices(self, *names):
        def ready():
            answer = self.cli("device", "list", "-o", "json")
            if answer.code != 0:
                return False
            states = {device["id"]: device["state"] for device in answer.json}
            return all(states.get(name) in ("idle", "busy") for name in names)

        self.wait_for(f"devices {names} are online", ready)

    def worker_of(self, agent):
        """The pid of the agent's worker, once it has one."""
        pid = self.processes[agent].pid
        return self.wait_for(f"{agent} has a worker", lambda: children_of(pid))[0]

    # ---- the command line

    def cli_argv(self, *arguments):
        return [str(BIN / "paddock"), "--server", self.server, *[str(argument) for argument in arguments]]

    def cli(self, *arguments, timeout=DEADLINE_S):
        return Answer(subprocess.run(self.cli_argv(*arguments), capture_output=True, text=True, timeout=timeout,
                                     stdin=subprocess.DEVNULL))

    def follow(self, *arguments):
        """`paddock run` or `watch` in the background; finish(process) has its answer."""
        return subprocess.Popen(self.cli_argv(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                stdin=subprocess.DEVNULL)

    @staticmethod
    def finish(process, timeout=DEADLINE_S):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"the command line did not end; stdout: {out}\nstderr: {err}") from None
        return Answer(subprocess.CompletedProcess(process.args, process.returncode, out, err))

    def job_file(self, **changes):
        """A short job over the demo's model for every device. Keys with `None` are left out; JSON is YAML."""
        spec = {
            "name": "system test",
            "model": str(DEMO / "digits.onnx"),
            "data": {"file": str(DEMO / "digits.npz"), "inputs": {"image": "x"}, "labels": "y", "samples": 40,
                     "seed": 7, "preprocess": [{"cast": {"to": "float32"}}, {"scale": {"factor": 0.0625}}]},
            "task": "classification",
            "on": ["all"],
            "scenario": {"kind": "single-stream", "min_duration_s": 0.1, "median_precision": 0, "tail_precision": 0,
                         "warmup": {"min_inferences": 1, "min_s": 0}},
            "repetitions": 1,
        }
        spec.update(changes)
        handle, path = tempfile.mkstemp(prefix="job-", suffix=".yaml", dir=self.folder)
        with os.fdopen(handle, "w") as out:
            json.dump({key: value for key, value in spec.items() if value is not None}, out)
        return path

    def digits_job(self, variants):
        """All of the demo's samples, with those for calibration beside them."""
        return self.job_file(
            variants=variants,
            data={"file": str(DEMO / "digits.npz"), "inputs": {"image": "x"}, "labels": "y",
                  "preprocess": [{"cast": {"to": "float32"}}, {"scale": {"factor": 0.0625}}]},
            calibration={"file": str(DEMO / "digits_calibration.npz")})

    def submit(self, **changes):
        answer = self.cli("submit", self.job_file(**changes))
        if answer.code != 0:
            raise AssertionError(f"the job was refused: {answer}")
        return answer.out.strip()

    def job(self, job_id):
        answer = self.cli("job", "show", job_id, "-o", "json")
        return answer.json if answer.code == 0 else None

    def run_of(self, job_id, device):
        job = self.job(job_id)
        return next((run for run in job["runs"] if run["device"] == device), None) if job else None

    def wait_for_stage(self, job_id, device, stage):
        def reached():
            run = self.run_of(job_id, device)
            if run is not None and run["state"] in ("done", "failed", "lost", "cancelled"):
                raise AssertionError(f"the run of {job_id} on {device} ended before it was seen in stage {stage}: {run}")
            return run is not None and (run["stage"] == stage or run["state"] == stage)

        self.wait_for(f"the run of {job_id} on {device} is in stage {stage}", reached)

    def wait_for_job(self, job_id, timeout=DEADLINE_S):
        """Waits for the job's end; returns it."""
        def ended():
            job = self.job(job_id)
            return job if job and job["state"] != "running" else None

        return self.wait_for(f"{job_id} ends", ended, timeout)

    # ---- looking

    def wait_for(self, what, look, timeout=DEADLINE_S):
        """Polls until `look` answers something true, which it returns."""
        deadline = time.monotonic() + timeout
        while True:
            seen = look()
            if seen:
                return seen
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout} s: {what}")
            time.sleep(POLL_S)

    def log_path(self, name):
        return self.folder / f"{name}.log"

    def log(self, name):
        return self.log_path(name).read_text(errors="replace")

    def wait_for_log(self, name, text):
        self.wait_for(f"{name} logs '{text}'", lambda: text in self.log(name))

    def sql(self, query, *values):
        connection = sqlite3.connect(f"file:{self.state}/paddock.db?mode=ro", uri=True, timeout=DEADLINE_S)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    # ---- the end

    def close(self, print_logs):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        if print_logs:
            for path in sorted(self.folder.glob("*.log")):
                print(f"--- {path.name}\n{path.read_text(errors='replace')[-6000:]}", flush=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class FarmTest(unittest.TestCase):
    """A test with a farm of its own; what it started is gone afterwards."""

    maxDiff = None

    def setUp(self):
        self.farm = Farm()
        self.addCleanup(lambda: self.farm.close(print_logs=self.failed()))

    def failed(self):
        outcome = self._outcome
        if hasattr(outcome, "errors"):  # Python 3.10 and older
            return any(error for _, error in outcome.errors)
        return any(test is self for test, _ in outcome.result.failures + outcome.result.errors)

    def check_once(self, job_id, attempts=None):
        """The job is done, and for each run there is one result with every repetition once, each of a lease that reported."""
        farm = self.farm
        job = farm.wait_for_job(job_id)
        self.assertEqual(job["state"], "done", job)
        results = farm.cli("result", "list", "--job", job_id, "-o", "json").json["runs"]
        self.assertEqual(sorted(run["id"] for run in results), sorted(run["id"] for run in job["runs"]))
        plan = json.loads(farm.sql("SELECT spec FROM jobs WHERE id = ?", job_id)[0][0])
        for run in job["runs"]:
            self.assertEqual((run["state"], run["failure"]), ("done", None), run)
            if attempts is not None:
                self.assertEqual(run["attempts"], attempts, run)
            # Runs of a job on one device take turns: a lease for each repetition. Those that brought nothing are the failed attempts.
            leases = farm.sql("SELECT id, end_reason FROM leases WHERE run = ? ORDER BY id", run["id"])
            reported = [lease for lease, reason in leases if reason == "reported"]
            self.assertEqual(len(leases) - len(reported), run["attempts"] - 1, leases)
            self.assertEqual(leases[-1][1], "reported", leases)
            rows = farm.sql("SELECT repetition, lease FROM measurements WHERE run = ? ORDER BY repetition", run["id"])
            self.assertEqual([repetition for repetition, _ in rows], list(range(plan["repetitions"])))
            self.assertEqual(sorted({lease for _, lease in rows}), reported)
            self.assertEqual(farm.sql("SELECT count(*) FROM evaluations WHERE run = ?", run["id"]), [(1,)])
            self.assertEqual(farm.sql("SELECT count(*) FROM leases WHERE run = ? AND ended_wall_ms IS NULL", run["id"]),
                             [(0,)])
        return job

"""Damage on disk: flipped bits, a database of a newer version, no space left."""

import hashlib
import os
import resource
import signal
import sqlite3
import subprocess
import unittest

from farm import DEMO, FarmTest

MODEL = DEMO / "digits.onnx"
DATA = DEMO / "digits.npz"
DIGEST = hashlib.sha256(MODEL.read_bytes()).hexdigest()


def flip_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class FlippedBit(FarmTest):
    def start_farm(self):
        self.farm.start_coordinator()
        for name in ("sim-1", "sim-2"):
            self.farm.start_agent(name)
        self.farm.wait_for_devices("sim-1", "sim-2")
        self.check_once(self.farm.submit(on=["id=sim-1"]))

    def test_in_a_blob_of_the_coordinator_is_found_and_the_blob_is_sent_again(self):
        farm = self.farm
        self.start_farm()
        blob = farm.state / "artifacts" / "blobs" / DIGEST
        flip_bit(blob)
        # The coordinator has hashed it since its start, so the agent is the first to see it.
        answer = farm.cli("run", farm.job_file(on=["id=sim-2"]), "-o", "json")
        self.assertEqual(answer.code, 7, answer)
        failure = answer.json["runs"][0]["failure"]
        self.assertEqual((failure["class"], failure["stage"]), ("farm", "transferring"))
        self.assertIn(f"blob {DIGEST[:12]} has changed on disk", failure["message"])
        self.assertFalse((farm.folder / "sim-2" / "cache" / DIGEST).exists())

        # The agent's complaint made it look: the damaged copy is gone, and the next submission brings a good one.
        answer = farm.cli("submit", farm.job_file(on=["id=sim-2"]))
        self.assertEqual(answer.code, 0, answer)
        self.assertNotIn(" 0 B sent", answer.err)
        self.check_once(answer.out.strip())
        self.assertEqual(digest_of(blob), DIGEST)
        aside = list((farm.state / "artifacts" / "corrupt").glob(f"{DIGEST}-*"))
        self.assertEqual(len(aside), 1, aside)

    def test_in_the_cache_of_an_agent_is_found_at_the_first_use_and_the_blob_fetched_again(self):
        farm = self.farm
        self.start_farm()
        blob = farm.folder / "sim-1" / "cache" / DIGEST
        farm.stop("sim-1", signal.SIGTERM)
        flip_bit(blob)
        farm.restart("sim-1")
        self.check_once(farm.submit(on=["id=sim-1"]), attempts=1)
        self.assertEqual(digest_of(blob), DIGEST)


class NewerDatabase(FarmTest):
    def test_is_refused_and_left_alone(self):
        farm = self.farm
        farm.start_coordinator()
        farm.stop("coordinator", signal.SIGTERM)
        connection = sqlite3.connect(farm.state / "paddock.db")
        with connection:
            connection.execute("INSERT INTO schema_migrations VALUES (9999, 'from_the_future', 0)")
        connection.close()
        farm.start_coordinator(wait=False)
        self.assertEqual(farm.processes["coordinator"].wait(60), 1)
        log = farm.log("coordinator")
        for text in ("paddock.db", "newer", "9999"):
            self.assertIn(text, log)
        self.assertEqual(farm.sql("SELECT max(version) FROM schema_migrations"), [(9999,)])


class FullDisk(FarmTest):
    def mount(self, kib):
        folder = self.farm.folder / "small"
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", folder], capture_output=True,
                              text=True)
        if done.returncode != 0:
            self.skipTest(f"cannot mount a small disk: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder])
        return folder

    def leave_room(self, folder, size_bytes):
        disk = os.statvfs(folder)
        used_bytes = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        subprocess.run(["mount", "-o", f"remount,size={used_bytes + size_bytes}", folder], check=True)

    def make_room(self, folder):
        subprocess.run(["mount", "-o", "remount,size=50m", folder], check=True)

    def fill(self, folder, leave_bytes):
        """Takes all space of the disk but `leave_bytes`; the file to remove again."""
        filler = folder / "filler"
        free = int(subprocess.run(["stat", "-f", "-c", "%a %S", folder], capture_output=True, text=True,
                                  check=True).stdout.split()[0]) * 4096
        with open(filler, "wb") as out:
            out.write(bytes(max(0, free - leave_bytes)))
        return filler

    def test_an_upload_fails_by_name_and_works_when_there_is_room(self):
        farm = self.farm
        # A limit on file sizes stands in for the disk; Python leaves the signal ignored, so that writes fail.
        limit = MODEL.stat().st_size // 2
        farm.state = farm.folder / "limited"
        farm.start_coordinator(restore_signals=False)
        pid = farm.processes["coordinator"].pid
        farm.start_agent("sim-1")
        farm.wait_for_devices("sim-1")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        answer = farm.cli("run", farm.job_file())
        self.assertEqual(answer.code, 1, answer)
        self.assertIn("digits.onnx", answer.err)
        self.assertIn(str(farm.folder / "limited"), answer.err)
        self.assertEqual(farm.cli("job", "list").code, 0)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertIn(farm.cli("run", farm.job_file()).code, (0, 9))

    def test_of_the_coordinator_costs_no_acknowledged_job(self):
        farm = self.farm
        folder = self.mount(kib=2000)
        farm.state = folder / "coordinator"
        farm.start_coordinator()
        farm.start_agent("sim-1", options={"pace": "real", "load_ms": 6000})
        farm.wait_for_devices("sim-1")
        done = farm.submit()
        self.check_once(done)
        running = farm.submit()
        farm.wait_for_stage(running, "sim-1", "loading")
        filler = self.fill(folder, leave_bytes=0)

        refused = farm.cli("submit", farm.job_file())
        self.assertEqual(refused.code, 1, refused)
        self.assertIn("could not store the change", refused.err)
        self.assertIn(f"free space on the disk of the state folder {farm.state}", refused.err)
        farm.wait_for_log("coordinator", "could not store the change")
        farm.wait_for_log("sim-1", "is done")
        self.assertIsNone(farm.processes["coordinator"].poll())

        filler.unlink()
        self.check_once(running, attempts=1)
        self.check_once(farm.submit())
        self.assertEqual(len(farm.cli("job", "list", "-o", "json").json), 3)

    def test_while_preparing_ends_the_run_once_there_is_room_to_say_so(self):
        farm = self.farm
        folder = self.mount(kib=50_000)
        farm.state = folder / "coordinator"
        farm.start_coordinator()
        farm.start_agent("sim-1")
        farm.wait_for_devices("sim-1")
        # Enough for model, data and the job, not for the batches.
        self.leave_room(folder, MODEL.stat().st_size + DATA.stat().st_size + 65_536)
        job = farm.submit()
        farm.wait_for_log("coordinator", "could not store the change")
        self.assertEqual(farm.job(job)["state"], "running")
        follower = farm.follow("watch", job, "-o", "json")
        self.addCleanup(follower.kill)
        self.make_room(folder)
        answer = farm.finish(follower)
        run = answer.json["runs"][0]
        # The next try after there was room may have been the one that prepares.
        self.assertIn((answer.code, run["state"]), ((0, "done"), (9, "done"), (7, "failed")), answer)
        self.check_once(farm.submit())

    def test_of_an_agent_fails_the_run_by_name_and_the_next_one_runs(self):
        farm = self.farm
        folder = self.mount(kib=2000)
        farm.start_coordinator()
        farm.folder, home = folder, farm.folder
        farm.start_agent("sim-1")
        farm.folder = home
        farm.wait_for_devices("sim-1")
        filler = self.fill(folder, leave_bytes=20_000)
        answer = farm.cli("run", farm.job_file(), "-o", "json")
        self.assertEqual(answer.code, 7, answer)
        failure = answer.json["runs"][0]["failure"]
        self.assertEqual((failure["class"], failure["stage"]), ("farm", "transferring"))
        self.assertIn("No space left on device", failure["message"])
        self.assertIn(str(folder), failure["message"])
        filler.unlink()
        self.check_once(farm.submit())


if __name__ == "__main__":
    unittest.main()

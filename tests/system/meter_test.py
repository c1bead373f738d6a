"""Energy of a whole run: an agent whose meter is a fake of known power, in its own process or beside it.

The fakes know by themselves whether the device is busy, so that no test has to know when. What a loaded machine may do to a
meter is to be late: then the energy is missing with a code that says so, and the job is measured again.
"""

import os
import pty
import threading
import time
import tty
import unittest

from farm import ONNXRUNTIME, FarmTest, needs_onnxruntime

IDLE_W = 5.0
BUSY_W = 12.0
ENERGY_KPIS = ("energy_per_inference", "energy_net_per_inference", "power_mean", "power_idle", "inferences_per_joule",
               "energy_delay_product")
LATE = {"energy_gaps", "energy_coverage", "energy_resolution", "energy_edges"}
TRIES = 3

# A Raspberry Pi 5's power chip: 5 W when the first thread of the process that asks sleeps, 12 W when it computes, and a few mW
# up and down as real ones do. The 5 V input has no current and counts for nothing.
VCGENCMD = """#!/bin/sh
[ "$1" = pmic_read_adc ] || exit 2
[ -e "@FOLDER@/dead" ] && { echo "VCHI initialization failed" >&2; exit 255; }
read -r line < /proc/$PPID/stat
line="${line##*) }"
case "$line" in
  R*) core=2.20 ;;
  *) core=0.80 ;;
esac
echo "   VDD_CORE_A current(7)=${core}$(($$ % 7))A"
echo "   DDR_VDD2_A current(1)=1.00000000A"
echo "   VDD_CORE_V volt(15)=5.00000000V"
echo "   DDR_VDD2_V volt(9)=1.00000000V"
echo "   EXT5V_V volt(24)=5.15000000V"
"""
FEW_MW = 0.031  # 6 mA at 5 V


class Instrument:
    """Lines of time, current and voltage from a pseudo terminal, at 100 Hz and 12 W, until it is unplugged."""

    def __init__(self):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.plugged = True
        self.thread = threading.Thread(target=self.stream)
        self.thread.start()

    def stream(self):
        begin = time.monotonic()
        sent = 0
        while self.plugged:
            time.sleep(0.01)
            due = int((time.monotonic() - begin) * 100)
            while sent < due:
                sent += 1
                try:
                    os.write(self.master, f"{sent / 100:.2f},2.4,5.0\n".encode())
                except OSError:  # nobody listens
                    pass

    def unplug(self):
        if not self.plugged:
            return
        self.plugged = False
        self.thread.join()
        os.close(self.master)


class MeterTest(FarmTest):
    def start_farm(self, *meter):
        self.farm.start_coordinator()
        self.farm.start_agent("board-1", "onnxruntime", {"library": ONNXRUNTIME, "threads": 1}, more=meter)
        self.farm.wait_for_devices("board-1")

    def job(self, repetitions, min_duration_s):
        return self.farm.job_file(repetitions=repetitions, scenario={
            "kind": "single-stream", "min_duration_s": min_duration_s, "median_precision": 0, "tail_precision": 0,
            "warmup": {"min_inferences": 1, "min_s": 0.5}})

    def measure(self, job):
        """The run of the job on board-1, with energy unless the machine was too busy each time."""
        for _ in range(TRIES):
            answer = self.farm.cli("run", job, "-o", "json")
            self.assertIn(answer.code, (0, 9), answer)
            run = answer.json["runs"][0]
            if run["missing"].get("energy_per_inference") not in LATE:
                return run
        self.fail(f"the meter was late {TRIES} times: {run['missing']}, {run['reasons']}")

    def source_of(self, run):
        reasons = [reason for reason in run["reasons"] if reason["code"] == "ENERGY_SOURCE"]
        self.assertEqual(len(reasons), 1, run["reasons"])
        return reasons[0]

    def check_without_energy(self, run):
        self.assertEqual((run["state"], run["failure"]), ("done", None), run)
        for name in ENERGY_KPIS:
            self.assertNotIn(name, run["kpis"])
        for name in ("latency_p50", "throughput", "accuracy_top1"):
            self.assertIn(name, run["kpis"])

    def pmic(self):
        command = self.farm.folder / "vcgencmd"
        command.write_text(VCGENCMD.replace("@FOLDER@", str(self.farm.folder)))
        command.chmod(0o755)
        return ("--meter", "pmic", "--meter-option", f"command={command}", "--meter-option", "period_ms=120")


@needs_onnxruntime
class MeterOfTheBoard(MeterTest):
    def test_a_meter_of_the_board_gives_the_energy_of_its_own_window(self):
        self.start_farm(*self.pmic())
        run = self.measure(self.job(repetitions=2, min_duration_s=0.2))
        kpis = run["kpis"]
        for name in ENERGY_KPIS:
            self.assertIn(name, kpis, run["missing"])
            self.assertLessEqual(kpis[name]["lower"], kpis[name]["value"])
            self.assertLessEqual(kpis[name]["value"], kpis[name]["upper"])
        value = {name: kpis[name]["value"] for name in ENERGY_KPIS}
        # At each edge of the window at most one of its 100 or more readings is that of the other side.
        edges_w = 2 * (BUSY_W - IDLE_W) / 100
        self.assertAlmostEqual(value["power_mean"], BUSY_W, delta=edges_w + FEW_MW)
        self.assertAlmostEqual(value["power_idle"], IDLE_W, delta=edges_w + FEW_MW)
        net = value["energy_net_per_inference"] / value["energy_per_inference"]
        self.assertAlmostEqual(net, 1 - IDLE_W / BUSY_W, delta=2 * (edges_w + FEW_MW) / BUSY_W)

        reason = self.source_of(run)
        seen = reason["evidence"]["repetitions"]
        self.assertEqual(len(seen), 2, reason)
        for evidence in seen:
            self.assertEqual((evidence["source"], evidence["boundary"], evidence["kind"]), ("pmic", "soc-rails", "sampled"))
            self.assertEqual(evidence["rails"], ["DDR_VDD2", "VDD_CORE"])
            self.assertTrue(evidence["on_device"])
            self.assertGreaterEqual(evidence["coverage"], 0.95)
            self.assertGreaterEqual(evidence["window_s"], 10)
            self.assertAlmostEqual(evidence["rate_hz"], evidence["samples"] / evidence["window_s"], places=6)
            self.assertAlmostEqual(evidence["idle_w"], IDLE_W, delta=edges_w + FEW_MW)
            self.assertGreater(evidence["uncertainty_j"], 0)
        shown = self.farm.cli("result", "show", run["id"], "-o", "json").json
        stages = {stage["stage"] for stage in shown["waterfall"]}
        self.assertLessEqual({"load", "energy", "warm-up", "measured"}, stages)


@needs_onnxruntime
class MeterThatDies(MeterTest):
    def test_a_meter_of_the_board_that_fails_costs_the_energy_alone(self):
        self.start_farm(*self.pmic())
        job_id = self.farm.submit(repetitions=1)
        self.farm.wait_for_stage(job_id, "board-1", "energy")
        (self.farm.folder / "dead").touch()
        self.farm.wait_for_job(job_id)
        run = self.farm.cli("result", "list", "--job", job_id, "-o", "json").json["runs"][0]
        self.check_without_energy(run)
        self.assertIn(run["missing"]["energy_per_inference"], LATE | {"sensor_failed"})
        self.assertIn("VCHI initialization failed", self.source_of(run)["detail"])

        answer = self.farm.cli("run", self.job(repetitions=2, min_duration_s=0.2), "-o", "json")
        run = answer.json["runs"][0]
        self.check_without_energy(run)
        for name in ENERGY_KPIS:
            self.assertEqual(run["missing"][name], "sensor_failed")
        self.assertIn("VCHI initialization failed", self.source_of(run)["detail"])


@needs_onnxruntime
class MeterBesideTheBoard(MeterTest):
    def test_an_instrument_beside_the_board_watches_the_measured_window_until_it_is_unplugged(self):
        instrument = Instrument()
        self.addCleanup(instrument.unplug)
        self.start_farm("--meter", "joulescope", "--meter-option", f"port={instrument.port}", "--meter-option",
                        "rate_hz=100")
        run = self.measure(self.job(repetitions=1, min_duration_s=3))
        value = {name: kpi["value"] for name, kpi in run["kpis"].items()}
        self.assertAlmostEqual(value["power_mean"], BUSY_W, places=6)
        self.assertAlmostEqual(value["power_idle"], BUSY_W, places=6)
        self.assertAlmostEqual(value["energy_net_per_inference"], 0, delta=1e-6 * value["energy_per_inference"])
        evidence = self.source_of(run)["evidence"]["repetitions"][0]
        # So many joules make a whole number of inferences.
        self.assertGreaterEqual(evidence["window_s"], 3)
        inferences = BUSY_W * evidence["window_s"] / value["energy_per_inference"]
        self.assertAlmostEqual(inferences, round(inferences), delta=1e-6 * inferences)
        self.assertEqual((evidence["source"], evidence["boundary"]), ("joulescope", "external"))
        self.assertFalse(evidence["on_device"])
        self.assertGreaterEqual(evidence["samples"], 285)

        job_id = self.farm.cli("submit", self.job(repetitions=1, min_duration_s=10)).out.strip()
        self.farm.wait_for_stage(job_id, "board-1", "measuring")
        instrument.unplug()
        self.farm.wait_for_job(job_id)
        run = self.farm.cli("result", "list", "--job", job_id, "-o", "json").json["runs"][0]
        self.check_without_energy(run)
        self.assertIn(run["missing"]["energy_per_inference"], LATE | {"sensor_failed"})
        self.assertIn("the port has closed", self.source_of(run)["detail"])


class NoMeter(FarmTest):
    def refused(self, *meter):
        """What an agent says that ends at once."""
        self.farm.start_agent("board-1", more=meter)
        self.assertNotEqual(self.farm.processes["board-1"].wait(60), 0)
        return self.farm.log("board-1")

    def test_an_agent_whose_meter_is_not_there_says_so_at_its_start(self):
        log = self.refused("--meter", "joulescope", "--meter-option", "port=/dev/nothing")
        self.assertIn("paddock-agent: meter joulescope: joulescope at /dev/nothing: cannot be opened", log)
        self.assertRegex(log, "this machine has|no power sensor of this machine works")
        log = self.refused("--meter", "pmic", "--meter-option", "command=/nowhere/vcgencmd")
        self.assertIn("/nowhere/vcgencmd", log)
        log = self.refused("--meter", "ammeter")
        self.assertIn("there is no power meter 'ammeter'; there are: hwmon, pmic", log)

    def test_a_device_that_models_its_energy_takes_no_run_with_a_meter(self):
        instrument = Instrument()
        self.addCleanup(instrument.unplug)
        self.farm.start_coordinator()
        self.farm.start_agent("sim-1", more=("--meter", "joulescope", "--meter-option", f"port={instrument.port}"))
        self.farm.wait_for_log("sim-1", "models its device's time and energy; remove the meter")


if __name__ == "__main__":
    unittest.main()

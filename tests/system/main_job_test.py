"""The main job on real runtimes: what a newcomer sees first, and the answers that it has to give."""

import os
import unittest

from farm import DEMO, ONNXRUNTIME, SHARED, FarmTest, needs_onnxruntime

RUN_KEYS = {"id", "device", "driver", "variant", "state", "failure", "attempts", "verdict", "reasons", "kpis", "missing",
            "provenance"}
PROVENANCE_KEYS = {"model_sha256", "artifact_sha256", "data_sha256", "agent_version", "runtime", "options"}
CPU = max(os.sched_getaffinity(0))
KWS_MODEL = SHARED / "data" / "mlperf-tiny" / "kws_int8.onnx"
KWS_DATA = SHARED / "data" / "mlperf-tiny" / "kws01.npz"


@needs_onnxruntime
class MainJob(FarmTest):
    def start_farm(self):
        self.farm.start_coordinator()
        for threads in (1, 2):
            self.farm.start_agent(f"cpu-{threads}", "onnxruntime", {"library": ONNXRUNTIME, "threads": threads},
                                  shares=["host-cpu"], labels={"class": "cpu"},
                                  more=("--cpus", str(CPU)) if threads == 1 else ())
        self.farm.start_agent("sim-1", labels={"class": "board"})
        self.farm.wait_for_devices("cpu-1", "cpu-2", "sim-1")

    def check_contract(self, document):
        self.assertEqual(list(document)[:3], ["schema_version", "job", "runs"])
        self.assertEqual(document["schema_version"], 1)
        self.assertLessEqual({"id", "name", "state"}, set(document["job"]))
        for run in document["runs"]:
            self.assertLessEqual(RUN_KEYS, set(run))
            self.assertLessEqual(PROVENANCE_KEYS, set(run["provenance"]))
            self.assertEqual((run["state"], run["failure"], run["attempts"]), ("done", None, 1), run)
            self.assertIn(run["verdict"], ("valid", "degraded", "inconclusive", "invalid"))
            for reason in run["reasons"]:
                self.assertLessEqual({"code", "detail"}, set(reason))
            for name, kpi in run["kpis"].items():
                self.assertLessEqual({"value", "unit", "better"}, set(kpi), name)
                self.assertIn(kpi["unit"], ("s", "J", "W", "B", "1/s", "1", "cycles", "1/J", "J s", "K"), name)
                self.assertIn(kpi["better"], ("lower", "higher"), name)
                self.assertEqual("lower" in kpi, "upper" in kpi, name)
                if "lower" in kpi:
                    self.assertLessEqual(kpi["lower"], kpi["upper"], name)
                self.assertNotIn(name, run["missing"])
            for digest in ("model_sha256", "artifact_sha256", "data_sha256"):
                self.assertRegex(run["provenance"][digest], "^[0-9a-f]{64}$")

    def check_kpis_of_processor(self, run):
        kpis = {name: kpi["value"] for name, kpi in run["kpis"].items()}
        self.assertGreater(kpis["accuracy_top1"], 0.97, run["id"])
        self.assertGreaterEqual(kpis["accuracy_top5"], kpis["accuracy_top1"])
        order = [kpis[f"latency_{name}"] for name in ("min", "p50", "p90", "p99", "max")]
        self.assertEqual(order, sorted(order), run["id"])
        self.assertTrue(0 < order[0] and order[1] < 0.1, order)
        self.assertLess(kpis["throughput"], 1.05 / kpis["latency_min"])
        self.assertGreater(kpis["cold_start"], kpis["model_load"])
        self.assertGreater(kpis["peak_memory"], 1 << 20)
        self.assertIn("energy_per_inference", run["missing"])
        self.assertTrue(run["provenance"]["runtime"].startswith("onnxruntime "), run["provenance"])

    def test_the_demo_runs_on_two_processor_agents_and_a_simulated_board(self):
        self.start_farm()
        answer = self.farm.cli("run", DEMO / "digits.yaml", "--repetitions", 2, "-o", "json")
        self.assertIn(answer.code, (0, 9), answer)  # 9: a busy machine may cost a verdict, never a result
        self.assertNotIn("0 B sent", answer.err)
        document = answer.json
        self.check_contract(document)
        self.assertEqual(document["job"]["state"], "done")
        self.assertEqual(sorted((run["device"], run["variant"]) for run in document["runs"]),
                         [(device, variant) for device in ("cpu-1", "cpu-2", "sim-1") for variant in ("as-is", "int8")])
        self.check_once(document["job"]["id"], attempts=1)
        for run in document["runs"]:
            provenance = run["provenance"]
            if run["driver"] == "onnxruntime":
                self.check_kpis_of_processor(run)
                self.assertEqual(provenance["options"]["threads"], run["device"].removeprefix("cpu-"))
                if run["device"] == "cpu-1":
                    exported = self.farm.cli("result", "export", run["id"], "--raw", "--all").json
                    for record in exported["records"]:
                        self.assertEqual(record["environment"]["fingerprint"]["affinity"], str(CPU))
            else:
                self.assertEqual(run["missing"]["peak_memory"], "not_measured")
            changed = provenance["artifact_sha256"] != provenance["model_sha256"]
            self.assertEqual(changed, run["variant"] == "int8")

        # Devices that share the host's processor took turns.
        leases = self.farm.sql("SELECT granted_wall_ms, ended_wall_ms FROM leases WHERE device LIKE 'cpu-%' "
                               "ORDER BY granted_wall_ms, id")
        # Two devices, two variants, two repetitions, a lease each; what was prepared late found nobody to take turns with.
        self.assertIn(len(leases), range(4, 9))
        for (_, ended), (granted, _) in zip(leases, leases[1:]):
            self.assertLessEqual(ended, granted)

        again = self.farm.cli("submit", DEMO / "digits.yaml", "--on", "id=sim-1")
        self.assertEqual(again.code, 0, again)
        self.assertIn("0 B sent (the farm has the files)", again.err)

    @unittest.skipUnless(KWS_MODEL.exists(), f"{KWS_MODEL} is not there")
    def test_keyword_spotting_gets_902_of_1000_right(self):
        farm = self.farm
        farm.start_coordinator()
        farm.start_agent("cpu-1", "onnxruntime", {"library": ONNXRUNTIME, "threads": 1})
        farm.wait_for_devices("cpu-1")
        model = farm.cli("model", "inspect", KWS_MODEL, "-o", "json")
        self.assertEqual(model.code, 0, model)
        model_input = model.json["inputs"][0]["name"]
        job = farm.job_file(model=str(KWS_MODEL), data={
            "file": str(KWS_DATA), "inputs": {model_input: "x"}, "labels": "y",
            "preprocess": [{"dequantize": {"scale": 0.5847029089927673, "zero_point": 83}}]})
        answer = farm.cli("run", job, "-o", "json")
        self.assertIn(answer.code, (0, 9), answer)
        run = answer.json["runs"][0]
        self.assertEqual(run["kpis"]["accuracy_top1"]["value"], 0.902)
        self.check_contract(answer.json)
        self.check_once(answer.json["job"]["id"], attempts=1)


if __name__ == "__main__":
    unittest.main()

"""Budgets decide the exit code; runs are compared and repeated. On simulated boards."""

import unittest

from farm import DEMO, FarmTest

# Long enough that a window is not too short for a verdict.
SCENARIO = {"kind": "single-stream", "min_duration_s": 0.1, "warmup": {"min_inferences": 1, "min_s": 0}}


class BudgetCompareRerun(FarmTest):
    def start_farm(self):
        self.farm.start_coordinator()
        self.farm.start_agent("sim-1", options={"latency_us": 1000})
        self.farm.wait_for_devices("sim-1")

    def run_job(self, *flags, **changes):
        """A job of which every run is valid; a busy machine may cost a verdict, so it has some tries."""
        for _ in range(4):
            answer = self.farm.cli("run", self.farm.job_file(repetitions=5, task=None, **changes), *flags, "-o", "json")
            if answer.code != 9:
                return answer
        self.skipTest(f"no valid verdict on this machine: {answer}")

    def test_a_missed_budget_is_exit_code_3_and_a_met_one_is_0(self):
        self.start_farm()
        met = self.run_job("--budget", "latency_p50<=10s,artifact_size<=1GiB")
        self.assertEqual(met.code, 0, met)
        self.assertEqual([(b["kpi"], b["bound"], b["outcome"]) for b in met.json["runs"][0]["budgets"]],
                         [("artifact_size", "max", "met"), ("latency_p50", "max", "met")])
        missed = self.run_job(budgets={"latency_p50": {"max": 1e-9}, "peak_memory": {"max": 1}})
        self.assertEqual(missed.code, 3, missed)
        budgets = {budget["kpi"]: budget for budget in missed.json["runs"][0]["budgets"]}
        self.assertEqual(budgets["latency_p50"]["outcome"], "missed")
        self.assertEqual(budgets["peak_memory"]["outcome"], "undecidable")
        self.assertIn("missing", budgets["peak_memory"]["detail"])
        self.assertEqual(self.farm.cli("watch", missed.json["job"]["id"]).code, 3)
        shown = self.farm.cli("result", "show", missed.json["runs"][0]["id"])
        self.assertIn("latency_p50 <= 1.000 ns", shown.out)
        refused = self.farm.cli("run", self.farm.job_file(budgets={"latency_p9": {"max": 1}}))
        self.assertEqual(refused.code, 2, refused)
        self.assertIn("did you mean", refused.err)

    def test_runs_jobs_and_variants_are_compared_and_a_run_is_repeated(self):
        self.start_farm()
        first = self.run_job().json
        second = self.run_job().json
        run = first["runs"][0]["id"]
        for a, b in ((run, second["runs"][0]["id"]), (first["job"]["id"], second["job"]["id"]),
                     (first["job"]["id"] + "/as-is", second["job"]["id"] + ":as-is")):
            compared = self.farm.cli("compare", a, b, "-o", "json")
            self.assertEqual(compared.code, 0, compared)
            latency = next(row for row in compared.json["rows"] if row["kpi"] == "latency_p50")
            self.assertIn("Hodges-Lehmann", latency["effect"]["test"])
            self.assertLessEqual(latency["effect"]["lower"], latency["effect"]["value"])
            self.assertEqual({point["run"] for point in compared.json["pareto"]}, {run, second["runs"][0]["id"]})
        self.assertEqual(self.farm.cli("compare", first["job"]["id"] + "/nonsense", run).code, 5)

        rerun = self.farm.cli("result", "rerun", run, "-o", "json")
        self.assertIn(rerun.code, (0, 9), rerun)
        document = rerun.json
        self.assertEqual(document["rerun_of"], run)
        self.assertEqual(document["runs"][0]["rerun_of"], run)
        for digest in ("model_sha256", "artifact_sha256", "data_sha256"):
            self.assertEqual(document["runs"][0]["provenance"][digest], first["runs"][0]["provenance"][digest])
        places = {row["kpi"]: row["place"] for row in document["repeat"]}
        self.assertIn(places["latency_p50"], ("inside", "outside"))
        self.assertEqual(places["artifact_size"], "inside")
        self.assertEqual(self.farm.cli("result", "rerun", "r-4711").code, 5)

    def test_a_run_whose_model_is_gone_is_not_repeated(self):
        self.start_farm()
        run = self.run_job().json["runs"][0]
        model = run["provenance"]["model_sha256"]
        (self.farm.state / "artifacts" / "blobs" / model).unlink()
        answer = self.farm.cli("result", "rerun", run["id"])
        self.assertEqual(answer.code, 1, answer)
        self.assertIn(model, answer.err)

    def test_a_run_whose_variant_has_lost_its_own_model_is_not_repeated(self):
        self.start_farm()
        own = self.farm.folder / "own.onnx"
        own.write_bytes((DEMO / "digits.onnx").read_bytes() + b"\x12\x03own")  # another producer_name
        run = self.run_job(variants=[{"name": "own", "model": str(own), "steps": ["as-is"]}]).json["runs"][0]
        model = run["provenance"]["artifact_sha256"]
        self.assertNotEqual(model, run["provenance"]["model_sha256"])
        (self.farm.state / "artifacts" / "blobs" / model).unlink()
        answer = self.farm.cli("result", "rerun", run["id"])
        self.assertEqual(answer.code, 1, answer)
        self.assertIn("cannot be repeated: its variant's model", answer.err)
        self.assertIn(model, answer.err)


if __name__ == "__main__":
    unittest.main()

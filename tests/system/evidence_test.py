"""What a result rests on: distributions, raw exports and the waterfall of a run on a simulated board."""

import csv
import io
import json
import unittest

from farm import FarmTest


class Evidence(FarmTest):
    def setUp(self):
        super().setUp()
        self.farm.start_coordinator()
        self.farm.start_agent("sim-1")
        self.farm.wait_for_devices("sim-1")
        answer = self.farm.cli("run", self.farm.job_file(on=["id=sim-1"], repetitions=2), "-o", "json")
        self.assertIn(answer.code, (0, 9), answer)
        self.run_document = answer.json["runs"][0]
        self.run_id = self.run_document["id"]

    def ok(self, *arguments):
        answer = self.farm.cli(*arguments)
        self.assertEqual(answer.code, 0, answer)
        return answer

    def test_the_waterfall_tells_where_the_time_went(self):
        stages = self.run_document["waterfall"]
        names = [stage["stage"] for stage in stages]
        for name in ("prepare", "queue", "transfer", "load", "warm-up", "measured", "upload", "evaluate"):
            self.assertIn(name, names)
        self.assertEqual((names[0], names[-1]), ("prepare", "evaluate"))
        self.assertEqual({stage["repetition"] for stage in stages if stage["stage"] == "measured"}, {0, 1})
        self.assertGreater(next(stage["bytes"] for stage in stages if stage["stage"] == "transfer"), 0)
        for stage in stages:
            self.assertEqual(set(stage), {"stage", "repetition", "seconds", "bytes", "energy_j"})
            self.assertGreaterEqual(stage["seconds"], 0)
        self.assertIn("|", self.ok("result", "show", self.run_id).out)

    def test_a_distribution_is_drawn_and_merged_over_repetitions(self):
        both = self.ok("result", "show", self.run_id, "--distribution", "-o", "json").json
        one = self.ok("result", "show", self.run_id, "--distribution", "--repetition", 1, "-o", "json").json
        self.assertEqual(len(both["repetitions"]), 2)
        self.assertEqual([part["repetition"] for part in one["repetitions"]], [1])
        self.assertGreater(both["count"], one["count"])
        self.assertLessEqual(both["percentiles"]["min"], both["percentiles"]["p50"])
        text = self.ok("result", "show", self.run_id, "--distribution").out
        self.assertIn("100 % |", text)
        self.assertIn("p50", text)
        self.assertTrue(text.isascii())  # no terminal
        missing = self.farm.cli("result", "show", self.run_id, "--distribution", "--repetition", 9)
        self.assertEqual(missing.code, 5, missing)
        self.assertIn("no repetition 9", missing.err)

    def test_what_was_measured_is_exported_in_the_formats_of_other_tools(self):
        show = self.ok("result", "show", self.run_id, "--distribution", "-o", "json").json
        log = self.ok("result", "export", self.run_id, "--format", "hdr", "--all").out.splitlines()
        self.assertEqual(log[0], "#[Histogram log format version 1.3]")
        self.assertEqual([line.split(",")[3][:4] for line in log if line[0].isdigit()], ["HIST", "HIST"])

        rows = list(csv.DictReader(io.StringIO(
            self.ok("result", "export", self.run_id, "--raw", "--format", "csv", "--all").out)))
        self.assertEqual(sum(row["warmup"] == "0" for row in rows), show["count"])
        self.assertEqual({row["repetition"] for row in rows}, {"0", "1"})

        records = self.ok("result", "export", self.run_id, "--raw", "--all").json["records"]
        self.assertEqual([len(record["latency_ns"]) for record in records],
                         [sum(row["repetition"] == index for row in rows) for index in "01"])

        path = self.farm.folder / "trace.json"
        self.ok("result", "export", self.run_id, "--format", "perfetto", "--out", path)
        events = json.loads(path.read_text())["traceEvents"]
        self.assertEqual(sum(event["name"] == "inference" for event in events), show["count"])
        self.assertTrue(all(event["ts"] >= 0 for event in events if "ts" in event))
        self.assertFalse((self.farm.folder / "trace.json.part").exists())

        of_a_job = self.farm.cli("result", "export", "j-1", "--format", "hdr")
        self.assertEqual(of_a_job.code, 2, of_a_job)
        self.assertTrue(self.ok("result", "export", self.run_id, "--format", "csv", "--all").out.startswith("run,job,"))


if __name__ == "__main__":
    unittest.main()

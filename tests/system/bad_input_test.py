"""Bad input: an exact exit code and a message that names the thing, the place and the next step."""

import struct
import unittest

from farm import BIN, DEMO, Farm, npy, write_npz

LABELS = npy("<i8", (4,), struct.pack("<4q", 0, 1, 2, 3))


def zeros(type_code, size, *shape):
    count = 1
    for dimension in shape:
        count *= dimension
    return npy(type_code, shape, bytes(size * count))


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.farm = Farm()
        cls.addClassCleanup(cls.farm.close, print_logs=False)
        cls.farm.start_coordinator()
        cls.farm.start_agent("sim-1", labels={"class": "board"})
        cls.farm.wait_for_devices("sim-1")

    def refused(self, code, texts, *arguments):
        answer = self.farm.cli(*arguments)
        self.assertEqual(answer.code, code, answer)
        self.assertEqual(answer.out, "", answer)
        for text in texts:
            self.assertIn(text, answer.err)

    def refused_job(self, *texts, **changes):
        path = self.farm.job_file(**changes)
        before = len(self.farm.cli("job", "list", "-o", "json").json)
        self.refused(2, texts, "run", path)
        self.assertEqual(len(self.farm.cli("job", "list", "-o", "json").json), before, "a refused job was kept")

    def data(self, arrays=None, content=None, **changes):
        data = {"file": str(DEMO / "digits.npz"), "inputs": {"image": "x"}, "labels": "y",
                "preprocess": [{"cast": {"to": "float32"}}]}
        if arrays is not None or content is not None:
            path = self.farm.folder / f"{self.id().rpartition('.')[2]}.npz"
            write_npz(path, arrays) if content is None else path.write_bytes(content)
            data["file"] = str(path)
        data.update(changes)
        return {key: value for key, value in data.items() if value is not None}

    # ---- the job file

    def test_unknown_key(self):
        self.refused_job("repetitons: unknown key; did you mean 'repetitions'?", repetitons=3)

    def test_unknown_key_inside(self):
        self.refused_job("data.sample: unknown key; did you mean 'samples'?", data=self.data(sample=3))

    def test_wrong_type(self):
        self.refused_job("repetitions: must be an integer", 'not "three"', repetitions="three")

    def test_unknown_variant(self):
        self.refused_job("variants[0].name: there is no variant 'int3'", "known are as-is, optimize",
                         variants=[{"name": "int3"}])

    def test_selector_that_matches_nothing_lists_the_labels(self):
        self.refused_job('on[0]: "class=gpu" matches no known device', "arch=simulated", "class=board", "id=sim-1",
                         on=["class=gpu"])

    def test_selector_that_is_none(self):
        self.refused_job('on[0]: "class" is no selector', "key=value", on=["class"])

    def test_missing_files(self):
        self.refused_job("nope.onnx", "No such file", "check the path", model="nope.onnx")
        self.refused_job("nope.npz", "No such file", "check the path", data=self.data(file="nope.npz"))

    # ---- data

    def test_wrong_shape(self):
        self.refused_job("data.inputs.image: a sample of array 'x' has the shape [64]", "wants [1,8,8]",
                         "add the step {reshape: {shape: [1,8,8]}}",
                         data=self.data({"x": zeros("<f4", 4, 4, 64), "y": LABELS}))

    def test_wrong_shape_that_no_reshape_mends(self):
        self.refused_job("has the shape [63]", "wants [1,8,8]",
                         data=self.data({"x": zeros("<f4", 4, 4, 63), "y": LABELS}))

    def test_wrong_dtype(self):
        self.refused_job("data.inputs.image: array 'x' is float64, and the model wants float32",
                         "add the step {cast: {to: float32}}",
                         data=self.data({"x": zeros("<f8", 8, 4, 1, 8, 8), "y": LABELS}, preprocess=[]))

    def test_missing_labels(self):
        self.refused_job("data.labels: the task classification needs labels", "uint8 x[500,1,8,8], int64 y[500]",
                         data=self.data(labels=None))
        self.refused_job("data.labels: ", "has no array 'z'", "int64 y[500]", data=self.data(labels="z"))

    def test_empty_data(self):
        self.refused_job("array 'x' has no samples", "give a data file that is not empty",
                         data=self.data({"x": zeros("<f4", 4, 0, 1, 8, 8), "y": npy("<i8", (0,), b"")}))
        self.refused_job("is empty; save it anew", data=self.data(content=b""))

    def test_truncated_data(self):
        whole = (DEMO / "digits.npz").read_bytes()
        self.refused_job("truncated_data.npz", "truncated or damaged, save it anew",
                         data=self.data(content=whole[:len(whole) // 2]))

    def test_data_with_a_flipped_bit(self):
        damaged = bytearray((DEMO / "digits.npz").read_bytes())
        damaged[len(damaged) // 2] ^= 16
        self.refused_job("flipped_bit.npz", "damaged", data=self.data(content=bytes(damaged)))

    # ---- model

    def test_truncated_model(self):
        model = self.farm.folder / "half.onnx"
        whole = (DEMO / "digits.onnx").read_bytes()
        model.write_bytes(whole[:len(whole) // 2])
        self.refused_job("model: model file", "half.onnx", "export it to .onnx anew", model=str(model))

    def test_model_that_is_none(self):
        model = self.farm.folder / "junk.onnx"
        model.write_bytes(b"this is no model\n" * 10)
        self.refused_job("junk.onnx", "not an ONNX model", model=str(model))

    def test_model_whose_inputs_the_data_lacks(self):
        self.refused_job("data.inputs.image: ", "has no array 'x'", "float32 z[4,1,8,8]",
                         data=self.data({"z": zeros("<f4", 4, 4, 1, 8, 8), "y": LABELS}))
        self.refused_job("data.inputs.img: the model has no input 'img'; its inputs are float32 image[?,1,8,8]",
                         data=self.data(inputs={"img": "x"}))

    def test_option_that_the_device_lacks(self):
        answer = self.farm.cli("run", self.farm.job_file(variants=[{"name": "as-is", "threads": 2}]), "-o", "json")
        self.assertEqual(answer.code, 6, answer)
        failure = answer.json["runs"][0]["failure"]
        self.assertEqual(failure["class"], "job")
        self.assertIn("no runtime option 'threads'; leave it out of the variant or select other devices",
                      failure["message"])

    # ---- names and addresses

    def test_unknown_ids(self):
        for arguments, text in ((("job", "show", "j-99"), "`paddock job list` shows the latest"),
                                (("watch", "j-99"), "`paddock job list` shows the latest"),
                                (("cancel", "j-99"), "`paddock job list` shows the latest"),
                                (("result", "show", "r-99"), "`paddock result list` shows the latest"),
                                (("result", "export", "j-99"), "`paddock job list` shows the latest"),
                                (("device", "show", "d-99"), "`paddock device list` shows all")):
            with self.subTest(arguments):
                self.refused(5, (f"'{arguments[-1]}'", text), *arguments)

    def test_no_server(self):
        away = Farm()
        self.addCleanup(away.close, print_logs=False)
        for arguments in (("job", "list"), ("submit", self.farm.job_file())):
            answer = away.cli(*arguments)
            self.assertEqual(answer.code, 7, answer)
            for text in (f"cannot reach the coordinator at {away.server}", "is paddockd running?", "--server"):
                self.assertIn(text, answer.err)

    # ---- starting a coordinator

    def start_another(self, *options):
        self.farm.start("another", [BIN / "paddockd", *options])
        return self.farm.processes["another"].wait(60), self.farm.log("another")

    def test_port_in_use(self):
        code, log = self.start_another("--listen", self.farm.server, "--http", "off", "--state", self.farm.folder / "p")
        self.assertEqual(code, 1, log)
        self.assertIn(f"cannot listen on {self.farm.server}: the port is in use", log)
        self.assertIn("choose another --listen", log)

    def test_http_port_in_use(self):
        code, log = self.start_another("--listen", "127.0.0.1:0", "--http", self.farm.server, "--state",
                                       self.farm.folder / "h")
        self.assertEqual(code, 1, log)
        self.assertIn(f"cannot listen on {self.farm.server} for HTTP: Address already in use", log)
        self.assertIn("choose another --http", log)

    def test_address_that_others_can_reach(self):
        for option, address in (("--listen", "0.0.0.0:0"), ("--http", "[::]:0")):
            code, log = self.start_another(option, address, "--state", self.farm.folder / "i")
            self.assertEqual(code, 2, log)
            self.assertIn(f"'{address}' can be reached from other machines", log)
            self.assertIn("--insecure", log)

    def test_state_folder_of_another_coordinator(self):
        code, log = self.start_another("--listen", "127.0.0.1:0", "--http", "off", "--state", self.farm.state)
        self.assertEqual(code, 1, log)
        self.assertIn(f"another paddockd uses {self.farm.state}", log)
        self.assertEqual(self.farm.cli("job", "list").code, 0)


if __name__ == "__main__":
    unittest.main()

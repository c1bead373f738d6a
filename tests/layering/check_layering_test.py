#!/usr/bin/python3
"""Breaks every rule of check_layering.py once, in a tree of its own, and expects each to be named with file and line."""

import pathlib
import tempfile
import unittest

import check_layering

FORBIDDEN = [
    ("base/clock.cc", "kpi/catalog.h"),
    ("base/clock.cc", "grpcpp/grpcpp.h"),
    ("kpi/verdict.cc", "device_drivers/api/driver.h"),
    ("kpi/verdict.cc", "sqlite3.h"),
    ("boards/probes.cc", "kpi/tensor.h"),
    ("device_drivers/mcu/flasher.cc", "device_drivers/registry.h"),
    ("device_drivers/simulated/simulated_driver.cc", "boards/probes.h"),
    ("device_drivers/api/driver.h", "device_drivers/simulated/simulated_driver.h"),
    ("device_drivers/api/driver.h", "device_drivers/registry.h"),
    ("device_drivers/simulated/simulated_driver.cc", "device_drivers/onnxruntime/ort_library.h"),
    ("device_drivers/simulated/simulated_driver.cc", "device_drivers/registry.h"),
    ("device_drivers/simulated/simulated_driver.cc", "agent/runner.h"),
    ("device_drivers/registry.cc", "agent/runner.h"),
    ("device_drivers/meters_registry.cc", "device_drivers/simulated/simulated_driver.h"),
    ("device_drivers/meters/nvml_meter.cc", "device_drivers/simulated/simulated_driver.h"),
    ("device_drivers/simulated/simulated_driver.cc", "device_drivers/meters/nvml_meter.h"),
    ("agent/runner.cc", "device_drivers/meters/nvml_meter.h"),
    ("prepare/recipe.cc", "device_drivers/onnxruntime/onnxruntime_driver.h"),
    ("prepare/recipe.cc", "server/core/coordinator.h"),
    ("agent/runner.cc", "device_drivers/onnxruntime/ort_library.h"),
    ("agent/runner.cc", "server/core/farm.h"),
    ("agent/runner.cc", "paddock/v1/agent.pb.h"),
    ("server/core/coordinator.cc", "server/store/store.h"),
    ("server/core/coordinator.cc", "paddock/v1/job.grpc.pb.h"),
    ("server/store/store.cc", "server/rpc/job_service.h"),
    ("server/store/store.h", "sqlite3.h"),
    ("server/store/store.cc", "grpcpp/grpcpp.h"),
    ("server/artifacts/blob_store.cc", "server/store/store.h"),
    ("server/artifacts/blob_store.cc", "paddock/v1/artifact.pb.h"),
    ("server/rpc/job_service.cc", "sqlite3.h"),
    ("server/rpc/job_service.cc", "agent/runner.h"),
    ("server/settings.cc", "device_drivers/registry.h"),
    ("cli/run_command.cc", "server/core/farm.h"),
    ("cli/run_command.cc", "tests/fakes/fake_clock.h"),
]

ALLOWED = [
    ("base/clock.cc", "base/clock.h"),
    ("kpi/verdict.cc", "base/status.h"),
    ("device_drivers/simulated/simulated_driver.cc", "device_drivers/api/driver.h"),
    ("device_drivers/simulated/simulated_driver.cc", "device_drivers/simulated/fault_script.h"),
    ("device_drivers/registry.cc", "device_drivers/simulated/simulated_driver.h"),
    ("prepare/recipe.cc", "device_drivers/onnxruntime/ort_library.h"),
    ("device_drivers/meters_registry.cc", "device_drivers/meters_registry.h"),
    ("device_drivers/meters_registry.cc", "device_drivers/meters/nvml_meter.h"),
    ("device_drivers/meters/nvml_meter.cc", "device_drivers/api/power_meter.h"),
    ("device_drivers/mcu/flasher.cc", "boards/probes.h"),
    ("agent/runner.cc", "boards/probes.h"),
    ("agent/runner.cc", "device_drivers/registry.h"),
    ("agent/runner.cc", "device_drivers/meters_registry.h"),
    ("agent/link_grpc.cc", "paddock/v1/agent.grpc.pb.h"),
    ("server/store/store.cc", "sqlite3.h"),
    ("server/store/store.cc", "server/core/ports.h"),
    ("server/rpc/job_service.cc", "paddock/v1/job.grpc.pb.h"),
    ("server/rpc/job_service.cc", "server/store/store.h"),
    ("cli/run_command.cc", "paddock/v1/job.grpc.pb.h"),
    ("cli/run_command.cc", "onnx/checker.h"),
]


def findings(path, included):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, path)
        file.parent.mkdir(parents=True)
        file.write_text(f"// A file.\n\n#include <{included}>\n", encoding="utf-8")
        return list(check_layering.violations(pathlib.Path(folder)))


class CheckLayeringTest(unittest.TestCase):
    def test_names_file_line_and_rule_of_what_is_forbidden(self):
        for path, included in FORBIDDEN:
            with self.subTest(path=path, included=included):
                found = findings(path, included)
                self.assertEqual(len(found), 1)
                self.assertRegex(found[0], rf"^{path}:3: includes {included}: .*\bmay\b")

    def test_lets_pass_what_is_allowed(self):
        for path, included in ALLOWED:
            with self.subTest(path=path, included=included):
                self.assertEqual(findings(path, included), [])

    def test_every_rule_is_broken_by_an_example(self):
        for folder, _ in check_layering.RULES:
            with self.subTest(folder=folder):
                self.assertTrue(any(path.startswith(folder) for path, _ in FORBIDDEN))


if __name__ == "__main__":
    unittest.main()

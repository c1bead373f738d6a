// A farm of one device, one job and two runs, for the tests of this folder.
#pragma once

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "server/store/store.h"
#include "server/store/store_reader.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {

inline DeviceRecord MakeDevice(const std::string& id = "board-1") {
  DeviceRecord device;
  device.id = DeviceId(id);
  device.instance = AgentInstanceId("instance");
  device.agent_version = "0.1.0";
  device.description.driver = "simulated";
  device.description.labels = {{"class", "board"}};
  device.drivers = {{"simulated", "a model of a board", {{"seed", "of everything random"}}}};
  device.last_seen_wall_ms = 1'000;
  return device;
}

inline Run MakeRun(std::uint64_t number, const std::string& job, const std::string& device = "board-1") {
  Run run;
  run.id = RunId("r-" + std::to_string(number));
  run.job = JobId(job);
  run.device = DeviceId(device);
  return run;
}

inline Job MakeJob(std::uint64_t number, std::vector<RunId> runs, const std::string& key = "") {
  Job job;
  job.id = JobId("j-" + std::to_string(number));
  job.sequence = number;
  job.idempotency_key = key;
  job.spec.name = "nightly";
  job.spec.model = Sha256::Of("model");
  job.spec.data = Sha256::Of("data");
  job.spec.variants = {{"as-is", {}, {}}};
  job.spec.selectors = {"all"};
  job.submitted_wall_ms = 2'000;
  job.runs = std::move(runs);
  return job;
}

struct StoreFixture {
  TempDir folder;
  std::string path = folder / "paddock.db";
  std::unique_ptr<SqliteStore> store = Open();

  std::unique_ptr<SqliteStore> Open() const {
    auto opened = SqliteStore::Open(path);
    REQUIRE(opened.ok());
    return std::move(opened).value();
  }
  void Reopen() {
    store.reset();
    store = Open();
  }
  std::unique_ptr<StoreReader> Reader() const {
    auto opened = StoreReader::Open(path);
    REQUIRE(opened.ok());
    return std::move(opened).value();
  }
  // Job j-1 with the runs r-1 on board-1 and r-2 on board-2.
  void InsertJob() {
    REQUIRE(store->UpsertDevice(MakeDevice("board-1")).ok());
    REQUIRE(store->UpsertDevice(MakeDevice("board-2")).ok());
    const Run first = MakeRun(1, "j-1", "board-1");
    const Run second = MakeRun(2, "j-1", "board-2");
    REQUIRE(store->InsertJob(MakeJob(1, {first.id, second.id}, "key"), {first, second}).ok());
  }
};

}  // namespace paddock

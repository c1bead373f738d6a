#include "tests/rpc/farm_fixture.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kpi/histogram.h"
#include "kpi/run_plan.h"
#include "kpi/run_record.h"

namespace paddock {
namespace {

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::string SomeRecord() {
  RepetitionRecord record;
  record.runtime = "test 1";
  record.clock = "simulated";
  for (std::uint64_t i = 0; i < 100; ++i) {
    record.queries.start_offset_ns.push_back(i * 1'000'000);
    record.queries.latency_ns.push_back(1'000'000);
  }
  record.window_ns = 100'000'000;
  return EncodeRepetition(record);
}

v1::SubmitJobRequest DigitsJob(FarmFixture& farm) {
  const std::string demo = std::string(PADDOCK_SOURCE_DIR) + "/deploy/demo/";
  v1::SubmitJobRequest request;
  v1::JobSpec& spec = *request.mutable_spec();
  spec.set_name("digits");
  spec.set_model("digits.onnx");
  spec.mutable_data()->set_file("digits.npz");
  (*spec.mutable_data()->mutable_inputs())["image"] = "x";
  spec.mutable_data()->set_labels("y");
  spec.mutable_data()->set_samples(20);
  spec.mutable_data()->add_preprocess()->mutable_cast()->set_to("float32");
  spec.add_on("all");
  spec.set_repetitions(1);
  spec.mutable_scenario()->set_min_duration_s(0.01);
  (*request.mutable_files())["digits.onnx"] = farm.Put(FileBytes(demo + "digits.onnx")).hex();
  (*request.mutable_files())["digits.npz"] = farm.Put(FileBytes(demo + "digits.npz")).hex();
  return request;
}

grpc::Status Submit(FarmFixture& farm, const v1::SubmitJobRequest& request, v1::SubmitJobResponse* response) {
  grpc::ClientContext context;
  return farm.jobs->SubmitJob(&context, request, response);
}

v1::Assignment NextAssignment(ScriptedAgent& agent) {
  while (const auto message = agent.Read()) {
    if (message->has_assignment()) return message->assignment();
  }
  FAIL("the session ended before a run was assigned");
  return {};
}

std::string FetchRecord(FarmFixture& farm, const std::string& run, std::uint32_t repetition,
                        grpc::Status* status = nullptr) {
  grpc::ClientContext context;
  v1::GetRecordRequest request;
  request.set_run_id(run);
  request.set_repetition(repetition);
  const auto reader = farm.results->GetRecord(&context, request);
  std::string bytes;
  v1::RecordChunk chunk;
  while (reader->Read(&chunk)) bytes += chunk.data();
  const grpc::Status ended = reader->Finish();
  if (status != nullptr) *status = ended;
  return bytes;
}

v1::JobStatus WatchToEnd(FarmFixture& farm, const std::string& job) {
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_job_id(job);
  const auto reader = farm.jobs->WatchJob(&context, request);
  v1::JobStatus status;
  while (reader->Read(&status)) {
  }
  REQUIRE(reader->Finish().ok());
  return status;
}

}  // namespace

TEST_CASE_METHOD(FarmFixture, "a job goes from its submission over an agent's report to a judged result",
                 "[rpc]") {
  ScriptedAgent agent(*this, "board-1", "instance-a");
  REQUIRE(agent.Greet());
  v1::SubmitJobResponse submitted;
  REQUIRE(Submit(*this, DigitsJob(*this), &submitted).ok());
  const v1::Assignment assignment = NextAssignment(agent);
  const auto plan = DecodeRunPlan(assignment.plan_json());
  REQUIRE(plan.ok());
  CHECK(plan->run_id == assignment.run_id());
  CHECK(plan->sample_count == 20);
  CHECK(agent.Report(assignment, SomeRecord(), 2).code() == 0);

  CHECK(WatchToEnd(*this, submitted.job_id()).state() == "done");
  grpc::ClientContext context;
  v1::GetResultRequest request;
  request.set_run_id(assignment.run_id());
  v1::RunResult result;
  REQUIRE(results->GetResult(&context, request, &result).ok());
  CHECK(result.kpis().at("latency_p50").value() == Approx(0.001));
  CHECK(result.provenance().plan_json() == assignment.plan_json());
  CHECK(result.repetitions_size() == 1);

  CHECK_FALSE(result.repetitions(0).record_gone());
  CHECK(result.repetitions(0).record_expires_wall_ms() == 0);  // it is small and stays
  CHECK(result.waterfall(0).stage() == "prepare");
  CHECK(FetchRecord(*this, assignment.run_id(), 0) == SomeRecord());
  grpc::Status refused;
  FetchRecord(*this, assignment.run_id(), 7, &refused);
  CHECK(refused.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(refused.error_message().find("no repetition 7") != std::string::npos);
  grpc::ClientContext asking;
  v1::GetDistributionRequest which;
  which.set_run_id(assignment.run_id());
  v1::Distribution distribution;
  REQUIRE(results->GetDistribution(&asking, which, &distribution).ok());
  REQUIRE(distribution.entries_size() == 1);
  const auto histogram = Histogram::Decode(distribution.entries(0).histogram());
  REQUIRE(histogram.ok());
  CHECK(histogram->total_count() == 100);

  SECTION("a report that is sent again because its answer was lost is stored once") {
    const v1::ReportAnswer again = agent.Report(assignment, SomeRecord(), 3);
    CHECK((again.code() == 0 || again.code() == static_cast<unsigned>(StatusCode::kFailedPrecondition)));
    grpc::ClientContext second;
    v1::RunResult same;
    REQUIRE(results->GetResult(&second, request, &same).ok());
    CHECK(same.repetitions_size() == 1);
  }
}

TEST_CASE_METHOD(FarmFixture, "a large record that expired is said to be, and the histogram stays", "[rpc]") {
  raw_retention_days = 0;
  Restart();
  ScriptedAgent agent(*this, "board-1", "instance-a");
  REQUIRE(agent.Greet());
  v1::SubmitJobResponse submitted;
  REQUIRE(Submit(*this, DigitsJob(*this), &submitted).ok());
  const v1::Assignment assignment = NextAssignment(agent);
  const Digest blob = Put(SomeRecord());
  v1::AgentMessage message;
  message.set_id(2);
  v1::RunReport& report = *message.mutable_report();
  report.set_run_id(assignment.run_id());
  report.set_lease(assignment.lease());
  report.set_outcome("done");
  report.add_repetitions()->set_record_sha256(blob.hex());
  v1::StageTime& stage = *report.add_stages();
  stage.set_stage("measured");
  stage.set_repetition(0);
  stage.set_seconds(0.1);
  REQUIRE(agent.Write(message));
  CHECK(WatchToEnd(*this, submitted.job_id()).state() == "done");
  CHECK(FetchRecord(*this, assignment.run_id(), 0) == SomeRecord());

  // As the garbage collection does when space is needed.
  REQUIRE(std::filesystem::remove(state / "coordinator/artifacts/blobs" + "/" + blob.hex()));
  Restart();
  grpc::Status refused;
  CHECK(FetchRecord(*this, assignment.run_id(), 0, &refused).empty());
  CHECK(refused.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(refused.error_message().find("expired on 2") != std::string::npos);
  grpc::ClientContext context;
  v1::GetResultRequest request;
  request.set_run_id(assignment.run_id());
  v1::RunResult result;
  REQUIRE(results->GetResult(&context, request, &result).ok());
  CHECK(result.repetitions(0).record_gone());
  CHECK(result.repetitions(0).record_expires_wall_ms() > 0);
  const auto measured = std::find_if(result.waterfall().begin(), result.waterfall().end(),
                                     [](const v1::StageTime& entry) { return entry.stage() == "measured"; });
  REQUIRE(measured != result.waterfall().end());
  CHECK(measured->seconds() == 0.1);
  CHECK_FALSE(measured->has_energy_j());
  grpc::ClientContext asking;
  v1::GetDistributionRequest which;
  which.set_run_id(assignment.run_id());
  v1::Distribution distribution;
  REQUIRE(results->GetDistribution(&asking, which, &distribution).ok());
  CHECK(distribution.entries_size() == 1);
}

TEST_CASE_METHOD(FarmFixture, "a report under a lease that is not the current one is refused", "[rpc]") {
  ScriptedAgent agent(*this, "board-1", "instance-a");
  REQUIRE(agent.Greet());
  v1::SubmitJobResponse submitted;
  REQUIRE(Submit(*this, DigitsJob(*this), &submitted).ok());
  v1::Assignment forged = NextAssignment(agent);
  forged.set_lease(forged.lease() + 1);
  CHECK(agent.Report(forged, SomeRecord(), 2).code() ==
        static_cast<unsigned>(StatusCode::kFailedPrecondition));
}

TEST_CASE_METHOD(FarmFixture,
                 "a running run survives a restart of the coordinator and is reported under its lease",
                 "[rpc]") {
  v1::SubmitJobResponse submitted;
  v1::Assignment assignment;
  {
    ScriptedAgent agent(*this, "board-1", "instance-a");
    REQUIRE(agent.Greet());
    REQUIRE(Submit(*this, DigitsJob(*this), &submitted).ok());
    assignment = NextAssignment(agent);
    server.reset();
    CHECK_FALSE(agent.Read());
    CHECK(agent.Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  }
  Start();
  ScriptedAgent agent(*this, "board-1", "instance-a");
  v1::HeldLease& held = *agent.hello().add_held();
  held.set_run_id(assignment.run_id());
  held.set_lease(assignment.lease());
  const auto welcome = agent.Greet();
  REQUIRE(welcome);
  CHECK(welcome->revoked().empty());
  CHECK(agent.Report(assignment, SomeRecord(), 2).code() == 0);
  CHECK(WatchToEnd(*this, submitted.job_id()).runs(0).attempts() == 1);
}

TEST_CASE_METHOD(FarmFixture, "a device that another living agent holds is refused by name", "[rpc]") {
  ScriptedAgent first(*this, "board-1", "instance-a");
  REQUIRE(first.Greet());
  ScriptedAgent second(*this, "board-1", "instance-b");
  CHECK_FALSE(second.Greet());
  const grpc::Status status = second.Finish();
  CHECK(status.error_code() == grpc::StatusCode::ALREADY_EXISTS);
  CHECK(status.error_message().find("board-1") != std::string::npos);
}

TEST_CASE_METHOD(FarmFixture, "greetings that make no sense end the session with the reason", "[rpc]") {
  ScriptedAgent agent(*this, "board-1", "instance-a");
  grpc::StatusCode expected = grpc::StatusCode::INVALID_ARGUMENT;
  SECTION("another protocol version") {
    agent.hello().set_protocol_version(99);
    expected = grpc::StatusCode::FAILED_PRECONDITION;
  }
  SECTION("a device id that is not one") { agent.hello().set_device_id("../board"); }
  SECTION("no instance") { agent.hello().clear_instance_id(); }
  CHECK_FALSE(agent.Greet());
  CHECK(agent.Finish().error_code() == expected);
}

TEST_CASE_METHOD(FarmFixture, "a submit that is sent twice with one key makes one job", "[rpc]") {
  ScriptedAgent agent(*this, "board-1", "instance-a");
  REQUIRE(agent.Greet());
  v1::SubmitJobRequest request = DigitsJob(*this);
  request.set_idempotency_key("key");
  v1::SubmitJobResponse first;
  v1::SubmitJobResponse second;
  REQUIRE(Submit(*this, request, &first).ok());
  REQUIRE(Submit(*this, request, &second).ok());
  CHECK(first.job_id() == second.job_id());
  CHECK(first.run_ids_size() == second.run_ids_size());
}

TEST_CASE_METHOD(FarmFixture, "a job that cannot run is refused before anything is queued, naming the field",
                 "[rpc]") {
  ScriptedAgent agent(*this, "board-1", "instance-a");
  REQUIRE(agent.Greet());
  v1::SubmitJobRequest request = DigitsJob(*this);
  v1::JobSpec& spec = *request.mutable_spec();
  std::string named;
  SECTION("a variant that is not known") {
    spec.add_variants()->set_name("optimise");
    named = "variants[0].name";
  }
  SECTION("a selector that matches nothing") {
    spec.set_on(0, "class=gpu");
    named = "class=board";
  }
  SECTION("a selector that is none") {
    spec.set_on(0, "gpu");
    named = "on[0]";
  }
  SECTION("labels that are not in the file") {
    spec.mutable_data()->set_labels("z");
    named = "'z'";
  }
  SECTION("a type that does not fit") {
    spec.mutable_data()->clear_preprocess();
    named = "uint8";
  }
  SECTION("more samples than there are") {
    spec.mutable_data()->set_samples(1'000'000);
    named = "samples";
  }
  SECTION("a scenario that is none") {
    spec.mutable_scenario()->set_kind("burst");
    named = "scenario.kind";
  }
  SECTION("a server without rate or limit") {
    spec.mutable_scenario()->set_kind("server");
    named = "scenario.target_rate_hz: is missing";
  }
  SECTION("a percentile of no search") {
    spec.mutable_scenario()->set_kind("server");
    spec.mutable_scenario()->set_target_rate_hz(10);
    spec.mutable_scenario()->set_latency_percentile(0.9);
    named = "scenario.latency_percentile: belongs to scenario.latency_limit_s";
  }
  SECTION("a period of a closed loop") {
    spec.mutable_scenario()->set_period_s(0.1);
    named = "scenario.period_s";
  }
  SECTION("a file that was not uploaded") {
    (*request.mutable_files())["digits.onnx"] = Sha256::Of("never sent").hex();
    named = "model";
  }
  SECTION("a duration that is not a number") {
    spec.mutable_scenario()->set_min_duration_s(std::numeric_limits<double>::quiet_NaN());
    named = "scenario.min_duration_s";
  }
  v1::SubmitJobResponse response;
  const grpc::Status status = Submit(*this, request, &response);
  CHECK_FALSE(status.ok());
  INFO(status.error_message());
  CHECK(status.error_message().find(named) != std::string::npos);
  grpc::ClientContext context;
  v1::ListJobsResponse list;
  REQUIRE(jobs->ListJobs(&context, {}, &list).ok());
  CHECK(list.jobs().empty());
}

TEST_CASE_METHOD(FarmFixture, "the coordinator stops while sessions, watches and uploads are open", "[rpc]") {
  ScriptedAgent agent(*this, "board-1", "instance-a");
  REQUIRE(agent.Greet());
  v1::SubmitJobResponse submitted;
  REQUIRE(Submit(*this, DigitsJob(*this), &submitted).ok());
  grpc::ClientContext watching;
  v1::WatchJobRequest watch;
  watch.set_job_id(submitted.job_id());
  const auto watcher = jobs->WatchJob(&watching, watch);
  v1::JobStatus status;
  REQUIRE(watcher->Read(&status));
  grpc::ClientContext uploading;
  v1::UploadResponse uploaded;
  const auto upload = artifacts->Upload(&uploading, &uploaded);
  server.reset();
  while (watcher->Read(&status)) {
  }
  CHECK(watcher->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK_FALSE(upload->Finish().ok());
}

}  // namespace paddock

#include <catch2/catch.hpp>

#include <cmath>

#include "base/strict_json.h"
#include "cli/document.h"
#include "cli/exit_code.h"
#include "cli/follow.h"
#include "cli/format.h"
#include "cli/result_table.h"
#include "golden.h"

namespace paddock {
namespace {

v1::Kpi MakeKpi(double value, const std::string& unit, const std::string& better) {
  v1::Kpi kpi;
  kpi.set_value(value);
  kpi.set_unit(unit);
  kpi.set_better(better);
  return kpi;
}

v1::RunResult ValidRun() {
  v1::RunResult run;
  run.set_run_id("r-1");
  run.set_job_id("j-1");
  run.set_job_name("digits");
  run.set_device("cpu-1");
  run.set_driver("onnxruntime");
  run.set_variant("as-is");
  run.set_state("done");
  run.set_attempts(1);
  run.set_verdict("valid");
  v1::Kpi latency = MakeKpi(0.00135, "s", "lower");
  latency.set_lower(0.00134);
  latency.set_upper(0.00137);
  latency.set_confidence(0.95);
  (*run.mutable_kpis())["latency_p50"] = latency;
  (*run.mutable_kpis())["artifact_size"] = MakeKpi(97340, "B", "lower");
  (*run.mutable_missing())["energy_per_inference"] = "no_sensor";
  v1::Provenance& provenance = *run.mutable_provenance();
  provenance.set_model_sha256(std::string(64, 'a'));
  provenance.set_artifact_sha256(std::string(64, 'b'));
  provenance.set_data_sha256(std::string(64, 'c'));
  provenance.set_agent_version("0.1.0");
  provenance.set_runtime("onnxruntime 1.30.0");
  (*provenance.mutable_options())["threads"] = "1";
  provenance.set_plan_json(R"({"repetitions": 3})");
  provenance.add_preparation("as-is: nothing to do");
  provenance.set_preparation_s(0.25);
  v1::RepetitionInfo& repetition = *run.add_repetitions();
  repetition.set_index(0);
  repetition.set_record_sha256(std::string(64, 'd'));
  return run;
}

v1::RunResult FailedRun() {
  v1::RunResult run;
  run.set_run_id("r-2");
  run.set_job_id("j-1");
  run.set_device("board-1");
  run.set_driver("simulated");
  run.set_variant("as-is");
  run.set_state("failed");
  run.set_attempts(3);
  run.mutable_failure()->set_class_("device");
  run.mutable_failure()->set_stage("loading");
  run.mutable_failure()->set_message("the board is silent");
  return run;
}

std::string Golden(const std::string& name) {
  return std::string(PADDOCK_SOURCE_DIR) + "/tests/rpc/golden/" + name + ".json";
}

}  // namespace

TEST_CASE("the document of a job is the contract") {
  v1::JobStatus job;
  job.set_job_id("j-1");
  job.set_name("digits");
  job.set_state("failed");
  const std::string text = Text(JobDocument(job, {ValidRun(), FailedRun()}));
  CHECK(DifferenceFromGolden(Golden("job_document"), Json::parse(text)) == "");
  // The order in which the contract lists them is the order in which people read them.
  CHECK(text.find("schema_version") < text.find("\"job\""));
  CHECK(text.find("\"job\"") < text.find("\"runs\""));
}

v1::Comparison SlowerComparison() {
  v1::Comparison comparison;
  v1::Comparison::Row& row = *comparison.add_rows();
  row.set_device("cpu-1");
  row.set_variant_a("as-is");
  row.set_variant_b("int8");
  row.set_run_a("r-1");
  row.set_run_b("r-2");
  row.set_kpi("latency_p50");
  row.set_unit("s");
  *row.mutable_a() = MakeKpi(0.010, "s", "lower");
  *row.mutable_b() = MakeKpi(0.012, "s", "lower");
  row.set_ratio(1.2);
  row.set_change("worse");
  v1::Comparison::Effect& effect = *row.mutable_effect();
  effect.set_kind("ratio");
  effect.set_value(1.2);
  effect.set_lower(1.18);
  effect.set_upper(1.22);
  effect.set_confidence(0.968);
  effect.set_p_value(0.0079);
  effect.set_test("Hodges-Lehmann, Moses 96.8 %; Mann-Whitney exact p=0.0079");
  v1::Comparison::Row& unknown = *comparison.add_rows();
  unknown = row;
  unknown.set_kpi("f1_macro");
  unknown.set_unit("1");
  unknown.clear_effect();
  unknown.clear_ratio();
  unknown.set_change("not decidable");
  v1::Comparison::Combined& combined = *comparison.add_combined();
  combined.add_devices("cpu-1");
  combined.add_devices("cpu-2");
  combined.set_variant_a("as-is");
  combined.set_variant_b("int8");
  combined.set_kpi("latency_p50");
  combined.set_unit("s");
  *combined.mutable_effect() = effect;
  combined.set_change("not decidable");
  v1::Comparison::Difference& difference = *comparison.add_differences();
  difference.set_what("option threads");
  difference.set_a("1");
  difference.add_devices("cpu-1");
  v1::Comparison::ParetoPoint& point = *comparison.add_pareto();
  point.set_run("r-2");
  point.set_device("cpu-1");
  point.set_variant("int8");
  point.add_objectives("latency_p50");
  point.add_objectives("artifact_size");
  point.add_dominated_by("r-1");
  comparison.add_notes("run r-9 is left out");
  return comparison;
}

TEST_CASE("the document of a comparison is the contract") {
  CHECK(DifferenceFromGolden(Golden("comparison_document"),
                             Json::parse(Text(ComparisonDocument(SlowerComparison())))) == "");
}

TEST_CASE("a comparison is shown with its effect, and - where none is known") {
  const v1::Comparison comparison = SlowerComparison();
  CHECK(AsText(ComparisonTable(OutputFormat::kTable, comparison)) ==
        "DEVICE  VARIANT       KPI          A         B         EFFECT                           CHANGE\n"
        "cpu-1   as-is / int8  latency_p50  10.00 ms  12.00 ms  +20.00 % (+18.00 % .. +22.00 %)  worse\n"
        "cpu-1   as-is / int8  f1_macro     0.01000   0.01200   -                                not "
        "decidable\n");
  CHECK_THAT(AsCsv(ComparisonTable(OutputFormat::kCsv, comparison)),
             Catch::Contains("latency_p50,s,0.01,0.012,1.2,worse,ratio,1.2,1.18,1.22,0.968,0.0079,"));
  CHECK_THAT(AsText(CombinedTable(comparison)), Catch::Contains("2        as-is / int8  latency_p50"));
  CHECK_THAT(AsText(ParetoTable(comparison)),
             Catch::Contains("dominated by r-1  latency_p50, artifact_size"));
  CHECK_THAT(AsText(DifferenceTable(comparison)), Catch::Contains("option threads"));
}

TEST_CASE("a repeat is shown inside or outside the original's interval") {
  const v1::RunResult original = ValidRun();
  v1::RunResult repeat = ValidRun();
  (*repeat.mutable_kpis())["latency_p50"].set_value(0.001507);
  const auto rows = RepeatRows(original, repeat);
  REQUIRE(rows.size() == 2);
  const std::string text = AsText(RepeatTable(rows));
  CHECK_THAT(text, Catch::Contains("outside by 10.00 %"));
  CHECK_THAT(text, Catch::Contains("inside"));
}

TEST_CASE("bytes that are not text do not break the document") {
  v1::RunResult run = FailedRun();
  run.mutable_failure()->set_message("\xff\xfe broken");
  CHECK(Json::parse(Text(RunDocument(run)))["failure"]["message"].get<std::string>().find("broken") !=
        std::string::npos);
}

TEST_CASE("an open dimension of a model is null") {
  v1::ModelDescription model;
  v1::TensorDescription& input = *model.add_inputs();
  input.set_name("x");
  input.add_shape(-1);
  input.add_shape(8);
  CHECK(ModelDocument(model)["inputs"][0]["shape"].dump() == "[null,8]");
  CHECK_FALSE(ModelDocument(model)["inputs"][0].contains("quantization"));
}

TEST_CASE("a quantised tensor of a model says what its integers stand for") {
  v1::ModelDescription model;
  v1::Quantization& quantization = *model.add_outputs()->mutable_quantization();
  quantization.set_scale(0.5);
  quantization.set_zero_point(-3);
  CHECK(ModelDocument(model)["outputs"][0]["quantization"].dump() == R"({"scale":0.5,"zero_point":-3})");
}

TEST_CASE("a figure has four significant digits and a unit that fits") {
  CHECK(Figure(0.00135, "s") == "1.350 ms");
  CHECK(Figure(15.2e-6, "s") == "15.20 us");
  CHECK(Figure(42, "s") == "42.00 s");
  CHECK(Figure(999.99e-6, "s") == "1000 us");
  CHECK(Figure(97340, "B") == "95.06 KiB");
  CHECK(Figure(500, "B") == "500 B");
  CHECK(Figure(0, "B") == "0 B");
  CHECK(Figure(0, "s") == "0 s");
  CHECK(Figure(0.902, "1") == "0.9020");
  CHECK(Figure(1, "1") == "1.000");
  CHECK(Figure(740.74, "1/s") == "740.7 /s");
  CHECK(Figure(24620, "1/s") == "24.62 k/s");
  CHECK(Figure(std::nan(""), "s") == "?");
  CHECK(Figure(-0.002, "s") == "-2.000 ms");
}

TEST_CASE("an exact number reads back as itself and is not longer than it must be") {
  CHECK(ExactNumber(0.1) == "0.1");
  CHECK(ExactNumber(97340) == "97340");
  for (const double value : {1.0 / 3, 1e-300, 123456789.123, -0.0})
    CHECK(std::stod(ExactNumber(value)) == value);
}

TEST_CASE("columns line up by characters, not bytes") {
  const Table table{{"NAME", "N"}, {{"gr\xc3\xbc\xc3\x9f", "1"}, {"ab", ""}, {"longest", "3"}}};
  CHECK(AsText(table) == "NAME     N\ngr\xc3\xbc\xc3\x9f     1\nab\nlongest  3\n");
  CHECK(AsText({{}, {{"a", "b"}}}) == "a  b\n");
}

TEST_CASE("a name cannot steer the terminal") {
  CHECK(Printable("a\x1b[31m\n\x7f") == "a?[31m??");
  CHECK(Printable("\xc2\x9b"
                  "31m \xff gr\xc3\xbcn") == "?31m ? gr\xc3\xbcn");
  CHECK(AsText({{"X"}, {{"a\x1b[2J"}}}) == "X\na?[2J\n");
  CHECK(NamesOnly({{"X"}, {{"a\nb", "c"}}}) == "a?b\n");
}

TEST_CASE("a line is cut between characters") {
  CHECK(Shortened("gr\xc3\xbcn", 3) == "gr\xc3\xbc");
  CHECK(Shortened("gr\xc3\xbcn", 9) == "gr\xc3\xbcn");
  CHECK(Shortened("abc", 0).empty());
}

TEST_CASE("CSV quotes what it must and disarms formulas, but not numbers") {
  const Table table{{"a", "b"},
                    {{"x,y", "say \"hi\""}, {"=1+1", "-2.5e-3"}, {"@x", "two\nlines"}, {"-1+2", "-1"}}};
  CHECK(AsCsv(table) ==
        "a,b\r\n\"x,y\",\"say \"\"hi\"\"\"\r\n'=1+1,-2.5e-3\r\n'@x,\"two\nlines\"\r\n'-1+2,-1\r\n");
}

TEST_CASE("the spreadsheet has a row per KPI and names what is missing") {
  const Table table = KpiTable({ValidRun()});
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[1][8] == "latency_p50");
  CHECK(table.rows[1][9] == "0.00135");
  CHECK(table.rows[2][8] == "energy_per_inference");
  CHECK(table.rows[2][9].empty());
  CHECK(table.rows[2].back() == "no_sensor");
  for (const auto& row : table.rows) CHECK(row.size() == table.columns.size());
}

TEST_CASE("progress says stage, repetition, inferences and time left") {
  v1::RunStatus run;
  run.set_state("queued");
  CHECK(ProgressText(run) == "queued");
  run.set_state("running");
  run.set_attempts(1);
  v1::RunProgress& progress = *run.mutable_progress();
  progress.set_stage("measuring");
  progress.set_repetition(2);
  progress.set_repetitions(5);
  progress.set_inferences_done(1234567);
  progress.set_time_left_s(2.1);
  CHECK(ProgressText(run) == "measuring  repetition 2/5  1,234,567 inferences  about 3 s left");
  run.set_attempts(2);
  progress.clear_time_left_s();
  progress.set_inferences_done(0);
  progress.set_detail("cooling down");
  CHECK(ProgressText(run) == "measuring  repetition 2/5  attempt 2  (cooling down)");
  run.set_state("failed");
  *run.mutable_failure() = FailedRun().failure();
  CHECK(ProgressText(run) == "failed: device failure while loading: the board is silent");
}

TEST_CASE("every status has its exit code") {
  CHECK(ExitCodeOf(OkStatus()) == 0);
  CHECK(ExitCodeOf(InternalError("")) == 1);
  CHECK(ExitCodeOf(FailedPreconditionError("")) == 1);
  CHECK(ExitCodeOf(InvalidArgumentError("")) == 2);
  CHECK(ExitCodeOf(PermissionDeniedError("")) == 4);
  CHECK(ExitCodeOf(NotFoundError("")) == 5);
  CHECK(ExitCodeOf(UnavailableError("")) == 7);
  CHECK(ExitCodeOf(DeadlineExceededError("")) == 8);
  CHECK(ExitCodeOf(LocalFileError(NotFoundError("x"))) == 2);
}

TEST_CASE("an output format that does not exist is refused with those that do") {
  CHECK(ParseOutputFormat("wide").ok());
  CHECK(ParseOutputFormat("Json").status().message() == "-o 'Json' is none of table, wide, json, csv, name");
}

}  // namespace paddock

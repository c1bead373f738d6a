#include "kpi/run_plan.h"

#include <catch2/catch.hpp>

#include "base/random.h"
#include "base/strict_json.h"

namespace paddock {
namespace {

RunPlan SmallPlan() {
  RunPlan plan;
  plan.run_id = "run-1";
  plan.artifact = Sha256::Of("model");
  plan.artifact_kind = "onnx";
  plan.batches = {Sha256::Of("a"), Sha256::Of("b")};
  plan.sample_count = 200;
  plan.inputs = {{"image", ElementType::kFloat32, {-1, 1, 8, 8}}};
  plan.outputs = {{"scores", ElementType::kFloat32, {-1, 10}}};
  return plan;
}

std::string Word(Random& random) {
  static constexpr const char* kPieces[] = {"a", "Z", "é", "\"", "\\", "\n", " ", "0", "日"};
  std::string word = "w";
  for (std::uint64_t i = random.Below(8); i > 0; --i) word += kPieces[random.Below(std::size(kPieces))];
  return word;
}

std::vector<TensorInfo> Tensors(Random& random) {
  std::vector<TensorInfo> tensors(random.Below(3));
  for (auto& tensor : tensors) {
    tensor = {Word(random), static_cast<ElementType>(random.Below(14)), {-1}};
    for (std::uint64_t i = random.Below(4); i > 0; --i)
      tensor.shape.push_back(static_cast<std::int64_t>(random.Below(100)));
    if (random.Below(2) == 0) {
      tensor.quantization = {random.Uniform() + 1e-9, static_cast<std::int64_t>(random.Next())};
    }
  }
  return tensors;
}

template <typename T>
std::optional<T> Maybe(Random& random, T value) {
  return random.Below(2) == 0 ? std::nullopt : std::optional<T>(std::move(value));
}

RunPlan RandomPlan(Random& random) {
  RunPlan plan;
  plan.run_id = Word(random);
  plan.artifact = Sha256::Of(Word(random));
  plan.artifact_kind = Word(random);
  for (std::uint64_t i = random.Below(4); i > 0; --i) plan.batches.push_back(Sha256::Of(Word(random)));
  plan.sample_count = random.Next();
  plan.inputs = Tensors(random);
  plan.outputs = Tensors(random);
  plan.options.threads = Maybe(random, static_cast<std::uint32_t>(random.Next()));
  plan.options.graph_level = Maybe(random, Word(random));
  plan.options.spinning = Maybe(random, random.Below(2) == 0);
  plan.options.memory_arena = Maybe(random, random.Below(2) == 0);
  plan.options.execution_provider = Maybe(random, Word(random));
  for (std::uint64_t i = random.Below(3); i > 0; --i)
    plan.options.provider_options[Word(random)] = Word(random);
  plan.scenario.kind = static_cast<ScenarioKind>(random.Below(5));
  plan.scenario.min_duration_s = random.Uniform() * 100;
  plan.scenario.max_duration_s = random.Uniform() * 1000;
  plan.scenario.min_inferences = static_cast<std::uint32_t>(random.Next());
  plan.scenario.warmup = {static_cast<std::uint32_t>(random.Next()), random.Uniform()};
  plan.scenario.samples_per_query = static_cast<std::uint32_t>(random.Below(64));
  plan.scenario.median_precision = random.Uniform();
  plan.scenario.tail_precision = random.Uniform();
  plan.scenario.target_rate_hz = Maybe(random, random.Uniform() * 1000);
  plan.scenario.patience_s = Maybe(random, random.Uniform() * 1000);
  plan.scenario.latency_limit_s = Maybe(random, random.Uniform());
  plan.scenario.latency_percentile = random.Uniform();
  plan.scenario.probe_duration_s = random.Uniform();
  plan.scenario.period_s = Maybe(random, random.Uniform());
  plan.scenario.deadline_s = Maybe(random, random.Uniform());
  plan.repetitions = 1 + static_cast<std::uint32_t>(random.Below(1000));
  plan.repetition_timeout_s = random.Uniform() * 1000;
  plan.memory_limit_bytes = random.Next();
  plan.seed = random.Next();
  plan.keep_predictions = random.Below(2) == 0;
  plan.accuracy_interval = Maybe(random, random.Uniform());
  if (plan.accuracy_interval) plan.labels = Sha256::Of(Word(random));
  return plan;
}

TEST_CASE("what a plan says survives its JSON form, to the last bit", "[kpi][run_plan]") {
  Random random(3);
  for (int round = 0; round < 300; ++round) {
    const RunPlan plan = RandomPlan(random);
    const std::string text = EncodeRunPlan(plan);
    const auto decoded = DecodeRunPlan(text);
    REQUIRE(decoded.status().ToString() == "OK");
    CHECK(decoded->run_id == plan.run_id);
    CHECK(decoded->artifact == plan.artifact);
    CHECK(decoded->artifact_kind == plan.artifact_kind);
    CHECK(decoded->batches == plan.batches);
    CHECK(decoded->sample_count == plan.sample_count);
    CHECK(decoded->inputs == plan.inputs);
    CHECK(decoded->outputs == plan.outputs);
    CHECK(decoded->options == plan.options);
    CHECK(decoded->scenario.kind == plan.scenario.kind);
    CHECK(decoded->scenario.min_duration_s == plan.scenario.min_duration_s);
    CHECK(decoded->scenario.max_duration_s == plan.scenario.max_duration_s);
    CHECK(decoded->scenario.min_inferences == plan.scenario.min_inferences);
    CHECK(decoded->scenario.warmup.min_inferences == plan.scenario.warmup.min_inferences);
    CHECK(decoded->scenario.warmup.min_s == plan.scenario.warmup.min_s);
    CHECK(decoded->scenario.samples_per_query == plan.scenario.samples_per_query);
    CHECK(decoded->scenario.median_precision == plan.scenario.median_precision);
    CHECK(decoded->scenario.tail_precision == plan.scenario.tail_precision);
    CHECK(decoded->scenario.target_rate_hz == plan.scenario.target_rate_hz);
    CHECK(decoded->scenario.patience_s == plan.scenario.patience_s);
    CHECK(decoded->scenario.latency_limit_s == plan.scenario.latency_limit_s);
    CHECK(decoded->scenario.latency_percentile == plan.scenario.latency_percentile);
    CHECK(decoded->scenario.probe_duration_s == plan.scenario.probe_duration_s);
    CHECK(decoded->scenario.period_s == plan.scenario.period_s);
    CHECK(decoded->scenario.deadline_s == plan.scenario.deadline_s);
    CHECK(decoded->repetitions == plan.repetitions);
    CHECK(decoded->repetition_timeout_s == plan.repetition_timeout_s);
    CHECK(decoded->memory_limit_bytes == plan.memory_limit_bytes);
    CHECK(decoded->seed == plan.seed);
    CHECK(decoded->keep_predictions == plan.keep_predictions);
    CHECK(decoded->accuracy_interval == plan.accuracy_interval);
    CHECK(decoded->labels == plan.labels);
    CHECK(EncodeRunPlan(*decoded) == text);
  }
}

TEST_CASE("a quantisation of a plan's tensor has a scale above 0 and a zero point", "[kpi][run_plan]") {
  const auto decoded = [](const Json& quantization) {
    Json json = Json::parse(EncodeRunPlan(SmallPlan()));
    json["inputs"][0]["quantization"] = quantization;
    return DecodeRunPlan(json.dump());
  };
  REQUIRE(decoded({{"scale", 0.5}, {"zero_point", -3}}).ok());
  CHECK(decoded({{"scale", 0.5}, {"zero_point", -3}})->inputs[0].quantization == Quantization{0.5, -3});
  for (const Json& wrong : {Json{{"scale", 0}, {"zero_point", 0}}, Json{{"scale", 0.5}}, Json(3)}) {
    const auto plan = decoded(wrong);
    INFO(wrong);
    REQUIRE_FALSE(plan.ok());
    CHECK_THAT(plan.status().message(), Catch::Contains("inputs[0].quantization"));
  }
}

TEST_CASE("a plan whose scenario does not speak of precision or arrivals has the default ones",
          "[kpi][run_plan]") {
  Json json = Json::parse(EncodeRunPlan(SmallPlan()));
  json["scenario"] = {{"kind", "offline"},
                      {"min_duration_s", 1},
                      {"min_inferences", 2},
                      {"max_duration_s", 3},
                      {"warmup", {{"min_inferences", 4}, {"min_s", 5}}},
                      {"samples_per_query", 6}};
  const auto plan = DecodeRunPlan(json.dump());
  REQUIRE(plan.ok());
  CHECK(plan->scenario.samples_per_query == 6);
  CHECK(plan->scenario.median_precision == 0.01);
  CHECK(plan->scenario.tail_precision == 0.05);
  CHECK_FALSE(plan->scenario.target_rate_hz);
}

TEST_CASE("every key of a plan must be there and must be known", "[kpi][run_plan]") {
  const Json good = Json::parse(EncodeRunPlan(SmallPlan()));
  const auto message = [](const Json& json) {
    const auto plan = DecodeRunPlan(json.dump());
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.status().code() == StatusCode::kInvalidArgument);
    return plan.status().message();
  };
  for (const auto& [key, unused] : good.items()) {
    Json less = good;
    less.erase(key);
    CHECK_THAT(message(less), Catch::StartsWith("run plan: ") && Catch::Contains(key));
  }
  for (const std::string key : {"kind", "min_duration_s", "min_inferences", "max_duration_s", "warmup"}) {
    Json less = good;
    less["scenario"].erase(key);
    CHECK_THAT(message(less), Catch::Contains("scenario." + key));
  }
  Json more = good;
  more["repetition"] = 3;
  CHECK_THAT(message(more), Catch::Contains("repetition: unknown key") && Catch::Contains("repetitions"));
  more = good;
  more["scenario"]["warmup"]["min"] = 3;
  CHECK_THAT(message(more), Catch::Contains("scenario.warmup.min"));
  more = good;
  more["options"]["thread"] = 3;
  CHECK_THAT(message(more), Catch::Contains("options.thread") && Catch::Contains("threads"));
}

TEST_CASE("a value that cannot be is refused with its path", "[kpi][run_plan]") {
  const Json good = Json::parse(EncodeRunPlan(SmallPlan()));
  const auto message = [&](const char* pointer, const Json& value) {
    Json bad = good;
    bad[Json::json_pointer(pointer)] = value;
    const auto plan = DecodeRunPlan(bad.dump());
    REQUIRE_FALSE(plan.ok());
    return plan.status().message();
  };
  CHECK_THAT(message("/run_id", ""), Catch::Contains("run_id: must not be empty"));
  CHECK_THAT(message("/artifact", "abc"), Catch::Contains("artifact"));
  CHECK_THAT(message("/batches/1", "../../etc"), Catch::Contains("batches[1]"));
  CHECK_THAT(message("/repetitions", 0), Catch::Contains("repetitions: must be at least 1"));
  CHECK_THAT(message("/repetitions", -1), Catch::Contains("repetitions"));
  CHECK_THAT(message("/inputs/0/type", "float31"), Catch::Contains("inputs[0].type"));
  CHECK_THAT(message("/outputs", "x"), Catch::Contains("outputs: must be a list"));
  CHECK_THAT(message("/scenario/kind", "serve"),
             Catch::Contains("scenario.kind") && Catch::Contains("offline"));
  CHECK_THAT(message("/scenario/min_duration_s", -1),
             Catch::Contains("scenario.min_duration_s: must be from 0"));
  CHECK_THAT(message("/repetition_timeout_s", 1e30), Catch::Contains("repetition_timeout_s: must be from 0"));
  CHECK_THAT(message("/options/threads", "two"), Catch::Contains("options.threads"));
  CHECK_FALSE(DecodeRunPlan("").ok());
  CHECK_FALSE(DecodeRunPlan("[]").ok());
}

TEST_CASE("a plan that asks for an accuracy interval names the labels", "[kpi][run_plan]") {
  Json json = Json::parse(EncodeRunPlan(SmallPlan()));
  json["accuracy_interval"] = 0.02;
  CHECK_THAT(DecodeRunPlan(json.dump()).status().message(), Catch::Contains("labels"));
}

TEST_CASE("options read as text, only those that are set", "[kpi][run_plan]") {
  CHECK(OptionsAsText({}).empty());
  RuntimeOptions options;
  options.threads = 2;
  options.spinning = false;
  options.provider_options["device_id"] = "0";
  CHECK(OptionsAsText(options) == std::map<std::string, std::string>{{"threads", "2"},
                                                                     {"spinning", "false"},
                                                                     {"provider_options.device_id", "0"}});
}

}  // namespace
}  // namespace paddock

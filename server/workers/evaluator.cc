#include "server/workers/evaluator.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kpi/catalog.h"
#include "kpi/golden.h"
#include "kpi/machine.h"
#include "kpi/tensor_file.h"
#include "kpi/verdict.h"

namespace paddock {
namespace {

// A tensor file of the artifact store and the views into it, or into what its integers stand for.
struct MappedTensors {
  MappedFile file;
  std::vector<NamedTensorView> tensors;
  std::vector<Tensor> real;
};

Result<MappedTensors> MapTensors(ArtifactStore& artifacts, const Digest& digest, const std::string& what) {
  Result<MappedFile> file = artifacts.Map(digest);
  if (!file.ok()) return file.status().WithContext(what);
  Result<std::vector<NamedTensorView>> tensors = DecodeTensorFile(file->bytes());
  if (!tensors.ok()) return tensors.status().WithContext(what + " in blob " + digest.ShortHex());
  return MappedTensors{std::move(file).value(), std::move(tensors).value(), {}};
}

// Predictions of a run whose artifact had these outputs.
Result<MappedTensors> MapPredictions(ArtifactStore& artifacts, const Digest& digest, const std::string& what,
                                     const std::vector<TensorInfo>& outputs) {
  PADDOCK_ASSIGN_OR_RETURN(MappedTensors mapped, MapTensors(artifacts, digest, what));
  mapped.real.reserve(mapped.tensors.size());  // the views refer to its elements
  for (NamedTensorView& prediction : mapped.tensors) {
    const auto output = std::find_if(outputs.begin(), outputs.end(), [&](const TensorInfo& info) {
      return info.name == prediction.name && info.quantization;
    });
    if (output == outputs.end()) continue;
    mapped.real.push_back(Dequantized(prediction.tensor, *output->quantization));
    prediction.tensor = mapped.real.back().view();
  }
  return mapped;
}

Result<RepetitionRecord> ReadRecord(ArtifactStore& artifacts, const RepetitionReport& report) {
  const std::string what = "record of repetition " + std::to_string(report.index);
  Result<RepetitionRecord> record = InternalError("");
  if (report.record_blob.empty()) {
    record = DecodeRepetition(report.record_inline);
  } else {
    const Result<MappedFile> file = artifacts.Map(report.record_blob);
    record = file.ok() ? DecodeRepetition(file->bytes()) : Result<RepetitionRecord>(file.status());
  }
  if (!record.ok()) return record.status().WithContext(what);
  return record;
}

Digest PredictionsOf(const std::vector<RepetitionReport>& measurements) {
  for (const RepetitionReport& report : measurements) {
    if (!report.predictions.empty()) return report.predictions;
  }
  return Digest();
}

// Compares the device with itself; the rest of the evaluation is complete but for the budgets.
Status JudgeByGoldenRuns(const EvaluationRequest& request, StoreReader& reader, Evaluation* evaluation) {
  evaluation->verdict_without_drift = evaluation->judgement.verdict;
  if (request.golden_model.empty()) return OkStatus();
  PADDOCK_ASSIGN_OR_RETURN(GoldenHistory history,
                           reader.GetGoldenHistory(request.run, request.golden_model, evaluation->runtime));
  std::vector<GoldenRun> near;
  if (request.spec.golden) {
    GoldenRun& itself = near.emplace_back(GoldenRun{request.run.str(), {}});
    for (const auto& [name, kpi] : evaluation->kpis.values) itself.kpis.emplace(name, kpi.value);
  } else {
    near = std::move(history.after);
    if (!history.before.empty()) {
      near.insert(near.begin(), std::move(history.before.back()));
      history.before.pop_back();
    }
  }
  if (near.empty()) return OkStatus();
  evaluation->golden = CompareWithGolden(history.before, near);
  // A golden run that was disturbed says why, and no more: to runs beside it, too, it is no witness.
  if (request.spec.golden && evaluation->judgement.verdict != Verdict::kValid)
    evaluation->golden->drifting = false;
  SetRelative(history.before, near, &evaluation->kpis);
  AddDrift(*evaluation->golden, &evaluation->judgement);
  return OkStatus();
}

}  // namespace

Result<Evaluation> Evaluate(const EvaluationRequest& request, ArtifactStore& artifacts, StoreReader& reader) {
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<RepetitionReport> measurements,
                           reader.GetMeasurements(request.run));
  if (measurements.empty()) return NotFoundError("run " + request.run.str() + " has no measurements");
  RunEvidence evidence;
  Evaluation evaluation;
  for (const RepetitionReport& report : measurements) {
    PADDOCK_ASSIGN_OR_RETURN(RepetitionRecord record, ReadRecord(artifacts, report));
    evaluation.latency_histograms[report.index] = MakeLatencyHistogram(record);
    evidence.repetitions.push_back(std::move(record));
  }
  evidence.repetitions_planned = request.spec.repetitions;
  evidence.artifact_bytes = request.prepared.artifact_bytes;
  evidence.task = request.spec.task;
  evidence.accuracy_interval = request.spec.data_spec.accuracy_interval;
  evidence.computes_outputs = request.computes_outputs;
  if (request.spec.scenario.kind == ScenarioKind::kPeriodic)
    evidence.deadline_s = request.spec.scenario.DeadlineS();

  // The views in `evidence` refer to these maps.
  std::optional<MappedTensors> predictions;
  std::optional<MappedTensors> labels;
  std::optional<MappedTensors> reference;
  if (const Digest digest = PredictionsOf(measurements); !digest.empty() && request.computes_outputs) {
    PADDOCK_ASSIGN_OR_RETURN(predictions,
                             MapPredictions(artifacts, digest, "predictions", request.prepared.outputs));
    evidence.predictions = predictions->tensors;
  }
  if (!request.prepared.labels.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(labels, MapTensors(artifacts, request.prepared.labels, "labels"));
    if (!labels->tensors.empty()) evidence.labels = labels->tensors.front();
  }
  if (!request.spec.reference_run.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(const StoredResult other, reader.GetResult(RunId(request.spec.reference_run)));
    if (const Digest digest = PredictionsOf(other.measurements); !digest.empty()) {
      PADDOCK_ASSIGN_OR_RETURN(
          reference,
          MapPredictions(artifacts, digest, "predictions of the reference run",
                         other.run.prepared ? other.run.prepared->outputs : std::vector<TensorInfo>()));
      evidence.reference = reference->tensors;
    }
  }

  evaluation.kpis = ComputeKpis(evidence);
  evaluation.judgement = Judge(evidence, request.spec.scenario);
  if (!evidence.repetitions.empty()) {
    evaluation.runtime = evidence.repetitions.front().runtime;
    evaluation.options = evidence.repetitions.front().options;
  }
  std::vector<const RepetitionEnvironment*> environments;
  for (const AnalysedRepetition& repetition : evidence.repetitions) {
    if (repetition.environment) environments.push_back(&*repetition.environment);
  }
  evaluation.machine = DescribeMachine(environments);
  PADDOCK_RETURN_IF_ERROR(JudgeByGoldenRuns(request, reader, &evaluation));
  evaluation.budgets = JudgeBudgets(request.spec.budgets, evaluation.kpis, evaluation.judgement.verdict);
  return evaluation;
}

}  // namespace paddock

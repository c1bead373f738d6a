#include "device_drivers/mcu/mcu_session.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/file.h"
#include "device_drivers/api/input_check.h"
#include "device_drivers/mcu/flasher.h"
#include "device_drivers/mcu/mcu_connection.h"
#include "kpi/network_facts.h"

namespace paddock {
namespace {

constexpr std::size_t kMaxTensors = 255;  // a frame has a byte for their number
constexpr std::uint64_t kMaxImageBytes = std::uint64_t{1} << 28;

constexpr std::string_view kStarting = "starting";
constexpr std::string_view kLoadingInput = "loading the input";
constexpr std::string_view kInferring = "running the inference";
constexpr std::string_view kBetweenEdges = "running inferences between edges";
constexpr std::string_view kCountingLayers = "counting the layers";
constexpr std::string_view kReadingOutputs = "reading the outputs";

class McuSession final : public Session {
 public:
  McuSession(const McuSettings& settings, const SessionRequest& request)
      : settings_(settings), connection_(settings), inputs_(request.inputs), outputs_(request.outputs) {}

  Status Open(const SessionRequest& request, Deadline deadline);

  const std::vector<TensorInfo>& Inputs() const override { return inputs_; }
  const std::vector<TensorInfo>& Outputs() const override { return outputs_; }
  std::map<std::string, std::string> EffectiveOptions() const override;
  Result<std::uint32_t> Bind(std::span<const TensorView> inputs) override;
  Status Invoke(std::uint32_t query) override;
  Status InvokeBetweenEdges(std::uint32_t query, std::uint64_t count) override;
  Result<std::vector<TensorView>> ReadOutputs() override;
  std::optional<std::uint64_t> DeviceTimeNs() const override { return last_ns_; }
  std::optional<std::uint64_t> Cycles() const override;
  std::optional<std::uint64_t> Instructions() const override;
  const NetworkFacts* Facts() const override { return facts_ ? &*facts_ : nullptr; }
  Result<LayerCounts> CountLayers() override;
  std::string Transcript() const override { return connection_.transcript().Text(); }

 private:
  Status ReadFacts(std::string_view elf, const std::string& path);
  Status Flash(std::string_view elf, const std::function<Status()>& connect, Deadline deadline);
  Status CheckTensors() const;
  Status CheckFirmware() const;
  Status LoadOnBoard(std::uint32_t query);
  // Of one inference in the mean.
  std::uint64_t Mean(std::uint64_t of_all) const {
    return (of_all + settings_.inferences / 2) / settings_.inferences;
  }

  const McuSettings settings_;
  McuConnection connection_;
  std::vector<TensorInfo> inputs_;
  std::vector<TensorInfo> outputs_;
  std::optional<NetworkFacts> facts_;
  std::optional<Flashed> flashed_;  // its lock keeps others off the board's probe
  std::unique_ptr<BoardClient> client_;
  std::vector<std::vector<TensorView>> queries_;
  std::optional<std::uint32_t> on_board_;      // the query whose inputs the board has
  std::optional<std::uint32_t> last_query_;    // ran successfully
  std::optional<std::uint64_t> last_ns_;       // of one inference
  std::uint64_t total_ns_ = 0;                 // of all queries
  std::optional<std::uint64_t> total_cycles_;  // likewise; absent: none has run, or one did not tell its own
  std::vector<std::vector<std::byte>> output_bytes_;
};

// `stated` is what the coordinator read from the image, or nothing.
Status CheckAgainstFacts(std::string_view what, const std::vector<TensorInfo>& stated,
                         const std::vector<TensorInfo>& facts) {
  const auto same = [](const TensorInfo& left, const TensorInfo& right) {
    return left.name == right.name && left.type == right.type && left.shape == right.shape;
  };
  if (std::equal(stated.begin(), stated.end(), facts.begin(), facts.end(), same)) return OkStatus();
  const auto list = [](const std::vector<TensorInfo>& tensors) {
    std::string text;
    for (const TensorInfo& tensor : tensors) text.append(text.empty() ? "" : ", ").append(TensorText(tensor));
    return text.empty() ? std::string("none") : text;
  };
  return InvalidArgumentError("the job was prepared for the " + std::string(what) + " " + list(stated) +
                              ", but the image has " + list(facts) + "; submit the job again");
}

Status McuSession::ReadFacts(std::string_view elf, const std::string& path) {
  auto facts = ReadNetworkFacts(elf);
  if (!facts.ok()) return facts.status().WithContext(path);
  if (facts->target != settings_.board) {
    return InvalidArgumentError("the image was compiled for '" + facts->target + "', but the board is '" +
                                settings_.board + "'; submit the job again");
  }
  if (!inputs_.empty()) PADDOCK_RETURN_IF_ERROR(CheckAgainstFacts("inputs", inputs_, facts->inputs));
  if (!outputs_.empty()) PADDOCK_RETURN_IF_ERROR(CheckAgainstFacts("outputs", outputs_, facts->outputs));
  inputs_ = facts->inputs;
  outputs_ = facts->outputs;
  facts_ = *std::move(facts);
  return OkStatus();
}

Status McuSession::CheckTensors() const {
  if (inputs_.empty()) return InvalidArgumentError("the model has no inputs; a board needs at least one");
  for (const auto* const tensors : {&inputs_, &outputs_}) {
    if (tensors->size() > kMaxTensors)
      return InvalidArgumentError("the model has " + std::to_string(tensors->size()) +
                                  " inputs or outputs; a board takes at most 255");
    for (const TensorInfo& tensor : *tensors) {
      if (!TensorBytes(tensor))
        return InvalidArgumentError("'" + TensorText(tensor) + "' of the model cannot be on a board");
    }
  }
  return OkStatus();
}

Status McuSession::Open(const SessionRequest& request, Deadline deadline) {
  const bool is_own = settings_.mode == McuMode::kOwn;
  std::string elf;
  if (is_own) {
    PADDOCK_ASSIGN_OR_RETURN(elf, ReadFile(request.artifact_path, kMaxImageBytes));
    PADDOCK_RETURN_IF_ERROR(ReadFacts(elf, request.artifact_path));
  }
  PADDOCK_RETURN_IF_ERROR(CheckTensors());
  const std::string& image = is_own ? request.artifact_path : settings_.image;
  const auto connect = [&] {
    Status status = connection_.Open(image, deadline);
    if (status.ok() && facts_) status = CheckFirmware();
    return status;
  };
  Status status = settings_.flashing ? Flash(elf, connect, deadline) : connect();
  if (status.ok()) {
    auto client = connection_.MakeClient(outputs_);
    status = client.status();
    if (client.ok()) client_ = *std::move(client);
  }
  return connection_.Explain(kStarting, status);
}

Status McuSession::Flash(std::string_view elf, const std::function<Status()>& connect, Deadline deadline) {
  PADDOCK_ASSIGN_OR_RETURN(Flasher flasher, Flasher::Make(*settings_.flashing));
  PADDOCK_ASSIGN_OR_RETURN(flashed_, flasher.BringUp(elf, Sha256::Of(elf), connect, deadline));
  return OkStatus();
}

// What answers must be what the image holds.
Status McuSession::CheckFirmware() const {
  const BoardIdentity& board = connection_.identity();
  if (board.name == settings_.board && board.model == facts_->name) return OkStatus();
  return UnavailableError("the board '" + board.name + "' with the model '" + board.model +
                          "' answers, not '" + settings_.board + "' with '" + facts_->name +
                          "'; is the link to another board, or was the image not flashed?");
}

std::map<std::string, std::string> McuSession::EffectiveOptions() const {
  std::map<std::string, std::string> options = {
      {"link", settings_.link},
      {"board", settings_.board},
      {"mode", settings_.mode == McuMode::kOwn ? "own" : "existing"},
      {"protocol", connection_.protocol()},
      {"inferences", std::to_string(settings_.inferences)},
      {"warmup_inferences", std::to_string(settings_.warmup_inferences)},
      {"firmware_name", connection_.identity().name},
      {"firmware_profile", connection_.identity().profile},
      {"firmware_model", connection_.identity().model},
  };
  if (flashed_) options["flashed"] = flashed_->remembered ? "before" : flashed_->tries.back();
  if (settings_.line_baud() != 0) options["baud"] = std::to_string(settings_.line_baud());
  if (const auto& frames = connection_.frames()) {
    options["counter"] = frames->counter;
    options["counter_hz"] = std::to_string(frames->counter_hz);
  }
  std::erase_if(options, [](const auto& option) { return option.second.empty(); });
  return options;
}

Result<std::uint32_t> McuSession::Bind(std::span<const TensorView> inputs) {
  PADDOCK_RETURN_IF_ERROR(CheckInputs(inputs_, inputs));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].bytes.size() != TensorBytes(inputs_[i])) {
      return InvalidArgumentError("input '" + inputs_[i].name + "' has " +
                                  std::to_string(inputs[i].bytes.size()) +
                                  " bytes; a board takes one sample at a time");
    }
  }
  queries_.emplace_back(inputs.begin(), inputs.end());
  return static_cast<std::uint32_t>(queries_.size() - 1);
}

Status McuSession::LoadOnBoard(std::uint32_t query) {
  if (on_board_ == query) return OkStatus();
  on_board_.reset();
  PADDOCK_RETURN_IF_ERROR(client_->LoadInputs(queries_[query]));
  on_board_ = query;
  return OkStatus();
}

Status McuSession::Invoke(std::uint32_t query) {
  if (query >= queries_.size())
    return InvalidArgumentError("no query " + std::to_string(query) + " is bound");
  last_query_.reset();
  const Status loaded = LoadOnBoard(query);
  if (!loaded.ok()) return connection_.Explain(kLoadingInput, loaded);
  const auto run = client_->Infer(settings_.inferences, settings_.warmup_inferences);
  if (!run.ok()) {
    on_board_.reset();  // it may have restarted
    return connection_.Explain(kInferring, run.status());
  }
  last_ns_ = std::max<std::uint64_t>(1, Mean(run->duration_ns));
  const bool are_all_told = run->cycles && (total_cycles_ || total_ns_ == 0);
  total_cycles_ = are_all_told ? std::optional(total_cycles_.value_or(0) + Mean(*run->cycles)) : std::nullopt;
  total_ns_ += *last_ns_;
  last_query_ = query;
  return OkStatus();
}

Status McuSession::InvokeBetweenEdges(std::uint32_t query, std::uint64_t count) {
  constexpr std::uint64_t kMost = 1'000'000'000;  // well below what boards read as a number
  if (query >= queries_.size() || count == 0 || count > kMost)
    return InvalidArgumentError("no query " + std::to_string(query) + " is bound, or it cannot run " +
                                std::to_string(count) + " times");
  last_query_.reset();
  Status status = LoadOnBoard(query);
  if (!status.ok()) return connection_.Explain(kLoadingInput, status);
  status = connection_.InferBetweenEdges(static_cast<std::uint32_t>(count));
  if (!status.ok() && status.code() != StatusCode::kUnimplemented) on_board_.reset();
  return connection_.Explain(kBetweenEdges, status);
}

std::optional<std::uint64_t> McuSession::Cycles() const {
  if (settings_.counts_instructions()) return std::nullopt;
  return total_cycles_;
}

std::optional<std::uint64_t> McuSession::Instructions() const {
  if (!settings_.counts_instructions()) return std::nullopt;
  return total_ns_;  // the emulator takes a nanosecond for each
}

Result<LayerCounts> McuSession::CountLayers() {
  const auto& frames = connection_.frames();
  if (!facts_ || !frames || queries_.empty()) return LayerCounts();
  const Status loaded = LoadOnBoard(on_board_.value_or(0));
  if (!loaded.ok()) return connection_.Explain(kLoadingInput, loaded);
  auto counts = client_->Profile(facts_->layers.size());
  if (!counts.ok()) return connection_.Explain(kCountingLayers, counts.status());
  LayerCounts layers{"cycles", *std::move(counts)};
  if (CountsCycles(*frames) && !settings_.counts_instructions()) return layers;
  layers.unit = settings_.counts_instructions() ? "instructions" : "ns";
  for (std::uint64_t& count : layers.counts) count = CountsToNs(count, frames->counter_hz);
  return layers;
}

Result<std::vector<TensorView>> McuSession::ReadOutputs() {
  if (!last_query_) return FailedPreconditionError("no query has run successfully, so there are no outputs");
  auto outputs = client_->ReadOutputs();
  if (!outputs.ok()) return connection_.Explain(kReadingOutputs, outputs.status());
  output_bytes_ = *std::move(outputs);
  std::vector<TensorView> views;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Shape shape = outputs_[i].shape;
    for (std::int64_t& dimension : shape) dimension = dimension < 0 ? 1 : dimension;
    views.push_back({outputs_[i].type, std::move(shape), output_bytes_[i]});
  }
  return views;
}

}  // namespace

Result<std::unique_ptr<Session>> OpenMcuSession(const McuSettings& settings, const SessionRequest& request,
                                                Deadline deadline) {
  const std::map<std::string, std::string> unknown = OptionsAsText(request.options);
  if (!unknown.empty()) {
    return UnimplementedError("driver 'mcu' has no runtime option '" + unknown.begin()->first +
                              "'; leave it out of the variant or select other devices");
  }
  auto session = std::make_unique<McuSession>(settings, request);
  PADDOCK_RETURN_IF_ERROR(session->Open(request, deadline));
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace paddock

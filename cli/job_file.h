// A job from a YAML file and flags: read strictly into the wire's JobSpec, field by field as the message declares them, so
// that file, flags and gRPC share one schema. Errors name the file and the path of the field.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "paddock/v1/job.pb.h"

namespace paddock {

// The flags of `run` and `submit`. What is set here stands above the file.
struct JobFlags {
  std::string file;  // empty: everything comes from the flags
  std::string model;
  std::string data;
  std::vector<std::string> inputs;  // MODEL_INPUT=ARRAY
  std::string labels;
  std::string task;
  std::vector<std::string> on;
  std::vector<std::string> variants;
  std::string scenario;
  std::optional<std::uint64_t> samples;
  std::string calibration;  // file with samples that are not measured
  std::optional<std::uint32_t> repetitions;
  std::vector<std::string> budgets;  // KPI<=LIMIT[,KPI>=LIMIT]...
  std::string name;
};

struct JobRequest {
  v1::JobSpec spec;
  // Path as it stands in the spec -> path to open: those of the file are relative to its folder, those of flags to ours.
  std::map<std::string, std::string> files;
};

// INVALID_ARGUMENT for everything that is wrong with the file or the flags. Model and data are not opened.
Result<JobRequest> ReadJob(const JobFlags& flags);

// Where AIMET writes the encodings of a model: "nets/net.encodings" for "nets/net.onnx".
std::string EncodingsBeside(const std::string& model_path);

// Every key must be a field of `message`, every value of its type; numbers are taken for text fields too.
Status FillMessage(const Json& json, const std::string& path, google::protobuf::Message& message);

}  // namespace paddock

#include <iostream>
#include <map>

#include "cli/blob_upload.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/result_table.h"

namespace paddock {
namespace {

template <typename List>
std::string Joined(const List& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

template <typename Map>
std::string JoinedPairs(const Map& map) {
  std::string text;
  for (const auto& [key, value] : std::map<std::string, std::string>(map.begin(), map.end())) {
    text += (text.empty() ? "" : ",") + key + "=" + value;
  }
  return text;
}

std::string ShapeText(const v1::TensorDescription& tensor) {
  std::string text;
  for (const std::int64_t dimension : tensor.shape()) {
    text += (text.empty() ? "" : " x ") + (dimension < 0 ? "?" : std::to_string(dimension));
  }
  return text.empty() ? "scalar" : text;
}

std::string QuantizationText(const v1::TensorDescription& tensor) {
  if (!tensor.has_quantization()) return "";
  return "  scale " + ExactNumber(tensor.quantization().scale()) + ", zero point " +
         std::to_string(tensor.quantization().zero_point());
}

// Name and value per row: aligned without a head line for people, with one in CSV.
void PrintFields(OutputFormat format, Table fields) {
  if (format == OutputFormat::kCsv) fields.columns = {"field", "value"};
  PrintTable(format, fields, "");
}

// "around each run; 14 made, r-17 took 1.02 of the median before"; empty for a device that makes none.
std::string GoldenText(const v1::Device& device) {
  std::string text = device.description().golden();
  if (!device.has_golden()) return text;
  const v1::GoldenState& golden = device.golden();
  text = (text.empty() ? "none any more" : text) + "; " + std::to_string(golden.runs()) + " made";
  if (golden.last_run().empty()) return text + ", none of them valid";
  if (golden.has_last_ratio())
    text += ", " + golden.last_run() + " took " + Figure(golden.last_ratio(), "1") + " of the median before";
  return golden.drifting() ? text + ": the device drifts" : text;
}

Table DeviceFields(const v1::Device& device) {
  const v1::DeviceDescription& description = device.description();
  Table table;
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) table.rows.push_back({name, value});
  };
  add("device", device.id());
  add("state", device.state() + (device.run_id().empty() ? "" : " with run " + device.run_id()));
  add("problem", device.problem());
  add("driver", description.driver());
  add("model", description.model());
  add("serial", description.serial());
  add("runtime", description.runtime());
  add("labels", JoinedPairs(description.labels()));
  add("shares", Joined(description.shares()));
  add("takes", Joined(description.artifact_kinds()));
  for (const auto& [kind, last] : std::map<std::string, v1::DeviceDescription::Steps>(
           description.last_steps().begin(), description.last_steps().end()))
    add("  and " + kind, "after: " + Joined(last.steps()));
  add("outputs", description.computes_outputs() ? "computed" : "not computed: latency only");
  if (description.has_batch_bytes_limit()) {
    add("batch limit", Figure(static_cast<double>(description.batch_bytes_limit()), "B"));
  }
  if (description.has_artifact_bytes_limit()) {
    add("model limit", Figure(static_cast<double>(description.artifact_bytes_limit()), "B"));
  }
  if (description.has_samples_per_query_limit()) {
    add("samples per query", "up to " + std::to_string(description.samples_per_query_limit()));
  }
  add("golden runs", GoldenText(device));
  add("agent", device.agent_version());
  add("last seen", Ago(device.last_seen_wall_ms()));
  return table;
}

Table ModelFields(const v1::ModelDescription& model, const std::string& file, const Digest& digest) {
  Table table;
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) table.rows.push_back({name, value});
  };
  add("model", file);
  add("kind", model.kind());
  add("size", Figure(static_cast<double>(model.size_bytes()), "B"));
  add("sha256", digest.hex());
  add("producer", model.producer());
  if (model.opset() > 0)
    add("opset", std::to_string(model.opset()) + " (IR version " + std::to_string(model.ir_version()) + ")");
  add("parameters", std::to_string(model.parameters()));
  if (model.has_multiply_accumulates()) add("MACs", std::to_string(model.multiply_accumulates()));
  if (model.has_activation_peak_bytes())
    add("activations", Figure(static_cast<double>(model.activation_peak_bytes()), "B") + " at the peak");
  for (const auto& input : model.inputs())
    add("input", input.name() + "  " + input.type() + "  " + ShapeText(input) + QuantizationText(input));
  for (const auto& output : model.outputs())
    add("output", output.name() + "  " + output.type() + "  " + ShapeText(output) + QuantizationText(output));
  std::string operators;
  for (const auto& entry : model.operators()) {
    operators += (operators.empty() ? "" : ", ") + std::to_string(entry.count()) + " " + entry.name();
  }
  add("operators", operators);
  add("drivers", model.drivers().empty() ? "none on this farm takes it" : Joined(model.drivers()));
  for (const std::string& note : model.notes()) add("note", note);
  return table;
}

}  // namespace

int ListDevices(const Globals& globals, const std::vector<std::string>& on) {
  Connection connection(globals.server);
  v1::ListDevicesRequest request;
  request.mutable_on()->Add(on.begin(), on.end());
  v1::ListDevicesResponse response;
  const Status status =
      connection.Call(connection.devices(), &v1::DeviceService::Stub::ListDevices, request, &response);
  if (!status.ok()) return Report(status);
  if (globals.format == OutputFormat::kJson) {
    OrderedJson out = OrderedJson::array();
    for (const v1::Device& device : response.devices()) out.push_back(DeviceDocument(device));
    std::cout << Text(out);
    return kExitOk;
  }
  const bool wide = globals.format != OutputFormat::kTable;
  Table table{{"DEVICE", "DRIVER", "STATE", "RUN", "MODEL", "RUNTIME", "PROBLEM"}, {}};
  if (wide) table.columns.insert(table.columns.end(), {"LABELS", "SHARES", "AGENT", "LAST SEEN"});
  for (const v1::Device& device : response.devices()) {
    const v1::DeviceDescription& description = device.description();
    table.rows.push_back({device.id(), description.driver(), device.state(), device.run_id(),
                          description.model(), description.runtime(), device.problem()});
    if (!wide) continue;
    auto& cells = table.rows.back();
    cells.insert(cells.end(), {JoinedPairs(description.labels()), Joined(description.shares()),
                               device.agent_version(), Ago(device.last_seen_wall_ms())});
  }
  PrintTable(globals.format, table,
             on.empty() ? "no device has ever connected; start a paddock-agent for each"
                        : "no device matches; `paddock device list -o wide` shows the labels of all");
  return kExitOk;
}

int ShowDevice(const Globals& globals, const std::string& id) {
  Connection connection(globals.server);
  v1::GetDeviceRequest request;
  request.set_id(id);
  v1::Device device;
  const Status status =
      connection.Call(connection.devices(), &v1::DeviceService::Stub::GetDevice, request, &device);
  if (!status.ok()) return Report(status);
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(DeviceDocument(device));
  } else if (globals.format == OutputFormat::kName) {
    std::cout << Printable(device.id()) << "\n";
  } else {
    PrintFields(globals.format, DeviceFields(device));
  }
  return kExitOk;
}

int ListDrivers(const Globals& globals) {
  Connection connection(globals.server);
  v1::ListDriversResponse response;
  const Status status = connection.Call(connection.devices(), &v1::DeviceService::Stub::ListDrivers,
                                        v1::ListDriversRequest(), &response);
  if (!status.ok()) return Report(status);
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(DriversDocument(response));
    return kExitOk;
  }
  Table table{{"DRIVER", "DEVICES", "RUNTIMES", "SUMMARY"}, {}};
  for (const auto& entry : response.drivers()) {
    table.rows.push_back(
        {entry.driver().name(), Joined(entry.devices()), Joined(entry.runtimes()), entry.driver().summary()});
    if (globals.format != OutputFormat::kWide) continue;
    for (const v1::DriverOption& option : entry.driver().options()) {
      table.rows.push_back({"", "", "  option " + option.key(), option.help()});
    }
  }
  PrintTable(globals.format, table,
             "no agent has ever connected; a driver is listed when one that has it did");
  return kExitOk;
}

int InspectModel(const Globals& globals, const std::string& file) {
  Connection connection(globals.server);
  const auto uploaded =
      UploadFiles(connection, {{file, file}}, [](const std::string&, std::uint64_t, std::uint64_t) {});
  if (!uploaded.ok()) return Report(uploaded.status());
  const Digest& digest = uploaded->digests.at(file);
  v1::InspectModelRequest request;
  request.set_sha256(digest.hex());
  v1::ModelDescription model;
  const Status status =
      connection.Call(connection.artifacts(), &v1::ArtifactService::Stub::InspectModel, request, &model);
  if (!status.ok()) return Report(status.WithContext(file));
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(ModelDocument(model));
  } else if (globals.format == OutputFormat::kName) {
    std::cout << digest.hex() << "\n";
  } else {
    PrintFields(globals.format, ModelFields(model, file, digest));
  }
  return kExitOk;
}

}  // namespace paddock

#include "cli/command_tree.h"

namespace paddock {
namespace {

using Action = std::function<int(const Globals&)>;

CLI::App& AddNoun(CLI::App& parent, const std::string& name, const std::string& what) {
  CLI::App& noun = *parent.add_subcommand(name, what);
  noun.require_subcommand(0, 1)->fallthrough()->footer("`paddock " + name +
                                                       " COMMAND --help` shows examples.\n");
  return noun;
}

CLI::App& AddCommand(CLI::App& parent, CommandLine& line, const std::string& name, const std::string& what,
                     const std::string& examples, Action action) {
  CLI::App& command = *parent.add_subcommand(name, what);
  command.fallthrough()->footer("Examples:\n" + examples);
  command.callback([&line, action = std::move(action)] { line.action = action; });
  return command;
}

// One value per use, so that a file may follow: `--on all job.yaml`.
void AddList(CLI::App& command, const std::string& flag, std::vector<std::string>& values,
             const std::string& help, const std::string& value_name) {
  command.add_option(flag, values, help)->allow_extra_args(false)->type_name(value_name);
}

void AddJobFlags(CLI::App& command, JobFlags& job) {
  command.add_option("JOB.yaml", job.file, "The job; flags stand above what it says")->type_name("");
  command.add_option("--model", job.model, "Model file")->type_name("FILE");
  command
      .add_option("--data", job.data,
                  "Samples: .npz, .npy, CSV, raw records, or a folder or zip of images or .wav")
      ->type_name("PATH");
  AddList(command, "--input", job.inputs, "Which array feeds which input of the model; may be repeated",
          "INPUT=ARRAY");
  command.add_option("--labels", job.labels, "The array with the right answers")->type_name("ARRAY");
  command
      .add_option("--task", job.task,
                  "What accuracy means: classification, regression, segmentation, detection, events")
      ->type_name("TASK");
  AddList(command, "--on", job.on, "Devices by label: all, id=board-1, class=cpu,arch=arm64; may be repeated",
          "SELECTOR");
  AddList(command, "--variant", job.variants,
          "How the model is prepared: as-is, optimize, int8 ...; may be repeated", "NAME");
  command
      .add_option("--calibration", job.calibration,
                  "Samples for steps such as int8, instead of those of --data that are not measured")
      ->type_name("FILE");
  command
      .add_option("--scenario", job.scenario,
                  "How inferences are issued: single-stream, multi-stream, offline, server, periodic")
      ->type_name("KIND");
  command.add_option("--samples", job.samples, "How many samples to take, spread evenly over the labels")
      ->type_name("N");
  command.add_option("--repetitions", job.repetitions, "Fresh processes per run")->type_name("N");
  AddList(command, "--budget", job.budgets,
          "Limits that decide the exit code: latency_p99<=20ms,accuracy_top1>=0.9; may be repeated",
          "LIMITS");
  command.add_option("--name", job.name, "A name for the job")->type_name("TEXT");
}

void AddJobCommands(CLI::App& app, CommandLine& line) {
  AddJobFlags(
      AddCommand(
          app, line, "run", "Submit a job, follow it and show the results",
          "  paddock run job.yaml\n"
          "  paddock run job.yaml --on id=board-1 --repetitions 3\n"
          "  paddock run --model net.onnx --data samples.npz --labels y --task classification --on all\n"
          "  paddock run job.yaml -o json > result.json\n",
          [&line](const Globals& globals) { return RunJob(globals, line.job); }),
      line.job);
  AddJobFlags(AddCommand(app, line, "submit", "Submit a job and print its id",
                         "  paddock submit job.yaml\n  paddock watch $(paddock submit job.yaml)\n",
                         [&line](const Globals& globals) { return SubmitOnly(globals, line.job); }),
              line.job);
  AddCommand(app, line, "watch", "Follow a job to its end and show the results", "  paddock watch j-12\n",
             [&line](const Globals& globals) { return WatchJob(globals, line.id); })
      .add_option("JOB", line.id, "Id of the job")
      ->required()
      ->type_name("");
  AddCommand(app, line, "cancel", "End a job; runs that have ended keep their results",
             "  paddock cancel j-12\n",
             [&line](const Globals& globals) { return CancelJob(globals, line.id); })
      .add_option("JOB", line.id, "Id of the job")
      ->required()
      ->type_name("");
  CLI::App& job = AddNoun(app, "job", "List and show jobs");
  CLI::App& list =
      AddCommand(job, line, "list", "The latest jobs, without the coordinator's own golden runs",
                 "  paddock job list\n  paddock job list --limit 100 -o json\n",
                 [&line](const Globals& globals) { return ListJobs(globals, line.limit, line.with_golden); });
  list.add_option("--limit", line.limit, "How many (20)")->check(CLI::PositiveNumber)->type_name("N");
  list.add_flag("--golden", line.with_golden, "Also the golden runs");
  AddCommand(job, line, "show", "One job with its runs", "  paddock job show j-12\n",
             [&line](const Globals& globals) { return ShowJob(globals, line.id); })
      .add_option("JOB", line.id, "Id of the job")
      ->required()
      ->type_name("");
}

void AddPrepareCommand(CLI::App& app, CommandLine& line) {
  PrepareFlags& prepare = line.prepare;
  CLI::App& command =
      AddCommand(app, line, "prepare", "Make of a model what a variant makes of it, without a farm",
                 "  paddock prepare --list\n"
                 "  paddock prepare net.onnx --variant fp16 --out net_fp16.onnx\n"
                 "  paddock prepare net.onnx --variant int8 --calibration samples.npz --input image=x --out "
                 "net_int8.onnx\n"
                 "  paddock prepare --job job.yaml --variant int8 --out net_int8.onnx\n"
                 "  paddock prepare net.onnx --step 'optimize level=basic' --out net_plain.onnx\n"
                 "  paddock prepare net.tflite --step 'external tool=vela' --out net_vela.tflite\n",
                 [&prepare](const Globals& globals) { return PrepareModelFile(globals, prepare); });
  command.add_option("MODEL", prepare.model, "Model file")->type_name("");
  command
      .add_option(
          "--job", prepare.job,
          "A job whose model, variants, calibration and preprocessing are meant; flags stand above it")
      ->type_name("JOB.yaml");
  command.add_flag("--list", prepare.list, "The variants and steps that there are");
  CLI::Option* variant =
      command.add_option("--variant", prepare.variant, "A variant of the catalogue")->type_name("NAME");
  command
      .add_option("--step", prepare.steps, "A step with its options, instead of a variant; may be repeated")
      ->allow_extra_args(false)
      ->excludes(variant)
      ->type_name("'NAME KEY=VALUE'");
  command.add_option("--out", prepare.out, "File to write")->type_name("FILE");
  command
      .add_option("--calibration", prepare.calibration,
                  "Samples to learn ranges from: a data file, or random for noise")
      ->type_name("FILE");
  command
      .add_option("--encodings", prepare.encodings,
                  "AIMET's encodings (the .encodings file beside the model, of the same name)")
      ->type_name("FILE");
  AddList(command, "--input", prepare.inputs,
          "Which array of the samples feeds which input of the model; may be repeated", "INPUT=ARRAY");
  command
      .add_option("--calibration-samples", prepare.calibration_samples, "How many samples at the most (256)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  command.add_option("--seed", prepare.seed, "Which samples, or which noise (0)")->type_name("N");
  command
      .add_option("--converters", prepare.converters,
                  "YAML file that declares vendors' converters for the step external")
      ->envname("PADDOCK_CONVERTERS")
      ->type_name("FILE");
}

void AddResultCommands(CLI::App& app, CommandLine& line) {
  CLI::App& result = AddNoun(app, "result", "List, show and export results");
  CLI::App& list =
      AddCommand(result, line, "list",
                 "The latest results, or those of a job; without the coordinator's own golden runs",
                 "  paddock result list\n  paddock result list --job j-12 -o wide\n"
                 "  paddock result list --golden\n",
                 [&line](const Globals& globals) {
                   return ListResults(globals, line.id, line.limit, line.with_golden);
                 });
  list.add_flag("--golden", line.with_golden, "Also the golden runs");
  list.add_option("--job", line.id, "Only the results of this job")->type_name("JOB");
  list.add_option("--limit", line.limit, "How many (20); a job's are always all")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  CLI::App& show = AddCommand(
      result, line, "show", "One result with everything that is known about it",
      "  paddock result show r-57\n  paddock result show r-57 -o json\n"
      "  paddock result show r-57 --distribution --repetition 0\n"
      "  paddock result show r-57 --layers\n  paddock result show r-57 --transcript\n",
      [&line](const Globals& globals) {
        if (line.layers) return ShowLayers(globals, line.id);
        if (line.repetition && !line.distribution && !line.transcript)
          return Report(InvalidArgumentError("--repetition belongs to --distribution or --transcript"));
        if (line.transcript) return ShowTranscript(globals, line.id, line.repetition.value_or(0));
        return line.distribution ? ShowDistribution(globals, line.id, line.repetition)
                                 : ShowResult(globals, line.id);
      });
  show.add_option("RUN", line.id, "Id of the run")->required()->type_name("");
  CLI::Option* distribution =
      show.add_flag("--distribution", line.distribution,
                    "The latencies of all repetitions together: a curve and percentiles");
  CLI::Option* layers =
      show.add_flag("--layers", line.layers, "What each layer of a compiled model takes: MACs, bytes, counts")
          ->excludes(distribution);
  show.add_flag("--transcript", line.transcript, "What was said on the line to a microcontroller")
      ->excludes(distribution)
      ->excludes(layers);
  show.add_option("--repetition", line.repetition, "Only of this one; they count from 0")
      ->excludes(layers)
      ->type_name("N");
  CLI::App& exported =
      AddCommand(result, line, "export", "Valid results as JSON or CSV, for spreadsheets and scripts",
                 "  paddock result export j-12 --format csv --out j-12.csv\n  paddock result export --all > "
                 "everything.json\n  paddock result export r-57 --format perfetto --out r-57.json\n"
                 "  paddock result export r-57 --raw --format csv --out r-57.csv\n",
                 [&line](const Globals& globals) {
                   if (line.raw || line.export_format == "hdr" || line.export_format == "perfetto") {
                     std::string format = line.export_format;
                     if (format.empty()) format = globals.format == OutputFormat::kCsv ? "csv" : "json";
                     return ExportRaw(globals, line.id, format, line.out_file, line.all_verdicts);
                   }
                   return ExportResults(globals, line.id, line.out_file, line.all_verdicts);
                 });
  exported.add_option("ID", line.id, "A run or a job; without it the results of all jobs")->type_name("");
  exported
      .add_option("--format", line.export_format,
                  "json or csv: KPIs, the same as -o (json), or with --raw every query; hdr: a run's "
                  "histograms as HdrHistogram's log; perfetto: a run's trace for ui.perfetto.dev")
      ->check(CLI::IsMember({"json", "csv", "hdr", "perfetto"}))
      ->type_name("FORMAT");
  exported.add_flag("--raw", line.raw, "What a run measured instead of its KPIs");
  exported.add_option("--out", line.out_file, "Write to this file instead of stdout")->type_name("FILE");
  exported.add_flag("--all", line.all_verdicts, "Also results that are not valid, with their verdict");
  AddCommand(result, line, "rerun", "Repeat a run on its device and say whether it finds the same",
             "  paddock result rerun r-57\n",
             [&line](const Globals& globals) { return RerunRun(globals, line.id); })
      .add_option("RUN", line.id, "Id of the run")
      ->required()
      ->type_name("");
  CLI::App& compare =
      AddCommand(app, line, "compare", "Compare two runs, jobs or variants, device by device",
                 "  paddock compare r-57 r-61\n  paddock compare j-12 j-13 -o wide\n"
                 "  paddock compare j-12/as-is j-12/int8\n",
                 [&line](const Globals& globals) { return Compare(globals, line.id, line.second_id); });
  compare.add_option("A", line.id, "A run, a job, or a variant of a job: JOB/VARIANT")
      ->required()
      ->type_name("");
  compare.add_option("B", line.second_id, "A run, a job, or a variant of a job")->required()->type_name("");
}

void AddFarmCommands(CLI::App& app, CommandLine& line) {
  CLI::App& device = AddNoun(app, "device", "List and show devices");
  AddList(AddCommand(device, line, "list", "The devices that ever connected",
                     "  paddock device list\n  paddock device list --on class=cpu -o wide\n",
                     [&line](const Globals& globals) { return ListDevices(globals, line.on); }),
          "--on", line.on, "Only devices with these labels; may be repeated", "SELECTOR");
  AddCommand(device, line, "show", "One device with its labels and limits", "  paddock device show board-1\n",
             [&line](const Globals& globals) { return ShowDevice(globals, line.id); })
      .add_option("DEVICE", line.id, "Id of the device")
      ->required()
      ->type_name("");
  CLI::App& import = AddCommand(
      device, line, "import-map",
      "Agents' configuration files from a hardware map of Zephyr's Twister, without a farm",
      "  paddock device import-map map.yaml --out agents\n",
      [&line](const Globals& globals) { return ImportHardwareMapFile(globals, line.id, line.out_file); });
  import.add_option("FILE", line.id, "The map")->required()->type_name("");
  import.add_option("--out", line.out_file, "Folder for the files, made when it is not there")
      ->required()
      ->type_name("DIR");
  AddCommand(device, line, "export-map",
             "A hardware map for Zephyr's Twister of the farm's microcontroller boards at serial ports",
             "  paddock device export-map > map.yaml\n  paddock device export-map --attached\n",
             [&line](const Globals& globals) { return ExportHardwareMap(globals, line.attached); })
      .add_flag("--attached", line.attached, "Of what is attached to this machine instead");
  AddPrepareCommand(app, line);
  AddCommand(AddNoun(app, "model", "Look into models"), line, "inspect",
             "What a model takes and gives, and which drivers take it", "  paddock model inspect net.onnx\n",
             [&line](const Globals& globals) { return InspectModel(globals, line.id); })
      .add_option("FILE", line.id, "Model file; uploaded when the farm lacks it")
      ->required()
      ->type_name("");
  AddCommand(AddNoun(app, "driver", "List drivers"), line, "list",
             "The drivers of the agents that ever connected",
             "  paddock driver list\n  paddock driver list -o wide\n", ListDrivers);
  AddCommand(app, line, "doctor", "Check the farm part by part and say what to do next", "  paddock doctor\n",
             Doctor);
}

void AddImportCommands(CLI::App& app, CommandLine& line) {
  CLI::App& mlperf_tiny = AddCommand(
      AddNoun(app, "import", "Compute results that others published again, without a farm"), line,
      "mlperf-tiny", "A task folder of an MLPerf Tiny results archive (v0.5 to v1.3)",
      "  paddock import mlperf-tiny closed/ORGANISATION/results/SYSTEM/kws\n"
      "  paddock import mlperf-tiny ic --labels y_labels.csv -o json\n",
      [&line](const Globals& globals) { return ImportMlperfTiny(globals, line.id, line.labels_file); });
  mlperf_tiny.add_option("DIR", line.id, "Folder with performance, energy or accuracy, or one of these")
      ->required()
      ->type_name("");
  mlperf_tiny.add_option("--labels", line.labels_file, "The right answers: y_labels.csv of the data set")
      ->type_name("FILE");
}

}  // namespace

void AddCommands(CLI::App& app, CommandLine& line) {
  app.require_subcommand(0, 1);
  app.add_option("--server", line.server, "The coordinator (" + std::string(kDefaultServer) + ")")
      ->envname("PADDOCK_SERVER")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->type_name("HOST:PORT");
  app.add_option("-o,--output", line.output, "table, wide, json, csv or name (table); the last one counts")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->type_name("FORMAT");
  AddJobCommands(app, line);
  AddResultCommands(app, line);
  AddImportCommands(app, line);
  AddFarmCommands(app, line);
}

}  // namespace paddock

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "base/option_reader.h"
#include "device_drivers/meters/rapl_meter.h"

namespace paddock {
namespace {

constexpr const char* kPmu = "/sys/bus/event_source/devices/power";
constexpr std::int64_t kRefreshNs = 1'000'000;  // the processor updates its counters about once a millisecond

class KernelPerfEvents final : public PerfEvents {
 public:
  Result<int> Open(std::uint32_t type, std::uint64_t config, int cpu) override {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = type;
    attributes.config = config;
    const long descriptor = ::syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    if (descriptor >= 0) return static_cast<int>(descriptor);
    const int error = errno;
    const std::string what = "perf_event_open of the power PMU on processor " + std::to_string(cpu);
    if (error == EACCES || error == EPERM) {
      return PermissionDeniedError(what +
                                   ": not permitted; set kernel.perf_event_paranoid to 0 or give the agent "
                                   "CAP_PERFMON");
    }
    return UnavailableError(ErrnoStatus(error, what).message());
  }

  Result<std::uint64_t> Read(int descriptor) override {
    std::uint64_t count = 0;
    if (::read(descriptor, &count, sizeof count) != sizeof count) {
      return UnavailableError("the power PMU's counter cannot be read");
    }
    return count;
  }

  void Close(int descriptor) override { ::close(descriptor); }
};

// "0,28" or "0-1,28": the processors on which the packages are to be read.
Result<std::vector<int>> ParseCpuMask(const std::string& text) {
  const Status bad = UnavailableError(std::string(kPmu) + "/cpumask holds '" + text + "'");
  std::vector<int> cpus;
  const char* position = text.data();
  const char* const end = position + text.size();
  while (position != end) {
    int first = 0;
    auto parsed = std::from_chars(position, end, first);
    if (parsed.ec != std::errc()) return bad;
    int last = first;
    if (parsed.ptr != end && *parsed.ptr == '-') {
      parsed = std::from_chars(parsed.ptr + 1, end, last);
      if (parsed.ec != std::errc()) return bad;
    }
    if (first < 0 || last < first || last - first > 4096) return bad;
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (parsed.ptr != end && *parsed.ptr != ',') return bad;
    position = parsed.ptr == end ? end : parsed.ptr + 1;
  }
  if (cpus.empty()) return bad;
  return cpus;
}

// "event=0x02"
Result<std::uint64_t> ParseEvent(const std::string& text, const std::string& path) {
  std::uint64_t config = 0;
  const std::string prefix = "event=0x";
  if (text.compare(0, prefix.size(), prefix) == 0) {
    const auto parsed = std::from_chars(text.data() + prefix.size(), text.data() + text.size(), config, 16);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return config;
  }
  return UnavailableError(path + ": holds '" + text + "' and not event=0x..");
}

class RaplPerfReader final : public MeterReader {
 public:
  RaplPerfReader(std::unique_ptr<PerfEvents> events, std::uint32_t type, std::uint64_t config, double scale_j,
                 std::vector<int> cpus)
      : events_(std::move(events)), type_(type), config_(config), scale_j_(scale_j), cpus_(std::move(cpus)) {}
  ~RaplPerfReader() override { CloseAll(); }

  Status Open() override {
    if (!descriptors_.empty()) return OkStatus();
    for (const int cpu : cpus_) {
      auto descriptor = events_->Open(type_, config_, cpu);
      if (!descriptor.ok()) {
        CloseAll();
        return descriptor.status();
      }
      descriptors_.push_back(*descriptor);
    }
    return OkStatus();
  }

  Result<std::int64_t> Read() override {
    double joules = 0;
    for (const int descriptor : descriptors_) {
      PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t count, events_->Read(descriptor));
      joules += static_cast<double>(count) * scale_j_;
    }
    return std::llround(joules * 1e6);
  }

 private:
  void CloseAll() {
    for (const int descriptor : descriptors_) events_->Close(descriptor);
    descriptors_.clear();
  }

  const std::unique_ptr<PerfEvents> events_;
  const std::uint32_t type_;
  const std::uint64_t config_;
  const double scale_j_;
  const std::vector<int> cpus_;
  std::vector<int> descriptors_;
};

}  // namespace

std::span<const OptionDoc> RaplPerfOptions() {
  static constexpr OptionDoc kOptions[] = {
      {"domain", "pkg: the processor packages; psys: the platform, where it is wired (default pkg)"},
      {"period_ms", "time between readings (default 50)"},
  };
  return kOptions;
}

Result<std::unique_ptr<PowerMeter>> CreateRaplPerfMeter(const DriverOptions& options,
                                                        const std::string& root) {
  return CreateRaplPerfMeterOf(options, SysfsTree(root), std::make_unique<KernelPerfEvents>(), MeterSeams());
}

Result<std::unique_ptr<PowerMeter>> CreateRaplPerfMeterOf(const DriverOptions& options, const SysfsTree& tree,
                                                          std::unique_ptr<PerfEvents> events,
                                                          const MeterSeams& seams) {
  OptionReader read("meter 'rapl-perf'", options);
  const std::string domain = read.Choice("domain", "pkg", {"pkg", "psys"});
  const auto period_ms = static_cast<std::int64_t>(read.Unsigned("period_ms", 50, 1, 10'000));
  PADDOCK_RETURN_IF_ERROR(read.Finish());

  const std::string pmu = kPmu;
  const std::string event = pmu + "/events/energy-" + domain;
  if (!tree.Exists(pmu + "/type")) return NotFoundError("there is no power PMU at " + pmu);
  if (!tree.Exists(event)) return NotFoundError("the power PMU has no energy-" + domain);
  PADDOCK_ASSIGN_OR_RETURN(const std::int64_t type, tree.Integer(pmu + "/type"));
  PADDOCK_ASSIGN_OR_RETURN(const std::string event_text, tree.Text(event));
  PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t config, ParseEvent(event_text, event));
  PADDOCK_ASSIGN_OR_RETURN(const double scale_j, tree.Number(event + ".scale"));
  PADDOCK_ASSIGN_OR_RETURN(const std::string mask, tree.Text(pmu + "/cpumask"));
  PADDOCK_ASSIGN_OR_RETURN(std::vector<int> cpus, ParseCpuMask(mask));
  if (!(scale_j > 0)) return UnavailableError(event + ".scale: must be over 0");

  MeterDescription meter;
  meter.source = "rapl-perf";
  meter.boundary = domain == "pkg" ? "package" : "platform";
  meter.kind = MeterKind::kCounter;
  meter.averaging_ns = kRefreshNs;
  for (std::size_t i = 0; i < cpus.size(); ++i)
    meter.rails.push_back("energy-" + domain + "-" + std::to_string(i));
  meter.period_ns = period_ms * 1'000'000;
  meter.lsb = scale_j;
  auto reader = std::make_unique<RaplPerfReader>(std::move(events), static_cast<std::uint32_t>(type), config,
                                                 scale_j, std::move(cpus));
  PADDOCK_RETURN_IF_ERROR(reader->Open());
  PADDOCK_RETURN_IF_ERROR(reader->Read().status());
  return std::unique_ptr<PowerMeter>(
      std::make_unique<PolledMeter>(std::move(meter), std::move(reader), seams));
}

}  // namespace paddock

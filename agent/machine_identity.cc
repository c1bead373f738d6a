// EnvironmentProbe::Identify(): what does not change while a repetition runs.
#include <sched.h>
#include <sys/prctl.h>

#include "agent/environment_probe.h"
#include "agent/processor_placement.h"

namespace paddock::agent {
namespace {

std::optional<std::string> FirstText(const MachineFiles& files, std::initializer_list<const char*> paths) {
  for (const char* path : paths)
    if (auto text = files.Text(path)) return text;
  return std::nullopt;
}

std::optional<std::string> OsImage(const MachineFiles& files) {
  if (auto release = files.Text("/etc/nv_tegra_release")) return release;
  const std::string text = files.Bytes("/etc/os-release").value_or("");
  const std::string key = "PRETTY_NAME=\"";
  const auto found = text.find(key);
  if (found == std::string::npos) return std::nullopt;
  const auto begin = found + key.size();
  return Printable(std::string_view(text).substr(begin, text.find_first_of("\"\n", begin) - begin));
}

// x86 names the model; ARM gives numbers ("0x41 0xd0b" is a Cortex-A76), some kernels a hardware line.
std::optional<std::string> CpuModel(const MachineFiles& files) {
  const std::string text = files.Bytes("/proc/cpuinfo").value_or("");
  for (const char* key : {"model name", "Hardware"})
    if (const auto value = ValueOfLine(text, key); value && !value->empty()) return Printable(*value);
  const auto implementer = ValueOfLine(text, "CPU implementer");
  const auto part = ValueOfLine(text, "CPU part");
  if (!implementer || !part) return std::nullopt;
  return Printable(std::string(*implementer) + " " + std::string(*part));
}

// "always [madvise] never" -> "madvise"
std::optional<std::string> HugePages(const MachineFiles& files) {
  const auto text = files.Text("/sys/kernel/mm/transparent_hugepage/enabled");
  if (!text) return std::nullopt;
  const auto begin = text->find('[');
  const auto end = text->find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return std::nullopt;
  return text->substr(begin + 1, end - begin - 1);
}

std::string SchedulerClassName(int policy) {
  switch (policy & ~SCHED_RESET_ON_FORK) {
    case SCHED_OTHER:
      return "other";
    case SCHED_FIFO:
      return "fifo";
    case SCHED_RR:
      return "rr";
    case SCHED_BATCH:
      return "batch";
    case SCHED_IDLE:
      return "idle";
    default:
      return "class " + std::to_string(policy);
  }
}

}  // namespace

Fingerprint EnvironmentProbe::Identify() const {
  Fingerprint identity;
  identity.kernel = files_.Text("/proc/sys/kernel/osrelease");
  identity.os_image = OsImage(files_);
  identity.command_line = files_.Text("/proc/cmdline");
  identity.board = FirstText(files_, {"/sys/firmware/devicetree/base/model", "/proc/device-tree/model",
                                      "/sys/class/dmi/id/product_name"});
  identity.serial =
      FirstText(files_, {"/sys/firmware/devicetree/base/serial-number", "/proc/device-tree/serial-number",
                         "/sys/class/dmi/id/product_serial"});
  identity.cpu_model = CpuModel(files_);
  const auto online = ParseCpuList(files_.Text("/sys/devices/system/cpu/online").value_or(""));
  if (!online.empty()) identity.cores = online.size();
  identity.isolated_cpus = files_.Text("/sys/devices/system/cpu/isolated");
  identity.huge_pages = HugePages(files_);
  identity.address_randomisation = files_.Unsigned("/proc/sys/kernel/randomize_va_space");
  if (!files_.is_this_machine()) return identity;

  const auto allowed = KernelScheduler().allowed_cpus();
  if (!allowed.empty()) identity.affinity = CpuListText(allowed);
  const int policy = ::sched_getscheduler(0);
  if (policy >= 0) identity.scheduler_class = SchedulerClassName(policy);
  sched_param parameters{};
  if (::sched_getparam(0, &parameters) == 0) identity.scheduler_priority = parameters.sched_priority;
  const int slack_ns = ::prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  if (slack_ns >= 0) identity.timer_slack_ns = static_cast<std::uint64_t>(slack_ns);
  return identity;
}

}  // namespace paddock::agent

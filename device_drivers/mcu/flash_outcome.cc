// What the tools' answers mean: one table of their words.
#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "base/subprocess.h"
#include "device_drivers/mcu/flash_tool.h"

namespace paddock {
namespace {

struct Phrase {
  FlashTool tool;
  FlashOutcome outcome;
  std::string_view words;
};
// For each tool in the order of their weight: a probe that may not be opened is "not found" two lines later.
constexpr Phrase kPhrases[] = {
    {FlashTool::kOpenOcd, FlashOutcome::kNoAccess, "LIBUSB_ERROR_ACCESS"},
    {FlashTool::kOpenOcd, FlashOutcome::kProbeBusy, "LIBUSB_ERROR_BUSY"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoProbe, "open failed"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoProbe, "unable to find a matching CMSIS-DAP device"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoProbe, "No J-Link device found"},
    {FlashTool::kOpenOcd, FlashOutcome::kBadSetup, "Error: Can't find interface/"},
    {FlashTool::kOpenOcd, FlashOutcome::kBadSetup, "Error: Can't find target/"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoTarget, "unable to connect to the target"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoTarget, "Error connecting DP"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoTarget, "Could not find MEM-AP"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoTarget, "Target voltage too low"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoTarget, "target voltage may be too low"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoTarget, "timed out while waiting for target"},
    {FlashTool::kOpenOcd, FlashOutcome::kNoTarget, " - Not halted"},
    {FlashTool::kOpenOcd, FlashOutcome::kDoesNotFit, "no flash bank found for address"},
    {FlashTool::kOpenOcd, FlashOutcome::kVerifyFailed, "** Verify Failed **"},

    {FlashTool::kStFlash, FlashOutcome::kNoAccess, "access error"},
    {FlashTool::kStFlash, FlashOutcome::kNoAccess, "LIBUSB_ERROR_ACCESS"},
    {FlashTool::kStFlash, FlashOutcome::kProbeBusy, "LIBUSB_ERROR_BUSY"},
    {FlashTool::kStFlash, FlashOutcome::kNoProbe, "ST-Link devices"},  // Couldn't find any
    {FlashTool::kStFlash, FlashOutcome::kVerifyFailed, "Verification of flash failed"},
    {FlashTool::kStFlash, FlashOutcome::kDoesNotFit, "addr too high"},
    {FlashTool::kStFlash, FlashOutcome::kDoesNotFit, "addr too low"},
    {FlashTool::kStFlash, FlashOutcome::kDoesNotFit, "addr overruns"},
    {FlashTool::kStFlash, FlashOutcome::kNoTarget, "Failed to connect to target"},
    {FlashTool::kStFlash, FlashOutcome::kNoTarget, "Failed to enter SWD mode"},
    {FlashTool::kStFlash, FlashOutcome::kNoTarget, "Failed to halt the core"},
    {FlashTool::kStFlash, FlashOutcome::kNoTarget, "unknown chip id"},

    {FlashTool::kCubeProgrammer, FlashOutcome::kNoProbe, "No ST-Link detected"},
    {FlashTool::kCubeProgrammer, FlashOutcome::kNoProbe, "No debug probe detected"},
    {FlashTool::kCubeProgrammer, FlashOutcome::kNoProbe, "DEV_NO_STLINK"},
    {FlashTool::kCubeProgrammer, FlashOutcome::kNoTarget, "No STM32 target found"},
    {FlashTool::kCubeProgrammer, FlashOutcome::kVerifyFailed, "Download verification failed"},
    {FlashTool::kCubeProgrammer, FlashOutcome::kVerifyFailed, "Data mismatch found"},

    {FlashTool::kDfuUtil, FlashOutcome::kNoAccess, "LIBUSB_ERROR_ACCESS"},
    {FlashTool::kDfuUtil, FlashOutcome::kProbeBusy, "LIBUSB_ERROR_BUSY"},
    {FlashTool::kDfuUtil, FlashOutcome::kNoProbe, "No DFU capable USB device available"},
    {FlashTool::kDfuUtil, FlashOutcome::kVerifyFailed, "Programmed memory failed verification"},
    {FlashTool::kDfuUtil, FlashOutcome::kDoesNotFit, "is not writeable"},
    {FlashTool::kDfuUtil, FlashOutcome::kDoesNotFit, "received address that is out of range"},

    {FlashTool::kGdb, FlashOutcome::kNoAccess, "Permission denied"},
    {FlashTool::kGdb, FlashOutcome::kNoProbe, "Connection refused"},
    {FlashTool::kGdb, FlashOutcome::kNoProbe, "Connection timed out"},
    {FlashTool::kGdb, FlashOutcome::kNoProbe, "could not connect"},
    {FlashTool::kGdb, FlashOutcome::kNoProbe, "No such file or directory"},
    {FlashTool::kGdb, FlashOutcome::kNoTarget, "Remote communication error"},
    {FlashTool::kGdb, FlashOutcome::kNoTarget, "Remote connection closed"},
    {FlashTool::kGdb, FlashOutcome::kNoTarget, "You can't do that when your target is `exec'"},
    {FlashTool::kGdb, FlashOutcome::kDoesNotFit, "Writing to flash memory forbidden"},
    {FlashTool::kGdb, FlashOutcome::kVerifyFailed, "MIS-MATCHED!"},
};

bool SaysThatItVerified(FlashTool tool, std::string_view text) {
  const auto says = [text](std::string_view words) { return text.find(words) != std::string_view::npos; };
  switch (tool) {
    case FlashTool::kOpenOcd:
      return says("** Verified OK **");
    case FlashTool::kStFlash:
      return says("Flash written and verified!");
    case FlashTool::kCubeProgrammer:
      return says("Download verified successfully");
    case FlashTool::kDfuUtil:
      return true;  // what was read back says it
    case FlashTool::kGdb:
      // The rate is told by a load that ended well only.
      return says("Transfer rate: ") && says(": matched.") && !says("MIS-MATCHED!") &&
             !says("target is `exec'");
  }
  return false;
}

}  // namespace

FlashOutcome JudgeFlash(FlashTool tool, const ProcessResult& result) {
  if (result.timed_out) return FlashOutcome::kTimedOut;
  const std::string text = result.stdout_text + "\n" + result.stderr_text;
  if (result.succeeded() && SaysThatItVerified(tool, text)) return FlashOutcome::kFlashed;
  for (const Phrase& phrase : kPhrases) {
    if (phrase.tool == tool && text.find(phrase.words) != std::string::npos) return phrase.outcome;
  }
  return FlashOutcome::kFailed;
}

std::string_view FlashOutcomeText(FlashOutcome outcome) {
  switch (outcome) {
    case FlashOutcome::kFlashed:
      return "flashed and verified";
    case FlashOutcome::kNoProbe:
      return "no such probe";
    case FlashOutcome::kNoAccess:
      return "no access to the probe";
    case FlashOutcome::kProbeBusy:
      return "another program has the probe";
    case FlashOutcome::kNoTarget:
      return "the board does not answer its probe";
    case FlashOutcome::kVerifyFailed:
      return "verifying failed";
    case FlashOutcome::kDoesNotFit:
      return "the board has no flash where the image lies";
    case FlashOutcome::kBadSetup:
      return "the tool does not know the names it was given";
    case FlashOutcome::kTimedOut:
      return "no end within its time; killed";
    case FlashOutcome::kFailed:
      break;
  }
  return "failed";
}

std::string LastWords(const ProcessResult& result) {
  constexpr std::size_t kLimit = 400;
  std::string text = result.stderr_text;
  if (std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isspace(c) != 0; }))
    text = result.stdout_text;
  if (text.size() > 4 * kLimit) text.erase(0, text.size() - 4 * kLimit);
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7F) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.size() > kLimit) line.erase(0, line.size() - kLimit);
  return line.empty() ? "it said nothing" : "it said: " + line;
}

}  // namespace paddock

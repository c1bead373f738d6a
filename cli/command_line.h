// From the arguments of `paddock` to a command: parsing, help, and usage errors with suggestions.
#pragma once

namespace paddock {

// The exit code. Help and version go to stdout, usage errors to stderr.
int RunCommandLine(int argc, const char* const* argv);

}  // namespace paddock

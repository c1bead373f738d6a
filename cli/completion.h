// Completion for shells: `paddock __complete WORD...` prints what may stand in place of the last word, a line each.
#pragma once

#include <string>
#include <vector>

#include "cli/command_tree.h"

namespace paddock {

// `words` follow `paddock` on the command line; the last is the one being typed and may be empty. Ids come from the
// coordinator; when it does not answer within half a second there are none. Nothing is printed about errors.
std::vector<std::string> Completions(CLI::App& root, const std::string& server,
                                     const std::vector<std::string>& words);

}  // namespace paddock

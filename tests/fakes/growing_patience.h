// For behaviour at a time limit, which a busy machine may reach before there is anything to see: the same again with twice the
// time, until it holds.
#pragma once

namespace paddock {

// Calls `holds` with 1, 2, 4 and so on until it is true; at most with 32. The caller checks what the last call saw.
template <typename Holds>
void WithGrowingPatience(const Holds& holds) {
  for (int patience = 1; patience <= 32; patience *= 2) {
    if (holds(patience)) return;
  }
}

}  // namespace paddock

// Computes a Network as network.h says it, slowly and plainly: what generated code is compared with. Sums of integers are exact;
// everything else is double, rounded half to even where the layer rounds to integers.
#pragma once

#include <cstddef>
#include <vector>

#include "prepare/codegen/network.h"

namespace paddock {

using ValueBytes = std::vector<std::byte>;

// The bytes of every value of the network, by index. REQUIRES: one entry of NetworkValue::Bytes() per input.
std::vector<ValueBytes> RunReference(const Network& network, const std::vector<ValueBytes>& inputs);

// The outputs, computed in one arena at the places that PlanArena() gave, with everything scribbled over that no value owns.
// CHECKs that the inputs are left as they were.
std::vector<ValueBytes> RunReferenceInArena(const Network& network, const std::vector<ValueBytes>& inputs);

}  // namespace paddock

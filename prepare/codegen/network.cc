#include "prepare/codegen/network.h"

namespace paddock {

std::uint64_t NetworkValue::Elements() const { return ElementCount(shape).value_or(0); }

std::uint64_t NetworkValue::Bytes() const { return Elements() * ElementSize(type); }

}  // namespace paddock

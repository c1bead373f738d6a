#include "prepare/sources/data_source.h"

#include <algorithm>

namespace paddock {

std::optional<TensorInfo> DataSource::Find(std::string_view name) const {
  const auto found =
      std::find_if(arrays_.begin(), arrays_.end(), [&](const TensorInfo& info) { return info.name == name; });
  if (found == arrays_.end()) return std::nullopt;
  return *found;
}

Result<Tensor> DataSource::ReadOwnShape(const TensorInfo& array, std::uint64_t) {
  return InternalError("the samples of '" + array.name + "' have one shape");
}

const std::vector<std::string>& DataSource::ClassNames(const TensorInfo&) const {
  static const std::vector<std::string> kNone;
  return kNone;
}

}  // namespace paddock

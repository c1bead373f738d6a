// A whole array of a data file, for tests.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "prepare/data_file.h"

namespace paddock {

inline Tensor AllRows(DataFile& file, const std::string& name) {
  const auto info = file.Find(name);
  REQUIRE(info.ok());
  std::vector<std::uint64_t> rows(static_cast<std::size_t>(info->shape.at(0)));
  std::iota(rows.begin(), rows.end(), 0);
  auto tensor = file.ReadRows(name, rows);
  REQUIRE(tensor.ok());
  return std::move(*tensor);
}

}  // namespace paddock

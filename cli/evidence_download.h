// What a result rests on, from the coordinator: histograms and raw records.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/connection.h"
#include "cli/record_export.h"

namespace paddock {

// Of all repetitions or of one (by index). NOT_FOUND: there is no such run or repetition; FAILED_PRECONDITION: it has none,
// because it was not evaluated.
Result<std::vector<HistogramSpan>> FetchHistograms(Connection& connection, const v1::RunResult& result,
                                                   std::optional<std::uint32_t> repetition);

// NOT_FOUND says when it expired.
Result<RepetitionRecord> FetchRecord(Connection& connection, const std::string& run_id,
                                     std::uint32_t repetition);

// "raw record of repetition 0 expired on 2026-02-20, histogram kept", a line each; empty when all are there.
std::string ExpiredRecords(const v1::RunResult& result);

}  // namespace paddock

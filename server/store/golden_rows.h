// What the database knows of golden runs (kpi/golden.h). For this folder only.
#pragma once

#include <map>
#include <string>

#include "server/core/ports.h"
#include "server/store/results.h"
#include "server/store/sqlite.h"

namespace paddock {

Result<StorePort::GoldenUse> ReadGoldenUse(Database& database, const DeviceId& device);
// As StoreReader has them.
Result<GoldenHistory> ReadGoldenHistory(Database& database, const RunId& run, const Digest& model,
                                        const std::string& runtime);
Result<std::map<DeviceId, GoldenSummary>> ReadGoldenSummaries(Database& database);

}  // namespace paddock

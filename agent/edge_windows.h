// The energy of a device whose own pin marks the windows: it is told to run inferences in a row, often enough for each of five
// windows to last, and idles in between. Which edges are whose is found later (kpi/edge_energy.h). One thread.
#pragma once

#include <span>

#include "agent/energy_measurement.h"
#include "agent/load_scenario.h"
#include "base/clock.h"
#include "base/status.h"
#include "device_drivers/api/driver.h"
#include "kpi/run_record.h"

namespace paddock::agent {

// Fills in power, edge_source and edge_windows of the record, or no_energy: first one inference shows whether device, wire and
// meter do their part. Each window is 5 % longer than it must be when an inference takes `inference_ns`, and has another of the
// queries as far as there are more. `energy` has been started and is finished.
// Errors are those of InvokeBetweenEdges(); what the meter says is no error.
// REQUIRES: queries and inference_ns > 0.
Status MeasureBetweenEdges(Session& session, std::span<const BoundQuery> queries, double inference_ns,
                           EnergyMeasurement& energy, const Clock& clock, RepetitionRecord* record);

}  // namespace paddock::agent

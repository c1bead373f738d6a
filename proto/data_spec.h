// A job's `data` as the wire has it, as a DataSpec, without the file. Foreign input is checked for form: INVALID_ARGUMENT names
// the field as a job file spells it. Pure.
#pragma once

#include "base/status.h"
#include "kpi/data_spec.h"
#include "paddock/v1/job.pb.h"

namespace paddock {

Result<DataSpec> DataSpecFromProto(const v1::JobSpec& spec);

}  // namespace paddock

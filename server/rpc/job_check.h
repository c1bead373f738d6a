// What can be known of a job's files before anything is queued.
#pragma once

#include "base/status.h"
#include "prepare/steps.h"
#include "server/artifacts/artifact_store.h"
#include "server/core/job_spec.h"

namespace paddock {

// Do models, data, labels and calibration data fit together, and do the steps of each variant, and can encodings be read? Sets
// what kind of artifact each variant makes, or why it cannot be made here. FAILED_PRECONDITION for a file that was not uploaded;
// other errors name the field of the job. Reads files; any thread.
Status CheckJobFiles(ArtifactStore& artifacts, const StepTools& tools, JobSpec* spec);

}  // namespace paddock

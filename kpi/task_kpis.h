// The rows of the catalogue that judge answers beyond "the right class": how far probabilities can be believed, regions,
// boxes, events in a stream. What outputs and labels look like for each task is in kpi/README.md.
#pragma once

#include <span>

#include "kpi/catalog.h"

namespace paddock {

// torchmetrics' calibration_error: confidence is the largest probability (one column: that of class 1, right when the label
// is 1), bins are [i / 15, (i + 1) / 15) and a confidence of exactly 1 has its own.
std::span<const KpiDefinition> CalibrationKpis();
std::span<const KpiDefinition> SegmentationKpis();
// COCO's (cocoapi cocoeval.py): IoU 0.50 to 0.95 by 0.05, 101 recall points, 100 detections per image and class.
std::span<const KpiDefinition> DetectionKpis();
// MLPerf Tiny's streaming wake word (calc_detection_stats of its runner).
std::span<const KpiDefinition> EventKpis();

}  // namespace paddock

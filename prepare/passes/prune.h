// Step `prune`: weights of Conv, Gemm and MatMul that matter least by their magnitude are set to zero or removed. Nothing is
// trained again: what it costs in accuracy is what a run measures.
//
// kind=magnitude: in each tensor, the share `ratio` of the weights with the least magnitude becomes zero.
// kind=2:4: of each four consecutive weights along the input channels, the two with the least magnitude become zero: the
// pattern that sparse tensor cores skip. Depthwise layers have no such four and stay.
// kind=channels: the share `ratio` of a Conv's output channels with the least sum of magnitudes is removed, with what reads them
// (prune_channels.h); the model gets smaller and faster.
// INVALID_ARGUMENT: weights that are not finite, a quantised model, or nothing to prune.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "prepare/steps.h"

namespace paddock {

std::span<const OptionDoc> PruneOptions();
Status CheckPruneOptions(const std::map<std::string, std::string>& options);
Result<std::vector<std::string>> RunPrune(const StepRequest& request);

// The `count` indices with the least magnitude; among equals, the first. Pure.
std::vector<std::size_t> LeastMagnitudes(std::span<const double> magnitudes, std::size_t count);

}  // namespace paddock

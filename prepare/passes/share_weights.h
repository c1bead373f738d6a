// Step `share-weights`: the weights of a layer take few distinct values, so that the model packs to a fraction of its bytes (step
// `compress`) and computes as fast as before. In each float32 weight tensor of Conv, ConvTranspose, Gemm and MatMul with at least
// 256 elements, k-means in one dimension finds `clusters` values, from centres that lie evenly between the least and the greatest
// weight (Han, Mao and Dally: Deep Compression, 2016), and each weight becomes the centre of its cluster. Weights that are zero
// stay zero and have a centre of their own. Nothing is trained again: what it costs in accuracy is what a run measures.
// INVALID_ARGUMENT: weights that are not finite, a quantised model, or no such tensor.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "prepare/steps.h"

namespace paddock {

std::span<const OptionDoc> ShareWeightsOptions();
Status CheckShareWeightsOptions(const std::map<std::string, std::string>& options);
Result<std::vector<std::string>> RunShareWeights(const StepRequest& request);

// The weights with at most `clusters` distinct values; those that have no more stay as they are. The same weights give the same
// values. REQUIRES: finite weights, clusters of at least 2.
std::vector<float> SharedWeights(std::span<const float> weights, std::size_t clusters);

}  // namespace paddock

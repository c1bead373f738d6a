// A model's answers as rows of scores, one row per sample, and what a row says. Pure; views refer to the
// evidence.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "kpi/catalog.h"

namespace paddock {

struct Scores {
  TensorView tensor;
  std::size_t samples = 0;  // first dimension
  std::size_t columns = 0;  // everything else, flattened
  bool quantised = false;   // 8 or 16 bit integers: an order without a scale

  double At(std::size_t sample, std::size_t column) const {
    return ElementAsDouble(tensor, sample * columns + column);
  }
  // One column is the score of class 1 of two.
  std::size_t classes() const { return columns == 1 ? 2 : columns; }
};

// A value, or the code of why there is none.
template <typename T>
struct Found {
  std::optional<T> value;
  std::string_view missing;
};

struct Labelled {
  Scores scores;
  std::vector<std::size_t> labels;  // one per sample, each below scores.classes()
};

// Empty for strings, for a tensor without dimensions and for one without elements.
std::optional<Scores> ScoresOf(const TensorView& tensor);
// The first output: "not_computed", "no_predictions", "unsupported_outputs".
Found<Scores> ReadScores(const RunEvidence& evidence);
// With its labels, which must be integers of existing classes: "no_labels", "label_mismatch",
// "label_out_of_range".
Found<Labelled> ReadLabelled(const RunEvidence& evidence);

// How many classes come before `label` in the order of falling scores, ties by index; empty when the row
// holds a NaN. One column: class 1 is first when the score is above 0.5.
std::optional<std::size_t> RankOf(const Scores& scores, std::size_t sample, std::size_t label);
// The class with rank 0; empty when the row holds a NaN.
std::optional<std::size_t> PredictedClass(const Scores& scores, std::size_t sample);

// Every row without NaN is >= 0 and sums to 1 within 1e-3 (one column: lies in [0, 1]); otherwise scores are
// logits.
bool AreProbabilities(const Scores& scores);
// Of `label`; logits go through softmax (one column: the logistic function). NaN when the row holds one.
double ProbabilityOf(const Scores& scores, std::size_t sample, std::size_t label, bool probabilities);

}  // namespace paddock

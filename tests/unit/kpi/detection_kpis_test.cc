#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <catch2/catch.hpp>

#include "base/random.h"
#include "kpi/task_kpis.h"
#include "task_answers.h"

namespace paddock {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

struct TestBox {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};
struct TestObject {
  TestBox box;
  int label = 0;
  bool crowd = false;
};
struct TestDetection {
  TestBox box;
  int label = 0;
  double score = 0;
};
struct TestImage {
  std::vector<TestObject> objects;
  std::vector<TestDetection> detections;
};

double TestIou(const TestBox& d, const TestObject& o) {
  const double w = std::max(0.0, std::min(d.x2, o.box.x2) - std::max(d.x1, o.box.x1));
  const double h = std::max(0.0, std::min(d.y2, o.box.y2) - std::max(d.y1, o.box.y1));
  const double own = (d.x2 - d.x1) * (d.y2 - d.y1);
  const double other = (o.box.x2 - o.box.x1) * (o.box.y2 - o.box.y1);
  const double whole = o.crowd ? own : own + other - w * h;
  return whole > 0 ? w * h / whole : 0;
}

// cocoapi's steps written down plainly: rank, match greedily, and for each recall the best precision of any longer prefix.
double ReferenceMap(const std::vector<TestImage>& images, const std::vector<double>& thresholds) {
  std::set<int> labels;
  for (const auto& image : images) {
    for (const auto& object : image.objects) {
      if (!object.crowd) labels.insert(object.label);
    }
  }
  double sum = 0;
  for (const int label : labels) {
    for (const double threshold : thresholds) {
      struct Outcome {
        double score;
        int kind;  // 1 right, 0 wrong, -1 ignored
      };
      std::vector<Outcome> outcomes;
      double objects = 0;
      for (const auto& image : images) {
        std::vector<TestObject> truths;
        for (const bool crowd : {false, true}) {
          for (const auto& object : image.objects) {
            if (object.label == label && object.crowd == crowd) truths.push_back(object);
          }
        }
        for (const auto& truth : truths) objects += truth.crowd ? 0 : 1;
        std::vector<TestDetection> ranked;
        for (const auto& detection : image.detections) {
          if (detection.label == label) ranked.push_back(detection);
        }
        std::stable_sort(ranked.begin(), ranked.end(), [](auto& a, auto& b) { return a.score > b.score; });
        if (ranked.size() > 100) ranked.resize(100);
        std::vector<bool> used(truths.size());
        for (const auto& detection : ranked) {
          int best = -1;
          int kind = 0;
          for (const bool crowd : {false, true}) {  // crowds only when no object fits
            if (best >= 0) break;
            for (std::size_t i = 0; i < truths.size(); ++i) {
              if (truths[i].crowd != crowd || (used[i] && !crowd)) continue;
              const double iou = TestIou(detection.box, truths[i]);
              if (iou < std::min(threshold, 1 - 1e-10)) continue;
              if (best >= 0 && iou < TestIou(detection.box, truths[static_cast<std::size_t>(best)])) continue;
              best = static_cast<int>(i);
              kind = crowd ? -1 : 1;
            }
          }
          if (best >= 0) used[static_cast<std::size_t>(best)] = true;
          outcomes.push_back({detection.score, kind});
        }
      }
      std::stable_sort(outcomes.begin(), outcomes.end(), [](auto& a, auto& b) { return a.score > b.score; });
      for (int point = 0; point <= 100; ++point) {
        const double recall = point == 100 ? 1 : point * 0.01;
        double best = 0, right = 0, wrong = 0;
        for (const auto& outcome : outcomes) {
          right += outcome.kind == 1 ? 1 : 0;
          wrong += outcome.kind == 0 ? 1 : 0;
          if (right / objects >= recall && right + wrong > 0) best = std::max(best, right / (right + wrong));
        }
        sum += best / 101;
      }
    }
  }
  return sum / static_cast<double>(labels.size() * thresholds.size());
}

TaskAnswers Detections(const std::vector<TestImage>& images) {
  std::size_t objects = 1;
  std::size_t detections = 1;
  for (const auto& image : images) {
    objects = std::max(objects, image.objects.size());
    detections = std::max(detections, image.detections.size());
  }
  std::vector<double> labels, boxes, scores, classes;
  for (const auto& image : images) {
    for (std::size_t i = 0; i < objects; ++i) {
      const bool real = i < image.objects.size();
      const TestObject object = real ? image.objects[i] : TestObject{};
      labels.insert(labels.end(), {object.box.x1, object.box.y1, object.box.x2, object.box.y2,
                                   real ? static_cast<double>(object.label) : -1, object.crowd ? 1.0 : 0.0});
    }
    for (std::size_t i = 0; i < detections; ++i) {
      const bool real = i < image.detections.size();
      const TestDetection found = real ? image.detections[i] : TestDetection{};
      boxes.insert(boxes.end(), {found.box.x1, found.box.y1, found.box.x2, found.box.y2});
      scores.push_back(found.score);
      classes.push_back(real ? found.label : -1);
    }
  }
  const auto n = static_cast<std::int64_t>(images.size());
  const auto m = static_cast<std::int64_t>(detections);
  return {Task::kDetection,
          {Doubles("boxes", {n, m, 4}, boxes), Doubles("labels", {n, m}, classes),
           Doubles("Scores", {n, m}, scores)},
          Doubles("labels", {n, static_cast<std::int64_t>(objects), 6}, labels)};
}

TestBox RandomBox(Random& random) {
  const auto x = static_cast<double>(random.Below(6));
  const auto y = static_cast<double>(random.Below(6));
  return {x, y, x + 1 + static_cast<double>(random.Below(8)), y + 1 + static_cast<double>(random.Below(8))};
}

TEST_CASE("mAP is that of COCO's steps written down plainly", "[kpi][detection]") {
  std::vector<double> thresholds;
  for (int i = 0; i < 10; ++i) thresholds.push_back(i == 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9));
  Random random(5);
  for (int round = 0; round < 100; ++round) {
    std::vector<TestImage> images(1 + random.Below(4));
    images[0].objects.push_back({RandomBox(random), 0, false});
    for (auto& image : images) {
      for (std::uint64_t i = random.Below(5); i > 0; --i) {
        image.objects.push_back({RandomBox(random), static_cast<int>(random.Below(3)), random.Below(4) == 0});
      }
      for (std::uint64_t i = random.Below(round % 10 == 0 ? 350 : 8); i > 0; --i) {
        TestDetection found{RandomBox(random), static_cast<int>(random.Below(3)), 0};
        if (!image.objects.empty() && random.Below(2) == 0) {
          found.box = image.objects[random.Below(image.objects.size())].box;
          found.box.x2 += static_cast<double>(random.Below(3));
        }
        found.score = static_cast<double>(random.Below(6)) / 5;  // with ties
        image.detections.push_back(found);
      }
    }
    const auto answers = Detections(images);
    CHECK(answers.Value("map") == Approx(ReferenceMap(images, thresholds)).margin(1e-12));
    CHECK(answers.Value("map_50") == Approx(ReferenceMap(images, {0.5})).margin(1e-12));
  }
}

TEST_CASE("only the 100 best detections of a class in an image are judged", "[kpi][detection]") {
  TestImage image{{{{0, 0, 10, 10}, 0, false}}, {}};
  for (int i = 0; i < 100; ++i) image.detections.push_back({{50, 50, 60, 60}, 0, 0.9});
  image.detections.push_back({{0, 0, 10, 10}, 0, 0.8});
  CHECK(Detections({image}).Value("map") == 0);
  image.detections.front().label = 1;
  CHECK(Detections({image}).Value("map") == Approx(0.01));
}

TEST_CASE("detections without a score, a class or a box do not help", "[kpi][detection]") {
  const TestImage image{{{{0, 0, 10, 10}, 0, false}},
                        {{{0, 0, 10, 10}, 0, kNotANumber},
                         {{0, 0, 10, 10}, -1, 0.9},
                         {{kNotANumber, 0, 10, 10}, 0, 0.8},
                         {{10, 10, 0, 0}, 0, 0.8},
                         {{0, 0, 10, 10}, 0, 0.7}}};
  CHECK(Detections({image}).Value("map_50") == Approx(1.0 / 3));
}

TEST_CASE("boxes that cannot be judged say why", "[kpi][detection]") {
  const TestImage image{{{{0, 0, 10, 10}, 0, false}}, {{{0, 0, 10, 10}, 0, 1}}};
  const TaskAnswers good = Detections({image});
  CHECK(good.Value("map") == Approx(1));
  TaskAnswers answers = good;
  answers.outputs[0].info.name = "regions";
  CHECK(answers.Missing("map") == "unsupported_outputs");
  answers = good;
  answers.outputs[1].info.name = "class_scores";
  CHECK(answers.Missing("map") == "unsupported_outputs");
  answers = good;
  answers.outputs.pop_back();
  CHECK(answers.Missing("map") == "unsupported_outputs");
  answers = good;
  answers.outputs[0] = MakeTensor<std::uint8_t>("boxes", ElementType::kUint8, {1, 1, 4}, {0, 0, 10, 10});
  CHECK(answers.Missing("map") == "quantised_outputs");
  answers = good;
  answers.labels = Doubles("labels", {1, 6}, {0, 0, 10, 10, 0, 0});
  CHECK(answers.Missing("map") == "label_mismatch");
  answers.labels = Doubles("labels", {1, 1, 5}, {0, 0, 10, 10, 0.5});
  CHECK(answers.Missing("map") == "label_out_of_range");
  answers.labels = Doubles("labels", {1, 1, 5}, {0, 0, 10, -10, 0});
  CHECK(answers.Missing("map") == "label_out_of_range");
  answers.labels = Doubles("labels", {1, 1, 6}, {0, 0, 10, 10, 0, 1});
  CHECK(answers.Missing("map") == "no_objects");
}

}  // namespace
}  // namespace paddock

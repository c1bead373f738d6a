#include "server/rpc/compare.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/strict_json.h"
#include "kpi/comparison.h"
#include "kpi/pareto.h"
#include "server/rpc/convert.h"

namespace paddock {
namespace {

struct ResultPair {
  const StoredResult* a = nullptr;
  const StoredResult* b = nullptr;
};

std::string VariantNameOf(const StoredResult& result) {
  return result.run.variant < result.spec.variants.size() ? result.spec.variants[result.run.variant].name
                                                          : "";
}

std::string DeviceOf(const ResultPair& pair) {
  return pair.a->run.device == pair.b->run.device
             ? pair.a->run.device.str()
             : pair.a->run.device.str() + " / " + pair.b->run.device.str();
}

// The others become notes; a run that stands on both sides is noted once.
void KeepValid(std::vector<StoredResult>& results, std::set<RunId>& noted, v1::Comparison& out) {
  std::erase_if(results, [&](const StoredResult& result) {
    if (result.evaluation && result.evaluation->judgement.verdict == Verdict::kValid) return false;
    const std::string why =
        result.evaluation ? "its verdict is " + std::string(VerdictName(result.evaluation->judgement.verdict))
                          : "it is " + std::string(RunStateName(result.run.state));
    if (noted.insert(result.run.id).second) {
      out.add_notes("run " + result.run.id.str() + " (" + result.run.device.str() + ", " +
                    VariantNameOf(result) + ") is left out: " + why);
    }
    return true;
  });
}

std::set<std::string> VariantsOf(const std::vector<StoredResult>& results) {
  std::set<std::string> names;
  for (const StoredResult& result : results) names.insert(VariantNameOf(result));
  return names;
}

std::vector<ResultPair> PairUp(const ComparedSide& a, const ComparedSide& b, v1::Comparison& out) {
  const bool single = a.results.size() == 1 && b.results.size() == 1;
  const bool by_variant = VariantsOf(a.results) == VariantsOf(b.results);
  std::vector<ResultPair> pairs;
  std::set<const StoredResult*> paired;
  for (const StoredResult& left : a.results) {
    for (const StoredResult& right : b.results) {
      const bool fits = single || (left.run.device == right.run.device &&
                                   (!by_variant || VariantNameOf(left) == VariantNameOf(right)));
      if (!fits) continue;
      pairs.push_back({&left, &right});
      paired.insert({&left, &right});
    }
  }
  const auto note_lonely = [&](const ComparedSide& side, const ComparedSide& other) {
    for (const StoredResult& result : side.results) {
      if (paired.contains(&result)) continue;
      out.add_notes("run " + result.run.id.str() + " of " + side.name + " has no partner in " + other.name);
    }
  };
  note_lonely(a, b);
  note_lonely(b, a);
  return pairs;
}

void FillEffect(const Effect& effect, v1::Comparison::Effect& out) {
  out.set_kind(effect.is_ratio ? "ratio" : "difference");
  out.set_value(effect.value);
  if (effect.interval) {
    out.set_lower(effect.interval->lower);
    out.set_upper(effect.interval->upper);
    out.set_confidence(effect.interval->confidence);
  }
  if (effect.p_value) out.set_p_value(*effect.p_value);
  out.set_test(effect.test);
}

const KpiValue* FindValue(const StoredResult& result, const KpiDefinition& kpi) {
  const auto found = result.evaluation->kpis.values.find(std::string(kpi.name));
  return found == result.evaluation->kpis.values.end() ? nullptr : &found->second;
}

void AddPairRows(const ResultPair& pair, const PairAccuracy& pair_accuracy, v1::Comparison& out) {
  for (const KpiDefinition& kpi : KpiCatalog()) {
    const KpiValue* a = FindValue(*pair.a, kpi);
    const KpiValue* b = FindValue(*pair.b, kpi);
    if (a == nullptr || b == nullptr) continue;
    KpiComparison compared = CompareKpi(kpi, *a, *b);
    if (kpi.name == "accuracy_top1") {
      if (const auto pairs = pair_accuracy(*pair.a, *pair.b)) compared = ComparePaired(*a, *b, *pairs);
    }
    v1::Comparison::Row& row = *out.add_rows();
    row.set_device(DeviceOf(pair));
    row.set_variant_a(VariantNameOf(*pair.a));
    row.set_variant_b(VariantNameOf(*pair.b));
    row.set_run_a(pair.a->run.id.str());
    row.set_run_b(pair.b->run.id.str());
    row.set_kpi(std::string(kpi.name));
    row.set_unit(std::string(kpi.unit));
    *row.mutable_a() = KpiToProto(kpi, *a);
    *row.mutable_b() = KpiToProto(kpi, *b);
    if (compared.ratio) row.set_ratio(*compared.ratio);
    if (compared.effect) FillEffect(*compared.effect, *row.mutable_effect());
    row.set_change(std::string(ChangeName(compared.change)));
  }
}

void AddCombined(const std::vector<ResultPair>& pairs, v1::Comparison& out) {
  std::map<std::pair<std::string, std::string>, std::vector<ResultPair>> by_variants;
  for (const ResultPair& pair : pairs) {
    by_variants[{VariantNameOf(*pair.a), VariantNameOf(*pair.b)}].push_back(pair);
  }
  for (const auto& [variants, of_variants] : by_variants) {
    for (const KpiDefinition& kpi : KpiCatalog()) {
      std::vector<DevicePair> devices;
      v1::Comparison::Combined combined;
      for (const ResultPair& pair : of_variants) {
        const DevicePair values{FindValue(*pair.a, kpi), FindValue(*pair.b, kpi)};
        if (values.a == nullptr || values.b == nullptr) continue;
        devices.push_back(values);
        combined.add_devices(DeviceOf(pair));
      }
      if (devices.size() < 2) continue;
      const CombinedComparison compared = CompareOverDevices(kpi, devices);
      combined.set_variant_a(variants.first);
      combined.set_variant_b(variants.second);
      combined.set_kpi(std::string(kpi.name));
      combined.set_unit(std::string(kpi.unit));
      FillEffect(compared.effect, *combined.mutable_effect());
      combined.set_change(std::string(ChangeName(compared.change)));
      *out.add_combined() = std::move(combined);
    }
  }
}

// Everything that makes one measurement another one than the next, by name.
std::map<std::string, std::string> CircumstancesOf(const StoredResult& result) {
  std::map<std::string, std::string> out{
      {"agent", result.run.agent_version},     {"data", result.spec.data.hex()},
      {"device", result.run.device.str()},     {"driver", result.driver},
      {"model", result.spec.model.hex()},      {"repetitions", std::to_string(result.spec.repetitions)},
      {"runtime", result.evaluation->runtime}, {"task", std::string(TaskName(result.spec.task))},
      {"variant", VariantNameOf(result)},
  };
  if (result.run.prepared) out["artifact"] = result.run.prepared->artifact.hex();
  for (const auto& [key, value] : result.evaluation->options) out["option " + key] = value;
  return out;
}

// What a job asks for, as it is stored: the same for all its runs.
std::map<std::string, std::string> TermsOf(const JobSpec& spec) {
  std::map<std::string, std::string> out;
  const Json json = Json::parse(EncodeJobSpec(spec), nullptr, false);
  for (const char* part : {"scenario", "data_spec"}) {
    if (!json.contains(part)) continue;
    for (const auto& [key, value] : json[part].items()) out[part + (" " + key)] = value.dump();
  }
  return out;
}

void AddDifferences(const std::vector<ResultPair>& pairs, v1::Comparison& out) {
  std::map<const StoredResult*, std::map<std::string, std::string>> known;
  std::map<JobId, std::map<std::string, std::string>> terms;
  const auto circumstances = [&](const StoredResult* result) -> const std::map<std::string, std::string>& {
    const auto [found, is_new] = known.try_emplace(result);
    if (!is_new) return found->second;
    const auto [of_job, is_new_job] = terms.try_emplace(result->run.job);
    if (is_new_job) of_job->second = TermsOf(result->spec);
    found->second = CircumstancesOf(*result);
    found->second.insert(of_job->second.begin(), of_job->second.end());
    return found->second;
  };
  std::map<std::tuple<std::string, std::string, std::string>, std::set<std::string>> devices;
  for (const ResultPair& pair : pairs) {
    std::map<std::string, std::pair<std::string, std::string>> both;
    for (const auto& [what, value] : circumstances(pair.a)) both[what].first = value;
    for (const auto& [what, value] : circumstances(pair.b)) both[what].second = value;
    // A machine that said nothing of itself differs in nothing that is known.
    const auto& machine_a = pair.a->evaluation->machine;
    const auto& machine_b = pair.b->evaluation->machine;
    if (!machine_a.empty() && !machine_b.empty()) {
      for (const auto& [what, value] : machine_a) both[what].first = value;
      for (const auto& [what, value] : machine_b) both[what].second = value;
    }
    for (const auto& [what, values] : both) {
      if (values.first != values.second) devices[{what, values.first, values.second}].insert(DeviceOf(pair));
    }
  }
  for (const auto& [difference, of_devices] : devices) {
    v1::Comparison::Difference& entry = *out.add_differences();
    entry.set_what(std::get<0>(difference));
    entry.set_a(std::get<1>(difference));
    entry.set_b(std::get<2>(difference));
    for (const std::string& device : of_devices) entry.add_devices(device);
  }
}

void AddFront(const std::vector<const StoredResult*>& runs, v1::Comparison& out) {
  std::vector<const KpiReport*> reports;
  for (const StoredResult* run : runs) reports.push_back(&run->evaluation->kpis);
  const auto objectives = ParetoObjectives(reports, runs.front()->spec.task);
  const auto dominated = DominatedBy(reports, objectives);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    v1::Comparison::ParetoPoint& point = *out.add_pareto();
    point.set_run(runs[i]->run.id.str());
    point.set_device(runs[i]->run.device.str());
    point.set_variant(VariantNameOf(*runs[i]));
    for (const KpiDefinition* objective : objectives) point.add_objectives(std::string(objective->name));
    point.set_on_front(dominated[i].empty());
    for (const std::size_t by : dominated[i]) point.add_dominated_by(runs[by]->run.id.str());
  }
}

// Runs compete with those they were paired with, directly or through others: on a device, or the two of a single pair.
void AddPareto(const std::vector<ResultPair>& pairs, v1::Comparison& out) {
  std::map<std::string, std::vector<const StoredResult*>> by_device;
  std::set<RunId> seen;
  for (const ResultPair& pair : pairs) {
    for (const StoredResult* run : {pair.a, pair.b}) {
      if (seen.insert(run->run.id).second) by_device[DeviceOf(pair)].push_back(run);
    }
  }
  for (const auto& [device, runs] : by_device) AddFront(runs, out);
}

}  // namespace

v1::Comparison CompareSides(ComparedSide a, ComparedSide b, const PairAccuracy& pair_accuracy) {
  v1::Comparison out;
  std::set<RunId> noted;
  KeepValid(a.results, noted, out);
  KeepValid(b.results, noted, out);
  const std::vector<ResultPair> pairs = PairUp(a, b, out);
  for (const ResultPair& pair : pairs) AddPairRows(pair, pair_accuracy, out);
  AddCombined(pairs, out);
  AddDifferences(pairs, out);
  AddPareto(pairs, out);
  return out;
}

Result<std::vector<StoredResult>> OnlyVariant(std::vector<StoredResult> results, const std::string& variant) {
  std::string known;
  for (const std::string& name : VariantsOf(results)) known += (known.empty() ? "" : ", ") + name;
  std::erase_if(results, [&](const StoredResult& result) { return VariantNameOf(result) != variant; });
  if (results.empty()) return NotFoundError("no variant '" + variant + "' in the job; it has " + known);
  return results;
}

}  // namespace paddock

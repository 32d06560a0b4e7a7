#pragma once
/// A whole sweep with planted effects and no training: the demo's plan, pairs of people, and scores whose accuracy per
/// group is known. What statistics, tables and page are tried on.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "fairsweep/hash.hpp"
#include "fairsweep/outcome.hpp"
#include "fairsweep/items.hpp"
#include "fairsweep/random.hpp"
#include "metrics/evaluation.hpp"
#include "plan/make_plan.hpp"
#include "statistics/quantiles.hpp"
#include "store/analysis_file.hpp"

namespace fairsweep::testing {

inline Sweep synthetic_sweep() {
    Sweep sweep;
    sweep.name = "synthetic";
    sweep.seeds = {1, 2};
    sweep.values(Axis::architecture) = {"iresnet10-w16-56", "mobilefacenet-w16-56"};
    sweep.values(Axis::training_set) = {"faces"};
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}, Bits{4, 4}, Bits{3, 3}};
    sweep.values(Axis::calibration) = {"real", "synthetic"};
    sweep.values(Axis::sparsity) = {0.0, 0.7};
    sweep.evaluation_data = "test";
    for (const char* name : {"faces", "synthetic", "test"})
        sweep.data[name] = {name, name == std::string("test") ? "rfw" : "recordio", name, {}};
    sweep.source_text = "[sweep]\nname = synthetic\n# made by a test: <no> real faces & no training\n";
    return sweep;
}

inline Plan synthetic_plan(const Sweep& sweep = synthetic_sweep()) {
    const DataProbe probe{[](const DataSource&) { return true; }, [](const DataSource& data) { return sha256(data.name); },
                          [](const DataSource&) {
                              return std::vector<std::string>{"A", "B", "C", "D"};
                          }};
    return make_plan(sweep, probe, "0.1.0 (commit synthetic)");
}

/// Pairs per group: ten folds, the first half of each fold genuine.
inline ItemTable synthetic_pairs(std::uint32_t people = 80, std::uint32_t fold_pairs = 48) {
    ItemTable table;
    table.group_begin = {0};
    RandomStream stream(3, 0, "pairs");
    for (std::uint32_t g = 0; g < 4; ++g) {
        table.groups.push_back(std::string(1, static_cast<char>('A' + g)));
        for (std::uint32_t p = 0; p < 10 * fold_pairs; ++p) {
            const bool genuine = p % fold_pairs < fold_pairs / 2;
            const auto first = static_cast<std::uint32_t>(stream.below(people));
            auto second = first;
            while (!genuine && second == first) second = static_cast<std::uint32_t>(stream.below(people));
            table.label.push_back(genuine ? 1 : 0);
            table.identity_a.push_back(g * people + first);
            table.identity_b.push_back(g * people + second);
        }
        table.group_begin.push_back(table.size());
    }
    return table;
}

/// The planted accuracy (fraction) of a group: group D is hardest, few bits and pruning cost more where it is harder.
inline double planted_accuracy(const Point& point, std::uint32_t group) {
    const double dense =
        std::vector<double>{0.975, 0.955, 0.93, 0.87}.at(group) - (point.axes.architecture().starts_with("mobile") ? 0.015 : 0.0);
    const double hardness = 1.0 + 0.5 * group;
    double loss = point.axes.bits().weight == 3   ? 0.08
                  : point.axes.bits().weight == 4 ? 0.02
                  : point.axes.bits().weight == 8 ? 0.002
                                                  : 0.0;
    if (point.axes.sparsity() > 0.0) loss += 0.015;
    if (point.axes.calibration() == "synthetic") loss += 0.004;
    return std::max(0.52, dense - hardness * loss);
}

inline std::vector<float> synthetic_scores(const ItemTable& pairs, const Point& point) {
    RandomStream people(11, 0, "people");
    RandomStream shared(11, 0, "shared");
    // Keyed by what the point is, not by its id: the test's data must not change with the version of a stage.
    const std::string labels = point.axes.architecture() + point.axes.bits().text() + point.axes.calibration() +
                               (point.axes.sparsity() > 0.0 ? "sparse" : "");
    RandomStream own(point.seed, sha256(labels + name_of(point.arm)).prefix(), "own");
    std::vector<double> effect(1 + std::max(*std::max_element(pairs.identity_a.begin(), pairs.identity_a.end()),
                                            *std::max_element(pairs.identity_b.begin(), pairs.identity_b.end())));
    for (double& value : effect) value = people.normal();
    std::vector<float> scores;
    for (std::uint32_t g = 0; g < 4; ++g) {
        const double limit = normal_quantile(planted_accuracy(point, g));
        for (std::uint32_t p = pairs.group_begin[g]; p < pairs.group_begin[g + 1]; ++p) {
            const double person =
                (effect[pairs.identity_a[p]] + effect[pairs.identity_b[p]]) / (pairs.label[p] != 0 ? 2.0 : std::sqrt(2.0));
            const double latent = std::sqrt(0.3) * person + std::sqrt(0.67) * shared.normal() + std::sqrt(0.03) * own.normal();
            const double margin = 0.12 * (limit - latent);
            scores.push_back(static_cast<float>(std::clamp(0.3 + (pairs.label[p] != 0 ? margin : -margin), -1.0, 1.0)));
        }
    }
    return scores;
}

/// A row without an outcome.
inline Row synthetic_row(const Stage& stage) {
    Row row;
    row.stage_id = stage.id;
    row.kind = stage.kind;
    row.attempt = 1;
    row.worker = 1;
    row.host = "test";
    return row;
}

/// A done outcome of a stage.
inline StageOutcome synthetic_outcome(std::size_t stage) {
    StageOutcome outcome;
    outcome.state = StageState::done;
    outcome.wall_s = 1.0 + static_cast<double>(stage);
    outcome.measured[Metric::loss_first] = 5.0;
    outcome.measured[Metric::loss_last] = 1.0;
    return outcome;
}

/// Puts scores into the outcome of an evaluation, and the figures that follow from them.
inline void put_scores(StageOutcome& outcome, const ItemTable& pairs, std::vector<float> scores) {
    const VerificationFigures figures = verification_figures(pairs, scores);
    outcome.scores = std::move(scores);
    outcome.measured[Metric::pooled_threshold] = figures.pooled_threshold;
    for (const GroupFigures& group : figures.groups) outcome.groups.push_back(columns_of(group));
}

/// For evaluations with the figures of the point's scores.
inline StageOutcome synthetic_outcome(const Plan& plan, const ItemTable& pairs, std::size_t stage) {
    StageOutcome outcome = synthetic_outcome(stage);
    if (plan.stages[stage].kind != StageKind::evaluation) return outcome;
    const auto point =
        std::find_if(plan.points.begin(), plan.points.end(), [stage](const Point& p) { return p.evaluation_stage == stage; });
    put_scores(outcome, pairs, synthetic_scores(pairs, *point));
    return outcome;
}

/// The same without files: what analyse() takes.
inline AnalysisInput synthetic_input(const Plan& plan = synthetic_plan()) {
    AnalysisInput input;
    input.groups = plan.groups;
    input.items = synthetic_pairs();
    input.sweep_name = plan.sweep_name;
    for (const Point& point : plan.points) {
        AnalysisPoint analysed;
        analysed.point = point;
        analysed.state = StageState::done;
        analysed.recipes.baseline = "b";
        analysed.recipes.finetune = point.arm == Arm::dense ? kNoRecipe : "f";
        input.points.push_back(analysed);
    }
    return input;
}

}  // namespace fairsweep::testing

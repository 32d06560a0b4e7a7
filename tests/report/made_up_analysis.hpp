#pragma once
/// Analyses made up by hand, whose every figure is known: what sentences and tables are tried on.
#include <cmath>
#include <string>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep::testing {

inline Figure figure(double value, double half_width = 1.0) { return {value, {value - half_width, value + half_width}}; }

inline Configuration configuration_with(Arm arm, Bits bits, double sparsity = 0.0, const std::string& architecture = "net") {
    Configuration c;
    c.arm = arm;
    c.axes[Axis::architecture] = architecture;
    c.axes[Axis::training_set] = "faces";
    c.axes[Axis::bits] = bits;
    c.axes[Axis::sparsity] = sparsity;
    if (arm != Arm::dense) c.axes[Axis::calibration] = "real";
    if (arm != Arm::dense) c.axes[Axis::distillation] = "embedding";
    if (sparsity > 0.0) c.axes[Axis::pruning] = "global";
    c.baseline_recipe = "b";
    c.finetune_recipe = arm == Arm::dense ? kNoRecipe : "f";
    c.compression_recipe = bits.is_float() ? kNoRecipe : "c";
    return c;
}

/// Groups "A" and "B", the second one worse.
inline Summary summary_of(double better, double worse) {
    Summary summary;
    summary.average = figure((better + worse) / 2);
    summary.deviation = figure(2.0);
    summary.error_ratio = figure(2.0);
    summary.gap = figure(better - worse);
    summary.worst_group = 1;
    summary.worst_error = 100.0 - worse;
    summary.homogeneity_p = 0.02;
    summary.deviation_no_bias = {1.0, 1.5};
    summary.groups.resize(2);
    summary.groups[0].accuracy = figure(better);
    summary.groups[1].accuracy = figure(worse);
    return summary;
}

inline std::size_t add_configuration(Analysis& analysis, const Configuration& configuration,
                                     std::vector<std::uint64_t> seeds = {1, 2}) {
    analysis.configurations.push_back({configuration, {}, std::move(seeds), summary_of(95.0, 85.0)});
    return analysis.configurations.size() - 1;
}

/// A change with an interval of +-1 point.
inline Contrast& add_change(Analysis& analysis, std::size_t treated, std::size_t reference, const std::string& kind,
                            const std::string& metric, double points, double p_adjusted, const std::string& group = "") {
    Contrast change;
    change.treated = treated;
    change.reference = reference;
    change.kind = kind;
    change.metric = metric;
    change.group = group;
    change.estimate = {points, 0.25, 10.0, {points - 1.0, points + 1.0}};
    change.p_value = change.p_adjusted = p_adjusted;
    change.primary = kind == "compressed - sham" && metric == "gap";
    change.seeds = 2;
    analysis.contrasts.push_back(change);
    return analysis.contrasts.back();
}

inline AnalysisInput input_with_groups(std::vector<std::string> groups) {
    AnalysisInput input;
    input.groups = std::move(groups);
    input.sweep_name = "made up";
    return input;
}

}  // namespace fairsweep::testing

#pragma once
/// From an analysis file's scores to every figure that tables, page and terminal show. Numbers are made here and nowhere
/// else; what prints them only formats.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/planted.hpp"
#include "report/summary.hpp"
#include "store/analysis_file.hpp"

namespace fairsweep {

/// Everything of a point but its seed: points that differ in nothing else are one configuration.
struct Configuration {
    Arm arm{};
    AxisValues axes;                          ///< [Analysis::axes]
    std::string baseline_recipe = kNoRecipe;  ///< as in Recipes
    std::string finetune_recipe = kNoRecipe;
    std::string compression_recipe = kNoRecipe;
    auto operator<=>(const Configuration&) const = default;
};

struct AnalysedPoint {
    std::size_t index = 0;  ///< in AnalysisInput::points
    Summary summary;
};

struct AnalysedConfiguration {
    Configuration configuration;
    std::vector<std::size_t> points;  ///< indices into AnalysisInput::points, by seed; only done ones
    std::vector<std::uint64_t> seeds;
    Summary summary;  ///< means over seeds
};

/// Change of a figure between two configurations that share seeds and pairs, in percentage points.
struct Contrast {
    std::size_t treated = 0;  ///< indices into Analysis::configurations
    std::size_t reference = 0;
    std::string kind;    ///< "compressed - sham", "sham - dense", "compressed - dense", "synthetic - real" ...
    std::string metric;  ///< "accuracy" of a group, "average" of all, "gap" (mean of the others minus the worst dense one), "std"
    std::string group;   ///< of accuracy and gap; else empty
    double group_share = 1.0;  ///< of gap: share of the splits of people that chose `group` as the worst one
    Estimate estimate;
    /// Holds its truth together with those of the whole primary family in 95 % of sweeps (max-t): the one to quote for the
    /// largest of many. NaN outside the primary family.
    Interval simultaneous{kUndefined, kUndefined};
    double p_value = kUndefined;
    double p_adjusted = kUndefined;  ///< Holm in the primary family, Benjamini-Hochberg elsewhere
    bool primary = false;            ///< gap, compressed - sham
    std::uint32_t seeds = 0;
    double seed_deviation = kUndefined;  ///< sd of the change between seeds, points
    bool floor = false;                  ///< one of the two has a group near guessing
};

struct Analysis {
    std::vector<AxisInfo> axes = common_axes();         ///< of the configurations
    std::vector<AnalysedPoint> points;                  ///< done ones, in the input's order
    std::vector<AnalysedConfiguration> configurations;  ///< order of first appearance in the input
    std::vector<Contrast> contrasts;
    std::optional<PlantedTruth> planted;  ///< where the faces are drawn
    std::vector<std::string> banner;      ///< what stands above all: that faces are drawn, what was planted and found
    std::vector<std::string> findings;    ///< sentences in plain words
    std::vector<std::string> warnings;
    std::map<std::string, std::string> conventions;
    double floor_percent = kFloorAccuracyPercent;  ///< accuracies below are close to guessing
    std::size_t networks_at_once = 0;              ///< so many were in memory together at most
};

struct AnalysisOptions {
    std::uint32_t replicates = 1000;  ///< of the identity bootstrap
    std::uint64_t seed = 1;
};

using ScoreSource = std::function<std::vector<float>(std::size_t point)>;

/// Throws a data error when no point is done, or scores cannot be used. `scores` is asked once for every done point, in an order
/// in which few networks are in memory together.
[[nodiscard]] Analysis analyse(const AnalysisInput& input, const ScoreSource& scores, const AnalysisOptions& options = {});

}  // namespace fairsweep

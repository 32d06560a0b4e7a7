#pragma once
/// Configurations in words, and the small change of sentences.
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep {

[[nodiscard]] Configuration configuration_of(const AnalysisPoint& point);

/// "iresnet10-w16-56, 4 bits, real calibration, sparsity 0.7 (2:4)"; other axes where they vary, recipes where nothing else
/// tells two configurations apart. Without the arm.
class ConfigurationNames {
public:
    /// `axes` are those of the configurations.
    ConfigurationNames(const std::vector<AnalysedConfiguration>& all, const std::vector<AxisInfo>& axes);
    [[nodiscard]] std::string operator()(const Configuration& configuration) const;

private:
    [[nodiscard]] std::string recipes(const Configuration& configuration) const;

    /// The recipes of all configurations that are equal in arm and axes.
    struct RecipesThere {
        std::set<std::string> baseline, finetune, compression;
    };

    std::vector<AxisInfo> axes_;
    std::map<Configuration, RecipesThere> recipes_;  ///< by configurations without recipes
    bool training_sets_vary_ = false;
    bool distillations_vary_ = false;
};

/// "sparsity 0.7 (2:4)": how many weights are zero, and the way of pruning where it is not the usual one.
[[nodiscard]] std::string sparsity_text(const Configuration& configuration);

/// "1 seed", "4 seeds".
[[nodiscard]] std::string counted(std::size_t count, const std::string& noun);
/// "none" or the number.
[[nodiscard]] std::string number_or_none(std::size_t count);
/// "a; b; c"; of more than `most` the first ones "and 7 more".
[[nodiscard]] std::string listed(const std::vector<std::string>& words, std::size_t most);
/// "+1.2", "-0.4", "0.0": one digit, no sign where it rounds to zero.
[[nodiscard]] std::string signed_points(double value);
/// "[-1.0, +0.2]"
[[nodiscard]] std::string signed_range(const Interval& interval);

}  // namespace fairsweep

#pragma once
/// Which configurations are compared with which, in what order, and by how much they differ.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/analysis.hpp"
#include "report/network.hpp"
#include "statistics/simultaneous.hpp"
#include "statistics/worst_group.hpp"

namespace fairsweep {

/// A configuration against another one, over the seeds that both have.
struct Comparison {
    struct Pair {
        std::size_t reference, treated;  ///< points of one seed
    };
    std::size_t treated = 0;  ///< positions of configurations
    std::size_t reference = 0;
    std::string kind;
    std::vector<Pair> seeds;
};

/// What is done at one time: a configuration against all that it is compared with.
struct ContrastStep {
    std::size_t treated = 0;
    std::vector<Comparison> comparisons;  ///< none: its figures alone are wanted
    std::optional<std::size_t> before;    ///< the dense arm (the sham arm where there is none), which names the worst group
    std::vector<std::size_t> needs;       ///< configurations whose networks must be there, `treated` among them
    std::vector<std::size_t> last_use;    ///< those of `needs` that no later step needs
};

/// One step per configuration. What is compared with the same networks comes one after another, so that few networks are needed
/// at a time: those of a baseline, of the shams of one fine-tune of it, and of one way of compression on each calibration set.
[[nodiscard]] std::vector<ContrastStep> contrast_steps(const std::vector<AnalysedConfiguration>& configurations);

using NetworksByPoint = std::map<std::size_t, ScoredNetwork>;

/// The worst group of the networks before compression, and the mean accuracies that it was chosen by.
struct WorstBefore {
    WorstGroup worst;
    std::vector<double> accuracy;  ///< [groups] mean over the networks
    GroupDeviations deviations;
};

/// `points`: those of the configuration before compression, at least one. Nothing where a group has too few people to choose
/// the worst one on others than it is judged on.
[[nodiscard]] std::optional<WorstBefore> worst_before(const PeopleHalves& halves, const std::vector<std::size_t>& points,
                                                      const NetworksByPoint& networks);

/// Contrasts of one step. p values are not adjusted yet.
struct ContrastList {
    std::vector<Contrast> contrasts;
    std::vector<FamilyMember> family;  ///< what simultaneous limits need to know, in the order of the primary contrasts
};

/// Gaps are named after the worst group of `before`, chosen on other people than those they are judged on; null: no gaps.
[[nodiscard]] ContrastList contrasts_of(const EvaluationSet& set, const PeopleHalves& halves, const ContrastStep& step,
                                        const WorstBefore* before, const NetworksByPoint& networks);

/// All contrasts, in the order of `lists` [configurations]; adjusted p values, simultaneous limits and floors are filled in.
[[nodiscard]] std::vector<Contrast> unite_contrasts(std::vector<ContrastList> lists,
                                                    const std::vector<AnalysedConfiguration>& configurations, std::uint64_t seed);

}  // namespace fairsweep

#pragma once
/// From the scores of one matcher on grouped pairs to every figure of the RFW protocol, with intervals and no-bias references:
/// what `fairsweep evaluate` reports. One function, so that any source of scores gives the same figures.
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fairsweep/items.hpp"
#include "statistics/spread.hpp"

namespace fairsweep {

struct ScoreReport {
    struct Group {
        std::string name;
        std::uint32_t genuine = 0;  ///< pairs
        std::uint32_t impostor = 0;
        std::optional<double> accuracy_10fold;  ///< percent
        std::optional<double> eer;              ///< fraction
        std::optional<double> auc;
    };
    /// Rates of a group at a threshold; fractions.
    struct Rates {
        std::optional<double> fmr, fnmr, accuracy;
    };
    /// One threshold for all groups.
    struct At {
        std::string name;  ///< "accuracy", "fmr=1e-2", "fmr=1e-3"
        std::optional<double> threshold;
        std::optional<double> fdr, ir, garbe;  ///< alpha 0.5; empty where a group expects fewer than 3 errors of a kind
        std::vector<Rates> groups;             ///< in the order of ScoreReport::groups
    };

    std::vector<Group> groups;
    std::optional<double> average, std, ser, gap;  ///< over the groups' accuracy_10fold; average, std, gap in percent points
    std::vector<At> at;
    std::string threshold_source = "test";  ///< one list of pairs: thresholds are chosen on it
    /// 95 %; by the place of the figure: "std", "at.accuracy.groups.A.fmr". What stands at a threshold counts how the
    /// threshold was chosen; with ".frozen" behind, it is about this very threshold.
    std::map<std::string, Interval> intervals;
    std::map<std::string, std::string> without_interval;  ///< figures that have none, and why
    std::map<std::string, NoBias> no_bias;                ///< "std", "ser", "at.accuracy.fdr"
    std::map<std::string, std::string> conventions;
    std::vector<std::string> warnings;  ///< one for every undefined value, and for what limits the figures
};

struct ScoreReportOptions {
    std::uint32_t replicates = 1000;  ///< of the identity bootstrap
    std::uint64_t seed = 1;
    bool identities_known = true;  ///< false: pairs are taken as independent, with a warning
    /// [pairs] 0 ... folds - 1, ascending within each group; empty: ten contiguous folds in the order of the pairs.
    std::vector<std::uint32_t> folds = {};
    std::vector<std::string> warnings = {};  ///< what the source of the pairs has to say; come before the report's own
    std::string score_convention = {};       ///< what a score is, where it is not the similarity that was given
};

/// `scores` [pairs of the table]: similarities, a pair matches when score >= threshold; in float64, as they are. Undefined
/// figures are empty and have a warning. Scores outside [-1, 1] are no cosines: the figures of the ten-fold grid are then
/// undefined, as they are in a group with pairs of one kind only. A group whose AUC is below one half has the first warning.
/// Throws a data error when a score is not finite, when their number is not that of the pairs, or without pairs.
[[nodiscard]] ScoreReport score_report(const ItemTable& pairs, std::span<const double> scores,
                                       const ScoreReportOptions& options = {});

}  // namespace fairsweep

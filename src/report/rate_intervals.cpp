#include "report/rate_intervals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "metrics/fairness.hpp"
#include "statistics/index_intervals.hpp"
#include "statistics/threshold_uncertainty.hpp"

namespace fairsweep {
namespace {

constexpr const char* kNeedsBootstrap = "there are too many people for the bootstrap";

/// What a threshold decided, and what is known of where it may lie.
class ThresholdJudge {
public:
    ThresholdJudge(ScoreReport& report, ScoreReport::At& at, const EvaluationSet& set, std::span<const std::uint8_t> wrong)
        : report_(report), at_(at), set_(set), clusters_(set.clusters), wrong_(wrong), place_("at." + at.name + ".") {}

    /// Intervals of the rates: from `of`, or none because of `missing`. The frozen ones are always known.
    template <class Of>
    void judge_rates(const Of& of, const std::string& missing) {
        for (std::uint32_t g = 0; g < set_.groups(); ++g) {
            for (const bool genuine : {false, true}) {
                const PairSubset& pairs = subset(g, genuine);
                if (pairs.pairs.empty()) continue;
                const std::string name = place_ + "groups." + set_.items.groups[g] + (genuine ? ".fnmr" : ".fmr");
                report_.intervals[name + ".frozen"] = rate_estimate(clusters_, pairs, wrong_).interval;
                if (!missing.empty())
                    report_.without_interval[name] = missing;
                else
                    of(g, genuine, name);
            }
        }
        say_what_was_not_seen();
    }

    /// The rates at this very threshold, where the fairness indices of them are defined; a warning where not.
    [[nodiscard]] bool judge_indices() {
        const auto has_both = [](const ScoreReport::Rates& rates) { return rates.fmr.has_value() && rates.fnmr.has_value(); };
        if (!std::all_of(at_.groups.begin(), at_.groups.end(), has_both)) return no_indices("a group has no fmr or no fnmr");
        std::vector<double> fmr, fnmr;
        RatesAtThreshold frozen;
        for (std::uint32_t g = 0; g < set_.groups(); ++g) {
            frozen.fmr.push_back(rate_estimate(clusters_, subset(g, false), wrong_));
            frozen.fnmr.push_back(rate_estimate(clusters_, subset(g, true), wrong_));
            fmr.push_back(frozen.fmr.back().rate);
            fnmr.push_back(frozen.fnmr.back().rate);
        }
        const IndexFault fault = index_fault(frozen);
        if (fault != IndexFault::none) return no_indices(text_of(fault));
        at_.fdr = fairness_discrepancy_rate(fmr, fnmr);
        at_.garbe = garbe(fmr, fnmr);
        at_.ir = inequity_rate(fmr, fnmr);
        if (!at_.ir) report_.warnings.push_back(place_ + "ir is undefined: a group makes no error of a kind");
        return true;
    }

    void without_index_intervals(const std::string& why) {
        for (const char* index : {"fdr", "ir", "garbe"}) report_.without_interval[place_ + index] = why;
    }

    void add_index(const char* index, const Interval& interval, const NoBias& no_bias) {
        report_.intervals[place_ + index] = interval;
        report_.no_bias[place_ + index] = no_bias;
    }

    [[nodiscard]] const PairSubset& subset(std::uint32_t group, bool genuine) const {
        return genuine ? clusters_.genuine_of(group) : clusters_.impostor_of(group);
    }

private:
    bool no_indices(const std::string& why) {
        report_.warnings.push_back(fmt::format("{}fdr, ir and garbe are undefined: {}", place_, why));
        return false;
    }

    /// Nothing seen is not nothing there.
    void say_what_was_not_seen() {
        std::string text;
        for (std::uint32_t g = 0; g < set_.groups(); ++g) {
            for (const bool genuine : {false, true}) {
                const PairSubset& pairs = subset(g, genuine);
                if (pairs.pairs.empty() || rate_of(pairs, wrong_) > 0.0) continue;
                const auto trials = static_cast<std::uint32_t>(pairs.pairs.size());
                text += fmt::format("{}group {}: 0 of {}: {} below {:.2g}", text.empty() ? "" : "; ", set_.items.groups[g],
                                    trials, genuine ? "FNMR" : "FMR", rule_of_three(trials));
            }
        }
        if (!text.empty()) report_.warnings.push_back(fmt::format("at.{}: {} (95 %, rule of three)", at_.name, text));
    }

    ScoreReport& report_;
    ScoreReport::At& at_;
    const EvaluationSet& set_;
    const PairClusters& clusters_;
    std::span<const std::uint8_t> wrong_;
    std::string place_;
};

/// Why nothing is known about where the threshold of this FMR lies; empty: enough false matches are expected.
std::string too_few_impostors(const EvaluationSet& set, double fmr) {
    const double expected = fmr * static_cast<double>(set.clusters.impostor().pairs.size());
    if (expected >= kFewestFalseMatches - 1e-9) return {};
    return fmt::format("too few impostors: {:.2g} false matches expected over all groups, at least {:.0f} needed", expected,
                       kFewestFalseMatches);
}

}  // namespace

void judge_accurate_threshold(ScoreReport& report, ScoreReport::At& at, const Summary& summary, const PairErrors& errors,
                              const EvaluationSet& set) {
    ThresholdJudge judge(report, at, set, errors.pooled_error);
    const std::string missing = set.bootstrap ? "" : kNeedsBootstrap;
    judge.judge_rates(
        [&](std::uint32_t group, bool genuine, const std::string& name) {
            const GroupSummary& figures = summary.groups[group];
            report.intervals[name] = (genuine ? figures.fnmr : figures.fmr).interval;
        },
        missing);
    if (!judge.judge_indices()) return;
    if (!missing.empty()) return judge.without_index_intervals(missing);
    judge.add_index("fdr", summary.fdr.interval, summary.fdr_no_bias);
    judge.add_index("ir", summary.inequity.interval, summary.inequity_no_bias);
    judge.add_index("garbe", summary.garbe_index.interval, summary.garbe_no_bias);
}

void judge_threshold_at_fmr(ScoreReport& report, ScoreReport::At& at, double fmr, std::span<const double> scores,
                            const EvaluationSet& set) {
    const std::vector<std::uint8_t> wrong = errors_at(scores, set.items.label, at.threshold.value());
    ThresholdJudge judge(report, at, set, wrong);
    const std::string few = too_few_impostors(set, fmr);
    std::optional<AtFmr> at_fmr;
    if (few.empty())
        at_fmr.emplace(set.clusters, set.items, scores, wrong);
    else
        report.warnings.push_back(fmt::format(
            "at.{}: {}; what the matcher does at this FMR is not known well enough for intervals. Those that end in .frozen "
            "are about this very threshold",
            at.name, few));
    judge.judge_rates(
        [&](std::uint32_t group, bool genuine, const std::string& name) {
            if (genuine)
                report.intervals[name] = at_fmr->fnmr(group);
            else if (set.groups() == 1)
                report.without_interval[name] = "with one group its FMR is what the threshold was chosen for";
            else
                report.intervals[name] = at_fmr->fmr(group);
        },
        few);
    if (!judge.judge_indices()) return;
    if (!set.bootstrap) return judge.without_index_intervals(kNeedsBootstrap);
    if (!few.empty()) return judge.without_index_intervals(few);
    const RatesAtThreshold rates = rates_at_fmr(set.clusters, *set.bootstrap, *at_fmr, wrong);
    const RatesAtThreshold* const one = &rates;
    const IndexIntervals found = index_intervals(std::span(&one, 1), set.seed);
    judge.add_index("fdr", found.fdr, found.fdr_no_bias);
    judge.add_index("ir", found.ir, found.ir_no_bias);
    judge.add_index("garbe", found.garbe, found.garbe_no_bias);
}

}  // namespace fairsweep

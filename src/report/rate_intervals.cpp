#include "report/rate_intervals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "metrics/fairness.hpp"
#include "statistics/curve_estimates.hpp"
#include "statistics/index_intervals.hpp"
#include "statistics/threshold_uncertainty.hpp"

namespace fairsweep {
namespace {

constexpr const char* kNeedsBootstrap = "there are too many people for the bootstrap";

class ThresholdJudge {
public:
    ThresholdJudge(ScoreReport& report, ScoreReport::At& at, const ThresholdRule& rule, const ScoredPairs& scored)
        : report_(report), at_(at), rule_(rule), scored_(scored), clusters_(*scored.clusters), place_("at." + at.name + ".") {}

    void judge() {
        wrong_ = errors_at(scored_.scores, scored_.pairs->label, at_.threshold.value());
        choose_range();
        for (std::uint32_t g = 0; g < clusters_.groups(); ++g) {
            judge_rate(g, false);
            judge_rate(g, true);
        }
        say_what_was_not_seen();
        judge_indices();
    }

private:
    void choose_range() {
        if (rule_.most_accurate) {
            if (scored_.bootstrap == nullptr) {
                no_range_ = kNeedsBootstrap;
                return;
            }
            const ThresholdRange range = accurate_threshold_range(clusters_, *scored_.bootstrap, *scored_.pairs, scored_.scores,
                                                                  at_.threshold.value(), wrong_);
            wrong_at_low_ = errors_at(scored_.scores, scored_.pairs->label, range.low);
            wrong_at_high_ = errors_at(scored_.scores, scored_.pairs->label, range.high);
            return;
        }
        const double expected = rule_.fmr * static_cast<double>(clusters_.impostor().pairs.size());
        if (expected < kFewestFalseMatches - 1e-9) {
            no_range_ = fmt::format("too few impostors: {:.2g} false matches expected over all groups, at least {:.0f} needed",
                                    expected, kFewestFalseMatches);
            report_.warnings.push_back(fmt::format(
                "at.{}: {}; what the matcher does at this FMR is not known well enough for intervals. Those that end in .frozen "
                "are about this very threshold",
                at_.name, no_range_));
            return;
        }
        at_fmr_.emplace(clusters_, *scored_.pairs, scored_.scores, wrong_);
    }

    [[nodiscard]] const PairSubset& subset(std::uint32_t group, bool genuine) const {
        return genuine ? clusters_.genuine_of(group) : clusters_.impostor_of(group);
    }

    void judge_rate(std::uint32_t group, bool genuine) {
        const PairSubset& pairs = subset(group, genuine);
        if (pairs.pairs.empty()) return;
        const std::string name = place_ + "groups." + report_.groups[group].name + (genuine ? ".fnmr" : ".fmr");
        const RateEstimate frozen = rate_estimate(clusters_, pairs, wrong_);
        report_.intervals[name + ".frozen"] = frozen.interval;
        if (!no_range_.empty()) {
            report_.without_interval[name] = no_range_;
        } else if (rule_.most_accurate) {
            report_.intervals[name] =
                widened(frozen.interval, frozen.rate, rate_of(pairs, wrong_at_low_), rate_of(pairs, wrong_at_high_));
        } else if (genuine) {
            report_.intervals[name] = at_fmr_->fnmr(group);
        } else if (clusters_.groups() == 1) {
            report_.without_interval[name] = "with one group its FMR is what the threshold was chosen for";
        } else {
            report_.intervals[name] = at_fmr_->fmr(group);
        }
    }

    /// Nothing seen is not nothing there.
    void say_what_was_not_seen() {
        std::string text;
        for (std::uint32_t g = 0; g < clusters_.groups(); ++g) {
            for (const bool genuine : {false, true}) {
                const PairSubset& pairs = subset(g, genuine);
                if (pairs.pairs.empty() || rate_of(pairs, wrong_) > 0.0) continue;
                const auto trials = static_cast<std::uint32_t>(pairs.pairs.size());
                text += fmt::format("{}group {}: 0 of {}: {} below {:.2g}", text.empty() ? "" : "; ", report_.groups[g].name,
                                    trials, genuine ? "FNMR" : "FMR", rule_of_three(trials));
            }
        }
        if (!text.empty()) report_.warnings.push_back(fmt::format("at.{}: {} (95 %, rule of three)", at_.name, text));
    }

    [[nodiscard]] bool every_group_has_both() const {
        return std::all_of(at_.groups.begin(), at_.groups.end(),
                           [](const ScoreReport::Rates& rates) { return rates.fmr.has_value() && rates.fnmr.has_value(); });
    }

    void no_indices(const std::string& why) {
        report_.warnings.push_back(fmt::format("{}fdr, ir and garbe are undefined: {}", place_, why));
    }

    void judge_indices() {
        if (!every_group_has_both()) return no_indices("a group has no fmr or no fnmr");
        std::vector<double> fmr, fnmr;
        RatesAtThreshold frozen;
        for (std::uint32_t g = 0; g < clusters_.groups(); ++g) {
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
        judge_index_intervals();
    }

    void judge_index_intervals() {
        std::string why = no_range_;
        if (scored_.bootstrap == nullptr) why = kNeedsBootstrap;
        if (!why.empty()) {
            for (const char* index : {"fdr", "ir", "garbe"}) report_.without_interval[place_ + index] = why;
            return;
        }
        const RatesAtThreshold rates =
            rule_.most_accurate ? rates_at_accuracy(clusters_, *scored_.bootstrap, wrong_, wrong_at_low_, wrong_at_high_)
                                : rates_at_fmr(clusters_, *scored_.bootstrap, *at_fmr_, wrong_);
        const RatesAtThreshold* const one = &rates;
        const IndexIntervals found = index_intervals(std::span(&one, 1), scored_.seed);
        report_.intervals[place_ + "fdr"] = found.fdr;
        report_.intervals[place_ + "ir"] = found.ir;
        report_.intervals[place_ + "garbe"] = found.garbe;
        report_.no_bias[place_ + "fdr"] = found.fdr_no_bias;
        report_.no_bias[place_ + "ir"] = found.ir_no_bias;
        report_.no_bias[place_ + "garbe"] = found.garbe_no_bias;
    }

    ScoreReport& report_;
    ScoreReport::At& at_;
    const ThresholdRule& rule_;
    const ScoredPairs& scored_;
    const PairClusters& clusters_;
    std::string place_;
    std::vector<std::uint8_t> wrong_, wrong_at_low_, wrong_at_high_;
    std::optional<AtFmr> at_fmr_;
    std::string no_range_;  ///< why nothing is known about where the right threshold lies
};

}  // namespace

void judge_threshold(ScoreReport& report, ScoreReport::At& at, const ThresholdRule& rule, const ScoredPairs& scored) {
    ThresholdJudge(report, at, rule, scored).judge();
}

void judge_curve(ScoreReport& report, std::uint32_t group, const ScoredPairs& scored) {
    const std::size_t begin = scored.pairs->group_begin[group];
    const std::size_t count = scored.pairs->group_begin[group + 1] - begin;
    const CurveInfluence influence =
        curve_influence(scored.scores.subspan(begin, count), std::span(scored.pairs->label).subspan(begin, count));
    const auto interval = [&](double value, const std::vector<double>& of_group) {
        std::vector<double> of_all(scored.pairs->size(), 0.0);
        std::copy(of_group.begin(), of_group.end(), of_all.begin() + static_cast<std::ptrdiff_t>(begin));
        return curve_interval(*scored.clusters, group, value, of_all);
    };
    const ScoreReport::Group& figures = report.groups[group];
    report.intervals["groups." + figures.name + ".eer"] = interval(figures.eer.value(), influence.eer);
    report.intervals["groups." + figures.name + ".auc"] = interval(figures.auc.value(), influence.auc);
}

}  // namespace fairsweep

#include "report/score_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "fairsweep/error.hpp"
#include "metrics/error_rates.hpp"
#include "metrics/pair_checks.hpp"
#include "report/rate_intervals.hpp"
#include "report/score_direction.hpp"

namespace fairsweep {
namespace {

struct FmrTarget {
    const char* name;
    double fmr;
};
/// One byte each: people times replicates of the bootstrap. Fewer replicates are taken of more people, down to the smaller limit.
constexpr std::uint64_t kMaxWeights = 2'000'000'000;
constexpr std::uint32_t kFewestReplicates = 200;

constexpr std::array<FmrTarget, 2> kFmrTargets{{{"fmr=1e-2", 1e-2}, {"fmr=1e-3", 1e-3}}};

std::map<std::string, std::string> make_conventions(const ScoreReportOptions& options) {
    return {
        {"score",
         options.score_convention.empty() ? "similarity; a pair matches when score >= threshold" : options.score_convention},
        {"accuracy_10fold",
         std::string("percent; per group, ") +
             (options.folds.empty() ? "ten folds, contiguous in file order" : "folds as the fold column says") +
             ", squared distance 2 - 2 * score < t (strict), t = 0, 0.01 ... "
             "3.99, the first best threshold on the other folds; mean over folds"},
        {"average, std, ser", "over the groups' accuracy_10fold; ser = (100 - lowest) / (100 - highest)"},
        {"std_ddof", "1"},
        {"rates", "fractions; fmr over impostor pairs, fnmr over genuine pairs, accuracy over both"},
        {"at.accuracy", "one threshold for all groups: the smallest observed score with the highest pooled accuracy"},
        {"at.fmr=x", "the smallest double whose pooled within-group fmr is at most x"},
        {"eer", "mean of fmr and fnmr at the observed score with the smallest difference, the smallest such score on ties"},
        {"auc", "ties count one half"},
        {"fdr, ir, garbe",
         "alpha 0.5 (fdr: Pereira and Marcel, arXiv 2011.02395; ir, garbe: Howard et al., arXiv 2203.05051); undefined where a "
         "group expects fewer than 3 errors of a kind (the rate of all groups times its pairs), or all groups have FMR 1 or "
         "FNMR 1"},
        {"intervals",
         "95 %; rates, eer, auc: Wilson with the dyadic variance of pairs that share people; std, ser, gap, fdr, ir, garbe: "
         "linearised identity bootstrap, the limit on the fair side at the boundary unless equality of the groups is rejected "
         "at 2.5 %; ser and ir from errors + 0.5; the choice of fold thresholds counts. null: there is none, and "
         "intervals_missing says why. Formulas and measured coverage: docs/statistics.md"},
        {"intervals.at",
         "two questions. at.T.groups.G.fmr and .fnmr answer: what are the rates of this matcher where its FMR is x, or at its "
         "most "
         "accurate threshold? They count that the threshold was chosen on these pairs and may lie elsewhere. The same name with "
         ".frozen behind answers: what are the rates at this very threshold, kept from now on? There must be 5 expected false "
         "matches over all groups for the first answer"},
        {"no error seen",
         "where 0 of n pairs are wrong, the rate lies below 3 / n with 95 % (rule of three, pairs as independent trials); the "
         "intervals count people instead of pairs there and are wider"},
        {"no_bias",
         "distribution of the figure when all groups have the same true accuracy (fdr, ir, garbe: the same FMR and FNMR) and "
         "chance tells them apart: mean and p95, the value that is reached or passed on the unfair side in 5 % of cases (for "
         "fdr, where 1 is fair, 95 % lie above it). One network is judged: the luck of its training counts as its own"},
    };
}

/// The work on one network's figures; the report grows step by step. Decisions and intervals come from network.hpp and
/// summary.hpp, as in an analysis; here are other thresholds, what has a warning, and the names of figures.
class ReportMaker {
public:
    ReportMaker(const EvaluationSet& set, std::span<const double> scores, const ScoreReportOptions& options)
        : set_(set),
          scores_(scores),
          options_(options),
          network_(make_network(set, scores, fold_bounds(set.items, options.folds))),
          errors_(*network_.errors) {
        const ScoredNetwork* const one = &network_;
        summary_ = summarise(set, std::span(&one, 1));
        report_.conventions = make_conventions(options);
        if (set.bootstrap)
            report_.conventions["bootstrap"] = fmt::format("{} replicates, seed {}", set.bootstrap->replicates(), set.seed);
    }

    [[nodiscard]] ScoreReport make() {
        warn_of_the_source();
        const bool are_cosines =
            std::all_of(scores_.begin(), scores_.end(), [](double score) { return score >= -1.0 && score <= 1.0; });
        if (!are_cosines)
            warn("scores outside [-1, 1] are no cosines: accuracy_10fold, average, std and ser are not defined on their grid");
        for (std::uint32_t g = 0; g < set_.groups(); ++g) add_group(g, are_cosines);
        if (const auto direction = direction_warning(report_.groups))
            report_.warnings.insert(report_.warnings.begin(), *direction);
        warn_of_folds();
        std::vector<ProtocolFigures> figures;
        for (const ScoreReport::Group& group : report_.groups)
            if (group.accuracy_10fold && group.eer) figures.push_back({group.name, *group.accuracy_10fold, *group.eer});
        if (const auto protocol = protocol_warning(figures)) warn(*protocol);
        if (!network_.correct.empty())
            add_spread();
        else if (are_cosines)
            warn("average, std and ser are undefined: a group has no accuracy_10fold");
        add_at_accuracy();
        for (const FmrTarget& target : kFmrTargets) add_at_fmr(target);
        return std::move(report_);
    }

private:
    /// [groups], empty for ten contiguous folds.
    [[nodiscard]] static std::vector<FoldBounds> fold_bounds(const ItemTable& pairs, std::span<const std::uint32_t> all) {
        std::vector<FoldBounds> result;
        for (std::size_t g = 0; !all.empty() && g < pairs.groups.size(); ++g) {
            const auto folds = all.subspan(pairs.group_begin[g], pairs.group_begin[g + 1] - pairs.group_begin[g]);
            FoldBounds bounds(folds.empty() ? 2 : folds.back() + 2);
            for (std::uint32_t fold = 0; fold < bounds.size(); ++fold)
                bounds[fold] = static_cast<std::uint32_t>(std::ranges::lower_bound(folds, fold) - folds.begin());
            result.push_back(std::move(bounds));
        }
        return result;
    }

    void warn(std::string text) { report_.warnings.push_back(std::move(text)); }

    void warn_of_the_source() {
        for (const std::string& text : options_.warnings) warn(text);
        if (const auto shared = options_.identities_known ? shared_people_warning(set_.items) : std::nullopt) warn(*shared);
        if (const auto few = options_.identities_known ? few_people_warning(set_.items) : std::nullopt) warn(*few);
        warn("thresholds are chosen on the pairs that they are judged on (threshold_source test): rates at them flatter");
        if (!options_.identities_known)
            warn("identities are not known: pairs are taken as independent, so intervals are too narrow where people repeat");
        if (!set_.bootstrap)
            warn(
                fmt::format("no intervals of accuracy_10fold, average, std, ser, gap, fdr, ir, garbe and of rates at the most "
                            "accurate threshold: {} people are too many for the bootstrap",
                            set_.clusters.identities()));
    }

    /// The value, or a warning in its place.
    std::optional<double> checked(std::optional<double> value, const std::string& what, std::string_view why) {
        if (value && std::isnan(*value)) value.reset();
        if (!value) warn(fmt::format("{} is undefined: {}", what, why));
        return value;
    }

    void warn_of_folds() {
        std::vector<std::uint32_t> counts;
        bool are_ten = true;
        for (const std::uint32_t folds : network_.folds) {
            if (folds == 0) continue;
            are_ten = are_ten && folds == kFolds;
            if (std::ranges::find(counts, folds) == counts.end()) counts.push_back(folds);
        }
        if (are_ten) return;
        warn(fmt::format("accuracy_10fold is over the folds of the fold column, not over ten: {}", fmt::join(counts, ", ")));
    }

    void add_group(std::uint32_t g, bool are_cosines) {
        const GroupFigures& figures = errors_.figures.groups[g];
        ScoreReport::Group group;
        group.name = set_.items.groups[g];
        group.genuine = figures.genuine;
        group.impostor = figures.impostor;
        constexpr const char* kBothKinds = "it needs genuine and impostor pairs";
        group.eer = checked(figures.eer, "eer of group " + group.name, kBothKinds);
        group.auc = checked(figures.auc, "auc of group " + group.name, kBothKinds);
        const bool has_both = group.genuine > 0 && group.impostor > 0;
        if (are_cosines)
            group.accuracy_10fold = checked(figures.accuracy_10fold, "accuracy_10fold of group " + group.name,
                                            has_both ? "it needs at least ten pairs" : kBothKinds);
        const GroupSummary& summary = summary_.groups[g];
        if (group.eer && group.auc) {
            report_.intervals["groups." + group.name + ".eer"] = summary.eer.interval;
            report_.intervals["groups." + group.name + ".auc"] = summary.auc.interval;
        }
        if (std::isfinite(summary.accuracy.interval.low))
            report_.intervals["groups." + group.name + ".accuracy_10fold"] = summary.accuracy.interval;
        report_.groups.push_back(std::move(group));
    }

    void add_spread() {
        report_.average = summary_.average.value;
        report_.std = checked(summary_.deviation.value, "std", "it needs at least two groups");
        report_.ser = checked(summary_.error_ratio.value, "ser", "a group makes no error");
        if (!std::isnan(summary_.gap.value)) report_.gap = summary_.gap.value;
        const auto add = [this](const char* name, const Interval& interval) {
            if (std::isfinite(interval.low) || std::isfinite(interval.high)) report_.intervals[name] = interval;
        };
        add("average", summary_.average.interval);
        add("std", summary_.deviation.interval);
        add("gap", summary_.gap.interval);
        add("ser", summary_.error_ratio.interval);
        if (!std::isfinite(summary_.deviation_no_bias.mean)) return;
        report_.no_bias["std"] = summary_.deviation_no_bias;
        report_.no_bias["ser"] = summary_.error_ratio_no_bias;
        if (!options_.identities_known)
            warn("no_bias is binomial: without identities it raises false alarms more often than 5 %");
    }

    /// The threshold's rates; none without a threshold.
    [[nodiscard]] ScoreReport::At start_at(const std::string& name, std::optional<double> threshold, std::string_view why_none) {
        ScoreReport::At at;
        at.name = name;
        at.threshold = checked(threshold, "the threshold of at." + name, why_none);
        for (std::uint32_t g = 0; g < set_.groups(); ++g) {
            at.groups.emplace_back();
            if (!threshold) continue;
            const std::size_t begin = set_.items.group_begin[g];
            const std::size_t count = set_.items.group_begin[g + 1] - begin;
            const ErrorCounts counts =
                error_counts(scores_.subspan(begin, count), std::span(set_.items.label).subspan(begin, count), *threshold);
            const std::string place = "at." + name + ".groups." + set_.items.groups[g];
            ScoreReport::Rates& rates = at.groups.back();
            rates.fmr = checked(counts.fmr(), place + ".fmr", "there are no impostor pairs");
            rates.fnmr = checked(counts.fnmr(), place + ".fnmr", "there are no genuine pairs");
            if (const auto percent = counts.accuracy_percent()) rates.accuracy = *percent / 100.0;
        }
        if (!threshold) warn(fmt::format("at.{}.fdr, ir and garbe are undefined: there is no threshold", name));
        return at;
    }

    void add_at_accuracy() {
        const bool has_threshold = !errors_.pooled_error.empty();
        ScoreReport::At at = start_at("accuracy", has_threshold ? std::optional(errors_.figures.pooled_threshold) : std::nullopt,
                                      "it needs genuine and impostor pairs");
        if (has_threshold) judge_accurate_threshold(report_, at, summary_, errors_, set_);
        report_.at.push_back(std::move(at));
    }

    void add_at_fmr(const FmrTarget& target) {
        const std::optional<double> threshold = threshold_at_fmr(scores_, set_.items.label, target.fmr);
        ScoreReport::At at = start_at(target.name, threshold, "there are no impostor pairs");
        if (threshold) judge_threshold_at_fmr(report_, at, target.fmr, scores_, set_);
        report_.at.push_back(std::move(at));
    }

    const EvaluationSet& set_;
    std::span<const double> scores_;
    const ScoreReportOptions& options_;
    ScoredNetwork network_;
    const PairErrors& errors_;
    Summary summary_;
    ScoreReport report_;
};

/// As many replicates as people times replicates have room for; 0: too few would be left.
BootstrapOptions bootstrap_for(const ItemTable& pairs, const ScoreReportOptions& options) {
    std::uint64_t people = 1;
    for (const auto* column : {&pairs.identity_a, &pairs.identity_b})
        for (const std::uint32_t person : *column) people = std::max<std::uint64_t>(people, std::uint64_t{person} + 1);
    const auto replicates = static_cast<std::uint32_t>(std::min<std::uint64_t>(options.replicates, kMaxWeights / people));
    const bool is_enough = replicates >= std::min(kFewestReplicates, options.replicates);
    return {.replicates = is_enough ? replicates : 0, .seed = options.seed};
}

}  // namespace

ScoreReport score_report(const ItemTable& pairs, std::span<const double> scores, const ScoreReportOptions& options) {
    if (scores.size() != pairs.size() || scores.empty())
        throw_data({.attempted = "evaluate scores",
                    .found = fmt::format("{} scores", scores.size()),
                    .expected = fmt::format("{} scores, one per pair, and at least one", pairs.size())});
    const EvaluationSet set(pairs, bootstrap_for(pairs, options));
    return ReportMaker(set, scores, options).make();
}

}  // namespace fairsweep

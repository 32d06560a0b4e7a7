#include "report/score_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "fairsweep/error.hpp"
#include "metrics/error_rates.hpp"
#include "metrics/fairness.hpp"
#include "metrics/pair_checks.hpp"
#include "metrics/ten_fold.hpp"
#include "report/rate_intervals.hpp"
#include "report/score_direction.hpp"
#include "statistics/clusters.hpp"
#include "statistics/contrast.hpp"
#include "statistics/threshold_choice.hpp"

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

/// The work on one set of scores; the report grows step by step.
class ReportMaker {
public:
    ReportMaker(const ItemTable& pairs, std::span<const double> scores, const ScoreReportOptions& options)
        : pairs_(pairs), scores_(scores), options_(options), clusters_(pairs) {
        report_.conventions = make_conventions(options);
    }

    [[nodiscard]] ScoreReport make() {
        for (const std::string& text : options_.warnings) warn(text);
        if (const auto shared = options_.identities_known ? shared_people_warning(pairs_) : std::nullopt) warn(*shared);
        if (const auto few = options_.identities_known ? few_people_warning(pairs_) : std::nullopt) warn(*few);
        warn("thresholds are chosen on the pairs that they are judged on (threshold_source test): rates at them flatter");
        if (!options_.identities_known)
            warn("identities are not known: pairs are taken as independent, so intervals are too narrow where people repeat");
        make_bootstrap();
        const bool are_cosines =
            std::all_of(scores_.begin(), scores_.end(), [](double score) { return score >= -1.0 && score <= 1.0; });
        if (!are_cosines)
            warn("scores outside [-1, 1] are no cosines: accuracy_10fold, average, std and ser are not defined on their grid");
        std::vector<TenFold> folds;
        for (std::uint32_t g = 0; g < pairs_.groups.size(); ++g) add_group(g, are_cosines, folds);
        if (const auto direction = direction_warning(report_.groups))
            report_.warnings.insert(report_.warnings.begin(), *direction);
        warn_of_folds(folds);
        std::vector<ProtocolFigures> figures;
        for (const ScoreReport::Group& group : report_.groups)
            if (group.accuracy_10fold && group.eer) figures.push_back({group.name, *group.accuracy_10fold, *group.eer});
        if (const auto protocol = protocol_warning(figures)) warn(*protocol);
        if (folds.size() == pairs_.groups.size()) {
            add_spread();
            add_spread_intervals(folds);
        } else if (are_cosines) {
            warn("average, std and ser are undefined: a group has no accuracy_10fold");
        }
        add_at("accuracy", has_both_kinds() ? most_accurate_threshold(scores_, pairs_.label) : std::nullopt,
               {.most_accurate = true, .fmr = 0.0});
        for (const FmrTarget& target : kFmrTargets)
            add_at(target.name, threshold_at_fmr(scores_, pairs_.label, target.fmr),
                   {.most_accurate = false, .fmr = target.fmr});
        return std::move(report_);
    }

private:
    [[nodiscard]] bool has_both_kinds() const {
        const auto genuine = std::ranges::count(pairs_.label, 1);
        return genuine != 0 && genuine != static_cast<std::ptrdiff_t>(pairs_.size());
    }

    void warn(std::string text) { report_.warnings.push_back(std::move(text)); }

    /// The value, or a warning in its place.
    std::optional<double> checked(std::optional<double> value, const std::string& what, std::string_view why) {
        if (!value) warn(fmt::format("{} is undefined: {}", what, why));
        return value;
    }

    [[nodiscard]] std::pair<std::size_t, std::size_t> range_of(std::uint32_t group) const {
        return {pairs_.group_begin[group], pairs_.group_begin[group + 1] - pairs_.group_begin[group]};
    }

    [[nodiscard]] std::optional<FoldBounds> fold_bounds(std::size_t begin, std::size_t count) const {
        if (options_.folds.empty()) return std::nullopt;
        const auto folds = std::span(options_.folds).subspan(begin, count);
        FoldBounds bounds(folds.back() + 2);
        for (std::uint32_t fold = 0; fold < bounds.size(); ++fold)
            bounds[fold] = static_cast<std::uint32_t>(std::ranges::lower_bound(folds, fold) - folds.begin());
        return bounds;
    }

    void make_bootstrap() {
        const std::uint64_t affordable = kMaxWeights / std::max<std::uint64_t>(clusters_.identities(), 1);
        const auto replicates = static_cast<std::uint32_t>(std::min<std::uint64_t>(options_.replicates, affordable));
        if (replicates < std::min(kFewestReplicates, options_.replicates)) {
            warn(
                fmt::format("no intervals of accuracy_10fold, average, std, ser, gap, fdr, ir, garbe and of rates at the most "
                            "accurate threshold: {} people are too many for the bootstrap",
                            clusters_.identities()));
            return;
        }
        report_.conventions["bootstrap"] = fmt::format("{} replicates, seed {}", replicates, options_.seed);
        bootstrap_.emplace(clusters_.identities(), replicates, options_.seed);
    }

    [[nodiscard]] ScoredPairs scored() const {
        return {&pairs_, scores_, &clusters_, bootstrap_ ? &*bootstrap_ : nullptr, options_.seed};
    }

    void warn_of_folds(const std::vector<TenFold>& folds) {
        if (std::ranges::all_of(folds, [](const TenFold& group) { return group.folds() == kFolds; })) return;
        std::vector<std::uint32_t> counts;
        for (const TenFold& group : folds)
            if (std::ranges::find(counts, group.folds()) == counts.end()) counts.push_back(group.folds());
        warn(fmt::format("accuracy_10fold is over the folds of the fold column, not over ten: {}", fmt::join(counts, ", ")));
    }

    void add_group(std::uint32_t g, bool are_cosines, std::vector<TenFold>& folds) {
        const auto [begin, count] = range_of(g);
        const auto scores = scores_.subspan(begin, count);
        const auto genuine = std::span(pairs_.label).subspan(begin, count);
        ScoreReport::Group group;
        group.name = pairs_.groups[g];
        group.genuine = static_cast<std::uint32_t>(std::count(genuine.begin(), genuine.end(), 1));
        group.impostor = static_cast<std::uint32_t>(count) - group.genuine;
        constexpr const char* kBothKinds = "it needs genuine and impostor pairs";
        group.eer = checked(equal_error_rate(scores, genuine), "eer of group " + group.name, kBothKinds);
        group.auc = checked(area_under_curve(scores, genuine), "auc of group " + group.name, kBothKinds);
        if (are_cosines && (group.genuine == 0 || group.impostor == 0)) {
            warn(fmt::format("accuracy_10fold of group {} is undefined: {}", group.name, kBothKinds));
        } else if (are_cosines) {
            auto ten_fold = ten_fold_from_scores(scores, genuine, fold_bounds(begin, count));
            group.accuracy_10fold = checked(ten_fold ? std::optional(ten_fold->accuracy_percent) : std::nullopt,
                                            "accuracy_10fold of group " + group.name, "it needs at least ten pairs");
            if (ten_fold) folds.push_back(std::move(*ten_fold));
        }
        const bool has_curve = group.eer && group.auc;
        report_.groups.push_back(std::move(group));
        if (has_curve) judge_curve(report_, g, scored());
    }

    void add_spread() {
        std::vector<double> accuracies;
        for (const ScoreReport::Group& group : report_.groups) accuracies.push_back(group.accuracy_10fold.value());
        report_.average = average(accuracies);
        report_.std = checked(sample_deviation(accuracies), "std", "it needs at least two groups");
        report_.ser = checked(skewed_error_ratio(accuracies), "ser", "a group makes no error");
        report_.gap = largest_gap(accuracies);
    }

    void add_spread_intervals(const std::vector<TenFold>& folds) {
        if (!bootstrap_) return;
        std::vector<std::uint8_t> correct;
        std::vector<double> inflation;
        ThresholdInflation mean_inflation;
        const double share = 1.0 / static_cast<double>(folds.size());
        for (std::uint32_t g = 0; g < folds.size(); ++g) {
            correct.insert(correct.end(), folds[g].correct.begin(), folds[g].correct.end());
            const ThresholdReplicates reselected = threshold_replicates(*bootstrap_, pairs_, g, scores_, folds[g]);
            ThresholdInflation alone;
            alone.add(reselected, 1.0);
            mean_inflation.add(reselected, share);
            inflation.push_back(alone.value());
        }
        const GroupAccuracies accuracies = group_accuracies(clusters_, *bootstrap_, correct, inflation);
        LinearContrast mean(clusters_);
        for (std::uint32_t g = 0; g < folds.size(); ++g) {
            set_interval("groups." + pairs_.groups[g] + ".accuracy_10fold", accuracies.rates[g].interval, 100.0);
            mean.add(clusters_.all_of(g), correct, share);
        }
        Interval average = t_estimate(mean.value(), mean.variance() * mean_inflation.value(), mean.degrees_of_freedom()).interval;
        average = {std::max(average.low, 0.0), std::min(average.high, 1.0)};
        set_interval("average", average, 100.0);
        const auto spread = spread_intervals(accuracies);
        if (!spread) return;
        set_interval("std", spread->deviation, 100.0);
        set_interval("gap", spread->gap, 100.0);
        set_interval("ser", spread->error_ratio, 1.0);
        report_.no_bias["std"] = {100.0 * spread->deviation_no_bias.mean, 100.0 * spread->deviation_no_bias.p95};
        report_.no_bias["ser"] = spread->error_ratio_no_bias;
        if (!options_.identities_known)
            warn("no_bias is binomial: without identities it raises false alarms more often than 5 %");
    }

    void set_interval(const std::string& name, const Interval& interval, double unit) {
        report_.intervals[name] = {unit * interval.low, unit * interval.high};
    }

    void add_at(const std::string& name, std::optional<double> threshold, const ThresholdRule& rule) {
        ScoreReport::At at;
        at.name = name;
        at.threshold = checked(threshold, "the threshold of at." + name,
                               name == "accuracy" ? "it needs genuine and impostor pairs" : "there are no impostor pairs");
        for (std::uint32_t g = 0; g < pairs_.groups.size(); ++g) {
            if (!threshold) {
                at.groups.emplace_back();
                continue;
            }
            const auto [begin, count] = range_of(g);
            const ErrorCounts counts =
                error_counts(scores_.subspan(begin, count), std::span(pairs_.label).subspan(begin, count), *threshold);
            const std::string place = "at." + name + ".groups." + pairs_.groups[g];
            ScoreReport::Rates rates;
            rates.fmr = checked(counts.fmr(), place + ".fmr", "there are no impostor pairs");
            rates.fnmr = checked(counts.fnmr(), place + ".fnmr", "there are no genuine pairs");
            if (const auto percent = counts.accuracy_percent()) rates.accuracy = *percent / 100.0;
            at.groups.push_back(rates);
        }
        if (threshold)
            judge_threshold(report_, at, rule, scored());
        else
            warn(fmt::format("at.{}.fdr, ir and garbe are undefined: there is no threshold", name));
        report_.at.push_back(std::move(at));
    }

    const ItemTable& pairs_;
    std::span<const double> scores_;
    const ScoreReportOptions& options_;
    PairClusters clusters_;
    std::optional<IdentityBootstrap> bootstrap_;
    ScoreReport report_;
};

}  // namespace

ScoreReport score_report(const ItemTable& pairs, std::span<const double> scores, const ScoreReportOptions& options) {
    if (scores.size() != pairs.size() || scores.empty())
        throw_data({.attempted = "evaluate scores",
                    .where = {},
                    .found = fmt::format("{} scores", scores.size()),
                    .expected = fmt::format("{} scores, one per pair, and at least one", pairs.size()),
                    .hint = {}});
    return ReportMaker(pairs, scores, options).make();
}

}  // namespace fairsweep

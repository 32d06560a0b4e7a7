#include "report/network.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "fairsweep/error.hpp"
#include "metrics/pair_checks.hpp"
#include "metrics/task_figures.hpp"
#include "plan/tasks.hpp"
#include "statistics/curve_estimates.hpp"
#include "statistics/threshold_uncertainty.hpp"

namespace fairsweep {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double rate_or_nan(const PairSubset& subset, std::span<const std::uint8_t> flags) {
    return subset.pairs.empty() ? kNan : rate_of(subset, flags);
}

/// Right decisions of all items, by group one after another; `thresholds` [groups] chose them, or nothing did.
void judge_accuracy(const EvaluationSet& set, std::vector<std::uint8_t> correct, std::vector<ThresholdReplicates> thresholds,
                    ScoredNetwork& network) {
    network.correct = std::move(correct);
    network.thresholds = std::move(thresholds);
    if (!set.bootstrap) return;
    std::vector<double> inflation;
    for (const ThresholdReplicates& of_group : network.thresholds) {
        ThresholdInflation alone;
        alone.add(of_group, 1.0);
        inflation.push_back(alone.value());
    }
    network.accuracies = group_accuracies(set.clusters, *set.bootstrap, network.correct, inflation);
}

void add_curve_influence(const EvaluationSet& set, std::uint32_t group, std::span<const double> scores, PairErrors& errors) {
    const std::size_t begin = set.items.group_begin[group];
    const std::size_t count = set.items.group_begin[group + 1] - begin;
    if (set.clusters.genuine_of(group).pairs.empty() || set.clusters.impostor_of(group).pairs.empty()) {
        errors.eer_influence.resize(begin + count, 0.0F);
        errors.auc_influence.resize(begin + count, 0.0F);
        return;
    }
    const CurveInfluence influence =
        curve_influence(scores.subspan(begin, count), std::span(set.items.label).subspan(begin, count));
    errors.eer_influence.insert(errors.eer_influence.end(), influence.eer.begin(), influence.eer.end());
    errors.auc_influence.insert(errors.auc_influence.end(), influence.auc.begin(), influence.auc.end());
}

/// Errors at the pooled threshold, and what its own uncertainty does to the rates.
void add_pooled_threshold(const EvaluationSet& set, std::span<const double> scores, PairErrors& errors) {
    const double threshold = errors.figures.pooled_threshold;
    const bool has_impostors = !set.clusters.impostor().pairs.empty();
    if (!has_impostors || set.clusters.impostor().pairs.size() == set.items.size()) return;  // nothing to tell apart
    errors.pooled_error = errors_at(scores, set.items.label, threshold);
    if (!set.bootstrap) return;
    const ThresholdRange range =
        accurate_threshold_range(set.clusters, *set.bootstrap, set.items, scores, threshold, errors.pooled_error);
    const std::vector<std::uint8_t> at_low = errors_at(scores, set.items.label, range.low);
    const std::vector<std::uint8_t> at_high = errors_at(scores, set.items.label, range.high);
    bool has_both = true;
    for (std::uint32_t g = 0; g < set.groups(); ++g) {
        const PairSubset& impostor = set.clusters.impostor_of(g);
        const PairSubset& genuine = set.clusters.genuine_of(g);
        const PairSubset& all = set.clusters.all_of(g);
        errors.nearby.push_back({rate_or_nan(impostor, at_low), rate_or_nan(impostor, at_high), rate_or_nan(genuine, at_low),
                                 rate_or_nan(genuine, at_high), rate_or_nan(all, at_low), rate_or_nan(all, at_high)});
        has_both = has_both && !impostor.pairs.empty() && !genuine.pairs.empty();
    }
    if (!has_both) return;
    RatesAtThreshold rates = rates_at_accuracy(set.clusters, *set.bootstrap, errors.pooled_error, at_low, at_high);
    if (index_fault(rates) == IndexFault::none) errors.pooled_rates = std::move(rates);
}

ScoredNetwork verified(const EvaluationSet& set, std::span<const double> scores, std::span<const FoldBounds> folds) {
    ScoredNetwork network;
    PairErrors& errors = network.errors.emplace();
    std::vector<std::optional<TenFold>> ten_fold;
    errors.figures = verification_figures(set.items, scores, folds, &ten_fold);
    std::vector<std::uint8_t> correct;
    std::vector<ThresholdReplicates> thresholds;
    for (std::uint32_t g = 0; g < set.groups(); ++g) {
        network.accuracy_percent.push_back(errors.figures.groups[g].accuracy_10fold);
        network.folds.push_back(ten_fold[g] ? ten_fold[g]->folds() : 0);
        if (ten_fold[g]) correct.insert(correct.end(), ten_fold[g]->correct.begin(), ten_fold[g]->correct.end());
        if (ten_fold[g] && set.bootstrap)
            thresholds.push_back(threshold_replicates(*set.bootstrap, set.items, g, scores, *ten_fold[g]));
        add_curve_influence(set, g, scores, errors);
    }
    if (correct.size() == set.items.size()) judge_accuracy(set, std::move(correct), std::move(thresholds), network);
    add_pooled_threshold(set, scores, errors);
    return network;
}

ScoredNetwork classified(const EvaluationSet& set, std::span<const double> responses, std::span<const FoldBounds>) {
    const std::vector<float> logits(responses.begin(), responses.end());
    const TaskInfo& task = task_info(set.task);
    ScoredNetwork network;
    for (const std::vector<double>& group : task_figures(set.task, set.items, logits, set.classes).groups)
        network.accuracy_percent.push_back(group[accuracy_column(task)]);
    std::vector<std::uint8_t> correct = predicted_classes(logits, set.classes);
    for (std::size_t i = 0; i < correct.size(); ++i) correct[i] = correct[i] == set.items.label[i] ? 1 : 0;
    judge_accuracy(set, std::move(correct), {}, network);
    return network;
}

void refuse_groups_without_images(const ItemTable& items, const std::string& where) {
    for (std::size_t g = 0; g < items.groups.size(); ++g) {
        if (items.group_begin[g] != items.group_begin[g + 1]) continue;
        throw_data({.attempted = "cannot judge a group",
                    .where = where + ", group " + items.groups[g],
                    .found = "no image",
                    .expected = "at least one"});
    }
}

/// Items that are not of two kinds.
PairClusters clusters_of_images(ItemTable items) {
    std::fill(items.label.begin(), items.label.end(), std::uint8_t{1});
    return PairClusters(items);
}

/// From responses to decisions; one row per task of plan/tasks.cpp.
struct TaskRow {
    const char* name;
    ScoredNetwork (*decide)(const EvaluationSet&, std::span<const double>, std::span<const FoldBounds>);
    void (*refuse_unusable)(const ItemTable&, const std::string& where);
};
constexpr TaskRow kRows[] = {{"verification", verified, refuse_unusable_groups},
                             {"classification", classified, refuse_groups_without_images}};

}  // namespace

EvaluationSet::EvaluationSet(const ItemTable& item_table, const BootstrapOptions& options, std::string task_name,
                             std::size_t class_count)
    : task(std::move(task_name)),
      classes(class_count),
      items(item_table),
      clusters(class_count == 0 ? PairClusters(item_table) : clusters_of_images(item_table)),
      seed(options.seed) {
    if (options.replicates > 0) bootstrap.emplace(clusters.identities(), options.replicates, options.seed);
    for (std::uint32_t g = 0; g < items.groups.size(); ++g) {
        of_class.emplace_back();
        for (std::size_t c = 0; c < classes; ++c) of_class.back().push_back(subset_of(items, g, static_cast<std::uint8_t>(c)));
    }
}

void refuse_unusable(const EvaluationSet& set, const std::string& where) {
    row_of(kRows, set.task).refuse_unusable(set.items, where);
}

ScoredNetwork make_network(const EvaluationSet& set, std::span<const double> responses, std::span<const FoldBounds> folds) {
    return row_of(kRows, set.task).decide(set, responses, folds);
}

ScoredNetwork make_network(const EvaluationSet& set, std::span<const float> responses) {
    const std::vector<double> values(responses.begin(), responses.end());
    ScoredNetwork network = make_network(set, values);
    if (network.accuracies.rates.empty())
        throw_data({.attempted = "cannot judge a network of a sweep",
                    .found = "scores outside [-1, 1]",
                    .expected = "cosines, by which every group has an accuracy"});
    return network;
}

}  // namespace fairsweep

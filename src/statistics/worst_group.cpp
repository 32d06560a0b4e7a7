#include "statistics/worst_group.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "fairsweep/check.hpp"
#include "fairsweep/random.hpp"
#include "metrics/fairness.hpp"
#include "statistics/threshold_uncertainty.hpp"

namespace fairsweep {
namespace {

constexpr std::uint8_t kNoHalf = 2;

/// [people] 0 or 1: the half of each person. Every group is cut into halves of equal size; who is in two groups stays where
/// the first one put him.
std::vector<std::uint8_t> draw_halves(const ItemTable& table, std::uint32_t identities, RandomStream& stream) {
    std::vector<std::uint8_t> half(identities, kNoHalf);
    for (std::size_t g = 0; g < table.groups.size(); ++g) {
        std::vector<std::uint32_t> people;
        for (std::uint32_t p = table.group_begin[g]; p < table.group_begin[g + 1]; ++p) {
            for (const std::uint32_t person : {table.identity_a[p], table.identity_b[p]}) {
                if (half[person] != kNoHalf) continue;
                half[person] = 0;
                people.push_back(person);
            }
        }
        const std::vector<std::uint32_t> order = shuffled_indices(static_cast<std::uint32_t>(people.size()), stream);
        for (std::size_t i = 0; i < order.size(); ++i) half[people[order[i]]] = i % 2 == 0 ? 0 : 1;
    }
    return half;
}

/// Pairs of `whole` whose people are both in one half.
PairSubset part_of(const PairSubset& whole, const ItemTable& table, const std::vector<std::uint8_t>& half, std::uint8_t wanted) {
    PairSubset part;
    std::unordered_set<std::uint32_t> people;
    for (const std::uint32_t p : whole.pairs) {
        if (half[table.identity_a[p]] != wanted || half[table.identity_b[p]] != wanted) continue;
        part.pairs.push_back(p);
        people.insert({table.identity_a[p], table.identity_b[p]});
    }
    part.identities = static_cast<std::uint32_t>(people.size());
    return part;
}

/// Accuracies drawn towards their mean by what chance makes of them: differences between estimates exceed the true ones.
std::vector<double> shrunk(std::span<const double> accuracy, const GroupDeviations& deviations) {
    const double mean = average(accuracy).value();
    double by_chance = 0.0;
    for (const std::vector<double>& group : deviations)
        by_chance += std::pow(sample_deviation(group).value_or(0.0), 2) / static_cast<double>(deviations.size());
    const double observed = std::pow(sample_deviation(accuracy).value_or(0.0), 2);
    const double kept = observed > 0.0 ? std::max(0.0, 1.0 - by_chance / observed) : 0.0;
    std::vector<double> result;
    for (const double value : accuracy) result.push_back(mean + std::sqrt(kept) * (value - mean));
    return result;
}

}  // namespace

PeopleHalves::PeopleHalves(const PairClusters& clusters, const ItemTable& table, std::uint64_t seed, std::uint32_t splits)
    : clusters_(&clusters) {
    for (std::uint32_t split = 0; split < splits; ++split) {
        RandomStream stream(seed, 0, "halves of people", split);
        const std::vector<std::uint8_t> half = draw_halves(table, clusters.identities(), stream);
        std::array<Half, 2> two;
        for (std::uint8_t h = 0; h < 2; ++h) {
            for (std::uint32_t g = 0; g < clusters.groups(); ++g) {
                two[h].genuine.push_back(part_of(clusters.genuine_of(g), table, half, h));
                two[h].impostor.push_back(part_of(clusters.impostor_of(g), table, half, h));
                usable_ = usable_ && two[h].genuine.back().pairs.empty() == clusters.genuine_of(g).pairs.empty() &&
                          two[h].impostor.back().pairs.empty() == clusters.impostor_of(g).pairs.empty();
            }
        }
        halves_.push_back(std::move(two));
    }
}

void PeopleHalves::add(LinearContrast& contrast, std::uint32_t split, std::uint32_t half, std::uint32_t group,
                       std::span<const std::uint8_t> correct, double weight) const {
    const auto all = static_cast<double>(clusters_->all_of(group).pairs.size());
    const Half& mine = halves_[split][half];
    for (const auto& [part, whole] : {std::pair(&mine.genuine[group], &clusters_->genuine_of(group)),
                                      std::pair(&mine.impostor[group], &clusters_->impostor_of(group))}) {
        if (!whole->pairs.empty()) contrast.add(*part, correct, weight * static_cast<double>(whole->pairs.size()) / all);
    }
}

double PeopleHalves::accuracy(std::uint32_t split, std::uint32_t half, std::uint32_t group,
                              std::span<const std::uint8_t> correct) const {
    const auto genuine = static_cast<double>(clusters_->genuine_of(group).pairs.size());
    const auto impostor = static_cast<double>(clusters_->impostor_of(group).pairs.size());
    const Half& mine = halves_[split][half];
    double sum = 0.0;
    if (genuine > 0.0) sum += genuine * rate_of(mine.genuine[group], correct);
    if (impostor > 0.0) sum += impostor * rate_of(mine.impostor[group], correct);
    return sum / (genuine + impostor);
}

double WorstGroup::weight(std::uint32_t group) const {
    const double other = 1.0 / static_cast<double>(share.size() - 1);
    return other - share[group] * (1.0 + other);
}

WorstGroup choose_worst(const PeopleHalves& halves, std::span<const std::span<const std::uint8_t>> correct) {
    FAIRSWEEP_CHECK(halves.usable() && !correct.empty(), "the worst group is chosen on networks and on halves that have pairs");
    WorstGroup result;
    std::vector<std::uint32_t> times(halves.groups(), 0);
    for (std::uint32_t split = 0; split < halves.splits(); ++split) {
        std::array<std::uint32_t, 2> chosen{};
        for (std::uint32_t half = 0; half < 2; ++half) {
            std::vector<double> accuracy(halves.groups(), 0.0);
            for (const std::span<const std::uint8_t> network : correct)
                for (std::uint32_t g = 0; g < halves.groups(); ++g) accuracy[g] += halves.accuracy(split, 1 - half, g, network);
            chosen[half] = static_cast<std::uint32_t>(std::min_element(accuracy.begin(), accuracy.end()) - accuracy.begin());
            ++times[chosen[half]];
        }
        result.judged_on.push_back(chosen);
    }
    const auto most = std::max_element(times.begin(), times.end());
    result.most_often = static_cast<std::uint32_t>(most - times.begin());
    for (const std::uint32_t count : times) result.share.push_back(count / (2.0 * halves.splits()));
    return result;
}

void add_gap(LinearContrast& contrast, const PairClusters& clusters, const PeopleHalves& halves, const WorstGroup& worst,
             std::span<const std::uint8_t> correct, double weight) {
    const double other = 1.0 / (clusters.groups() - 1.0);
    const auto sign = [other](std::uint32_t group, std::uint32_t chosen) { return group == chosen ? -1.0 : other; };
    if (worst.unanimous()) {
        for (std::uint32_t g = 0; g < clusters.groups(); ++g) contrast.add(clusters.all_of(g), correct, weight * worst.weight(g));
        return;
    }
    const double share = weight / (2.0 * halves.splits());
    for (std::uint32_t split = 0; split < halves.splits(); ++split)
        for (std::uint32_t half = 0; half < 2; ++half)
            for (std::uint32_t g = 0; g < clusters.groups(); ++g)
                halves.add(contrast, split, half, g, correct, share * sign(g, worst.judged_on[split][half]));
}

double choice_variance(std::span<const double> accuracy, const GroupDeviations& accuracy_deviations,
                       const GroupDeviations& change_deviations) {
    const std::size_t groups = accuracy.size();
    const std::vector<double> centre = shrunk(accuracy, accuracy_deviations);
    const std::size_t replicates = change_deviations.front().size();
    const double half = std::sqrt(2.0);  // half the people: larger deviations
    std::vector<double> moment(groups * groups, 0.0);
    for (std::size_t b = 0; b < replicates; ++b) {
        std::size_t chosen = 0;
        double lowest = std::numeric_limits<double>::infinity();
        double total = 0.0;
        for (std::size_t g = 0; g < groups; ++g) {
            const double value = centre[g] + half * accuracy_deviations[g][b];
            if (value < lowest) {
                lowest = value;
                chosen = g;
            }
            total += half * change_deviations[g][b];
        }
        for (std::size_t g = 0; g < groups; ++g) {
            const double own = half * change_deviations[g][b];
            const double gap = (total - own) / static_cast<double>(groups - 1) - own;
            moment[chosen * groups + g] += gap / static_cast<double>(replicates);
        }
    }
    double covariance = 0.0;
    for (std::size_t g = 0; g < groups; ++g)
        for (std::size_t h = 0; h < groups; ++h) covariance += moment[g * groups + h] * moment[h * groups + g];
    return 0.5 * std::max(0.0, covariance);
}

}  // namespace fairsweep

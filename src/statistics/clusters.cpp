#include "statistics/clusters.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

constexpr std::uint32_t kOnePerson = ~std::uint32_t{0};

/// Of the items from `begin` up to `end` whose label is taken.
template <class Takes>
PairSubset subset_where(const ItemTable& table, std::uint32_t begin, std::uint32_t end, const Takes& takes) {
    PairSubset result;
    std::unordered_set<std::uint32_t> people;
    for (std::uint32_t p = begin; p < end; ++p) {
        if (!takes(table.label[p])) continue;
        result.pairs.push_back(p);
        people.insert(table.identity_a[p]);
        people.insert(table.identity_b[p]);
    }
    result.identities = static_cast<std::uint32_t>(people.size());
    return result;
}

PairSubset subset(const ItemTable& table, std::uint32_t begin, std::uint32_t end, bool take_genuine, bool take_impostor) {
    return subset_where(table, begin, end, [=](std::uint8_t label) { return label != 0 ? take_genuine : take_impostor; });
}

}  // namespace

PairSubset subset_of(const ItemTable& items, std::uint32_t group, std::uint8_t label) {
    return subset_where(items, items.group_begin[group], items.group_begin[group + 1],
                        [label](std::uint8_t other) { return other == label; });
}

PairClusters::PairClusters(const ItemTable& table) : identity_a_(table.identity_a), identity_b_(table.identity_b) {
    FAIRSWEEP_CHECK(table.identity_a.size() == table.label.size() && table.identity_b.size() == table.label.size(),
                    "every pair has two identities");
    std::unordered_map<std::uint64_t, std::uint32_t> number_of_couple;
    for (std::size_t p = 0; p < identity_a_.size(); ++p) {
        const auto [low, high] = std::minmax(identity_a_[p], identity_b_[p]);
        identities_ = std::max(identities_, high + 1);
        if (low == high) {
            couple_.push_back(kOnePerson);
            continue;
        }
        const auto [place, is_new] = number_of_couple.try_emplace(std::uint64_t{low} << 32 | high, couples_);
        if (is_new) ++couples_;
        couple_.push_back(place->second);
    }
    for (std::uint32_t g = 0; g < table.groups.size(); ++g) {
        const std::uint32_t begin = table.group_begin[g];
        const std::uint32_t end = table.group_begin[g + 1];
        all_.push_back(subset(table, begin, end, true, true));
        genuine_.push_back(subset(table, begin, end, true, false));
        impostor_.push_back(subset(table, begin, end, false, true));
    }
    everything_ = subset(table, 0, pairs(), true, true);
    all_impostor_ = subset(table, 0, pairs(), false, true);
}

std::vector<double> PairClusters::identity_sums(std::span<const double> influence) const {
    FAIRSWEEP_CHECK(influence.size() == identity_a_.size(), "one influence per pair");
    std::vector<double> sums(identities_, 0.0);
    for (std::size_t p = 0; p < influence.size(); ++p) {
        sums[identity_a_[p]] += influence[p];
        if (couple_[p] != kOnePerson) sums[identity_b_[p]] += influence[p];
    }
    return sums;
}

double PairClusters::variance(std::span<const double> influence) const {
    double total = 0.0;
    for (const double sum : identity_sums(influence)) total += sum * sum;
    std::vector<double> couple_sums(couples_, 0.0);
    for (std::size_t p = 0; p < influence.size(); ++p) {
        if (couple_[p] != kOnePerson) couple_sums[couple_[p]] += influence[p];
    }
    for (const double sum : couple_sums) total -= sum * sum;
    return total;
}

}  // namespace fairsweep

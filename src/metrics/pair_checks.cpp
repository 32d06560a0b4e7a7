#include "metrics/pair_checks.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "metrics/ten_fold.hpp"

namespace fairsweep {
namespace {

constexpr double kManyShared = 0.1;

/// How many, and where the first is; for a warning.
struct Tally {
    std::uint32_t count = 0;
    std::string first;

    void add(const ItemTable& pairs, std::uint32_t group, std::uint32_t pair) {
        if (count++ == 0)
            first = "pair " + std::to_string(pair - pairs.group_begin[group] + 1) + " of group " + pairs.groups[group];
    }
    [[nodiscard]] std::string text() const {
        return std::to_string(count) + (count == 1 ? " pair (" : " pairs (first: ") + first + ")";
    }
};

template <typename IsOdd>
Tally tally_of(const ItemTable& pairs, const IsOdd& is_odd) {
    Tally tally;
    for (std::uint32_t g = 0; g < pairs.groups.size(); ++g)
        for (std::uint32_t p = pairs.group_begin[g]; p < pairs.group_begin[g + 1]; ++p)
            if (is_odd(p)) tally.add(pairs, g, p);
    return tally;
}

[[noreturn]] void refuse_group(const std::string& group, const std::string& where, const std::string& found,
                               const std::string& expected) {
    throw_data({.attempted = "cannot judge group " + group,
                .where = where,
                .found = found,
                .expected = expected,
                .hint = "give the group a longer list of pairs, or leave it out"});
}

}  // namespace

void refuse_unusable_groups(const ItemTable& pairs, const std::string& where) {
    for (std::uint32_t g = 0; g < pairs.groups.size(); ++g) {
        const auto begin = pairs.label.begin() + pairs.group_begin[g];
        const auto end = pairs.label.begin() + pairs.group_begin[g + 1];
        const auto count = end - begin;
        const auto genuine = std::count(begin, end, 1);
        const std::string of_all = "of its " + std::to_string(count) + " pairs ";
        if (count < kFolds)
            refuse_group(pairs.groups[g], where, std::to_string(count) + " pairs", "at least ten, one for each fold");
        if (genuine == 0) refuse_group(pairs.groups[g], where, of_all + "none of the same person", "pairs of both kinds");
        if (genuine == count) refuse_group(pairs.groups[g], where, of_all + "none of different people", "pairs of both kinds");
    }
}

std::vector<std::string> repeated_pair_warnings(const ItemTable& pairs, std::span<const std::uint32_t> image_a,
                                                std::span<const std::uint32_t> image_b) {
    FAIRSWEEP_CHECK(image_a.size() == pairs.size() && image_b.size() == pairs.size(), "two images per pair");
    Tally of_one_image, repeated;
    for (std::uint32_t g = 0; g < pairs.groups.size(); ++g) {
        std::unordered_set<std::uint64_t> seen;
        for (std::uint32_t p = pairs.group_begin[g]; p < pairs.group_begin[g + 1]; ++p) {
            const auto [low, high] = std::minmax(image_a[p], image_b[p]);
            if (low == high) of_one_image.add(pairs, g, p);
            if (!seen.insert(std::uint64_t{low} << 32 | high).second) repeated.add(pairs, g, p);
        }
    }
    std::vector<std::string> warnings;
    if (of_one_image.count != 0)
        warnings.push_back(of_one_image.text() + " of an image with itself: every network gives the score 1");
    if (repeated.count != 0)
        warnings.push_back(
            repeated.text() +
            " of two images that the group's list has paired before: they count again, and intervals are too narrow");
    return warnings;
}

std::optional<std::string> shared_people_warning(const ItemTable& pairs) {
    constexpr std::uint32_t kSeveral = ~0U;
    std::unordered_map<std::uint32_t, std::uint32_t> group_of;
    for (std::uint32_t g = 0; g < pairs.groups.size(); ++g)
        for (std::uint32_t p = pairs.group_begin[g]; p < pairs.group_begin[g + 1]; ++p)
            for (const std::uint32_t person : {pairs.identity_a[p], pairs.identity_b[p]}) {
                const auto [place, is_new] = group_of.try_emplace(person, g);
                if (!is_new && place->second != g) place->second = kSeveral;
            }
    const auto shared = std::ranges::count_if(group_of, [](const auto& entry) { return entry.second == kSeveral; });
    if (static_cast<double>(shared) <= kManyShared * static_cast<double>(group_of.size())) return std::nullopt;
    return std::to_string(shared) + " of " + std::to_string(group_of.size()) +
           " identities stand in more than one group and are taken as the same people there: if each group numbers its people "
           "anew, write A-1, B-1 ... instead";
}

std::optional<std::string> few_people_warning(const ItemTable& pairs) {
    constexpr std::size_t kFewest = 10;
    std::string few;
    for (std::size_t g = 0; g < pairs.groups.size(); ++g) {
        std::set<std::uint32_t> people;
        for (std::uint32_t p = pairs.group_begin[g]; p < pairs.group_begin[g + 1] && people.size() < kFewest; ++p)
            people.insert({pairs.identity_a[p], pairs.identity_b[p]});
        if (!people.empty() && people.size() < kFewest)
            few += (few.empty() ? "" : ", ") + pairs.groups[g] + " (" + std::to_string(people.size()) + ")";
    }
    if (few.empty()) return std::nullopt;
    return "fewer than ten people in a group: " + few +
           ". What differs from person to person cannot be seen in so few: intervals of these groups, and of averages and "
           "spreads over "
           "them, may be far too narrow";
}

std::optional<std::string> equal_images_warning(const ItemTable& pairs, std::span<const std::uint8_t> is_one) {
    FAIRSWEEP_CHECK(is_one.size() == pairs.size(), "one flag per pair");
    const Tally tally = tally_of(pairs, [is_one](std::uint32_t p) { return is_one[p] != 0; });
    if (tally.count == 0) return std::nullopt;
    return tally.text() + " with the score 1 whatever the network: equal images, or an image paired with itself";
}

std::optional<std::string> contradiction_warning(const ItemTable& pairs) {
    const Tally tally =
        tally_of(pairs, [&pairs](std::uint32_t p) { return pairs.label[p] == 0 && pairs.identity_a[p] == pairs.identity_b[p]; });
    if (tally.count == 0) return std::nullopt;
    return tally.text() + " of different people whose identities are one: taken as pairs of different people";
}

}  // namespace fairsweep

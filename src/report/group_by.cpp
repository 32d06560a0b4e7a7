#include "report/group_by.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

Grouping own_grouping(const ItemTable& items) {
    Grouping own{.name = kOwnGrouping, .groups = items.groups, .group_of = {}};
    for (std::uint32_t g = 0; g < items.groups.size(); ++g)
        own.group_of.insert(own.group_of.end(), items.group_begin[g + 1] - items.group_begin[g], g);
    return own;
}

template <class T>
std::vector<T> picked(const std::vector<T>& values, const std::vector<std::uint32_t>& places) {
    std::vector<T> result;
    result.reserve(places.size());
    for (const std::uint32_t place : places) result.push_back(values[place]);
    return result;
}

const Grouping& find_grouping(const std::vector<Grouping>& groupings, const std::string& name) {
    std::vector<std::string> names;
    for (const Grouping& grouping : groupings) {
        if (grouping.name == name) return grouping;
        names.push_back(grouping.name);
    }
    const std::string near = nearest_word(name, names);
    throw_usage(
        {.attempted = "cannot group by this",
         .where = "--group-by",
         .found = "'" + name + "'",
         .expected = fmt::format("one of {}", fmt::join(names, ", ")),
         .hint = near.empty() ? "other groupings are columns of the evaluation set's manifest" : "did you mean " + near + "?"});
}

}  // namespace

Regrouped group_by(const ItemTable& items, const std::string& name) {
    std::vector<Grouping> all{own_grouping(items)};
    all.insert(all.end(), items.groupings.begin(), items.groupings.end());
    const Grouping& wanted = find_grouping(all, name);
    Regrouped result;
    result.former.resize(items.size());
    std::iota(result.former.begin(), result.former.end(), 0U);
    if (name == kOwnGrouping) {
        result.items = items;
        return result;
    }
    std::stable_sort(result.former.begin(), result.former.end(),
                     [&wanted](std::uint32_t a, std::uint32_t b) { return wanted.group_of[a] < wanted.group_of[b]; });
    ItemTable& regrouped = result.items;
    regrouped.group_begin = {0};
    for (std::uint32_t i = 0; i < items.size(); ++i) {
        const std::string& group = wanted.groups[wanted.group_of[result.former[i]]];
        if (regrouped.groups.empty() || regrouped.groups.back() != group) {
            regrouped.groups.push_back(group);
            regrouped.group_begin.push_back(i);
        }
        ++regrouped.group_begin.back();
    }
    regrouped.label = picked(items.label, result.former);
    regrouped.identity_a = picked(items.identity_a, result.former);
    regrouped.identity_b = picked(items.identity_b, result.former);
    for (const Grouping& grouping : all) {
        if (grouping.name != name)
            regrouped.groupings.push_back({grouping.name, grouping.groups, picked(grouping.group_of, result.former)});
    }
    return result;
}

std::vector<float> Regrouped::reordered(const std::vector<float>& values) const {
    const std::size_t each = former.empty() ? 0 : values.size() / former.size();
    std::vector<float> result;
    result.reserve(values.size());
    for (const std::uint32_t place : former) {
        const auto first = values.begin() + static_cast<std::ptrdiff_t>(place * each);
        result.insert(result.end(), first, first + static_cast<std::ptrdiff_t>(each));
    }
    return result;
}

}  // namespace fairsweep

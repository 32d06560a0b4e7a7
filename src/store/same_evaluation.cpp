#include "store/same_evaluation.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_other_set(const fs::path& path, const std::string& found, const std::string& expected) {
    throw_store({.attempted = "this store holds results on another evaluation set",
                 .where = path.string(),
                 .found = found,
                 .expected = expected,
                 .hint = "give this job a store of its own (--store)"});
}

/// Of the sets whose faces were prepared; parameters of another version may not say.
std::set<std::string> prepared_sets(const Plan& plan) {
    std::set<std::string> ids;
    for (const Stage& stage : plan.stages) {
        if (stage.kind != StageKind::prepare) continue;
        const auto json = nlohmann::json::parse(stage.parameters, nullptr, false);
        const auto data = json.is_object() ? json.find("data") : json.end();
        if (data != json.end() && data->is_string()) ids.insert(data->get<std::string>());
    }
    return ids;
}

}  // namespace

std::optional<DataConflict> data_conflict(const Plan& held, const Plan& other) {
    for (const auto& [name, data] : other.data) {
        const auto known = held.data.find(name);
        if (known == held.data.end() || !known->second.present || !data.present || known->second.id == data.id) continue;
        return DataConflict{fmt::format("data set {} with content {}", name, data.id.short_hex()),
                            fmt::format("{} with content {}", name, known->second.id.short_hex())};
    }
    const std::set<std::string> mine = prepared_sets(held);
    for (const std::string& id : prepared_sets(other)) {
        if (mine.empty() || mine.contains(id)) continue;
        return DataConflict{"the same pairs of other images: evaluation set " + id.substr(0, 12),
                            "evaluation set " + mine.begin()->substr(0, 12)};
    }
    return std::nullopt;
}

void check_same_evaluation(const std::filesystem::path& path, const StoreContents& held, const Plan& plan,
                           const PairTable* pairs) {
    if (held.plan.groups != plan.groups) {
        refuse_other_set(path, fmt::format("{} groups in the job", plan.groups.size()),
                         fmt::format("the {} of the store", held.plan.groups.size()));
    }
    if (held.plan.task != plan.task) refuse_other_set(path, "task " + plan.task, "task " + held.plan.task);
    if (pairs != nullptr && !same_pairs(held.pairs, *pairs)) {
        refuse_other_set(path, fmt::format("{} pairs that differ from the store's", pairs->size()),
                         fmt::format("the {} pairs it was made with", held.pairs.size()));
    }
    if (const auto conflict = data_conflict(held.plan, plan))
        throw_store({.attempted = "this store holds results on other data",
                     .where = path.string(),
                     .found = conflict->found,
                     .expected = conflict->expected,
                     .hint = "results on different data must not be compared as if they were on the same: give the set another "
                             "name in the job ([data.NAME]), or the job a store of its own (--store)"});
}

}  // namespace fairsweep

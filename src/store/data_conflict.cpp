#include "store/data_conflict.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

namespace fairsweep {
namespace {

/// Of the sets whose faces were prepared; parameters of another version may not say.
std::set<std::string> prepared_sets(const Plan& plan) {
    std::set<std::string> ids;
    for (const Stage& stage : plan.stages) {
        if (stage.kind != StageKind::prepare) continue;
        const auto json = nlohmann::json::parse(stage.parameters.text(), nullptr, false);
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
        return DataConflict{"the same items of other images: evaluation set " + id.substr(0, 12),
                            "evaluation set " + mine.begin()->substr(0, 12)};
    }
    return std::nullopt;
}

}  // namespace fairsweep

#include "faces/planted_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "faces/make_data.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/log.hpp"

namespace fairsweep::faces {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uint64_t kMaxBytes = 1U << 20U;

/// What `folder` lies in where it is `set` there ("a/expressions/test": "a").
std::optional<fs::path> folder_above(fs::path folder, fs::path set) {
    for (; !set.empty(); set = set.parent_path(), folder = folder.parent_path())
        if (folder.filename() != set.filename()) return std::nullopt;
    return folder;
}

fs::path planted_path(const fs::path& data) {
    std::error_code ignored;
    fs::path folder = data.lexically_normal();
    if (!folder.has_filename() || fs::is_regular_file(folder, ignored))
        folder = folder.parent_path();  // "data/test/" is "data/test"
    if (fs::is_regular_file(folder / kPlantedFile, ignored)) return folder / kPlantedFile;
    for (const char* set : kSetFolders) {
        const std::optional<fs::path> root = folder_above(folder, set);
        if (root && fs::is_regular_file(*root / kPlantedFile, ignored)) return *root / kPlantedFile;
    }
    return {};
}

/// Throws a JSON exception for anything that planted_json() does not write.
std::vector<Group> groups_of(const json& planted) {
    std::vector<Group> groups;
    for (const json& entry : planted.at("groups")) {
        Group group;
        group.name = entry.at("name").get<std::string>();
        group.spread = entry.at("identity_spread").get<double>();
        group.noise = entry.at("noise_multiplier").get<double>();
        groups.push_back(group);
    }
    return groups;
}

std::string compact(const json& planted) {
    std::vector<Group> groups = groups_of(planted);
    json line = {{"seed", planted.at("seed").get<std::uint64_t>()}, {"groups", json::array()}, {"hardest_first", json::array()}};
    for (const Group& group : groups) {
        line["groups"].push_back({{"name", group.name}, {"identity_spread", group.spread}, {"noise_multiplier", group.noise}});
    }
    std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return ease_of(a) < ease_of(b); });
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i == 0 || ease_of(groups[i - 1]) < ease_of(groups[i])) line["hardest_first"].push_back(json::array());
        line["hardest_first"].back().push_back(groups[i].name);
    }
    return line.dump();
}

}  // namespace

std::string planted_beside(const fs::path& data) {
    const fs::path path = planted_path(data);
    if (path.empty()) return {};
    try {
        return compact(json::parse(read_text_file(path, kMaxBytes)));
    } catch (const std::exception& error) {
        log_warning(path.string() + " is not what `fairsweep data make` writes, and is left aside: " + error.what());
        return {};
    }
}

}  // namespace fairsweep::faces

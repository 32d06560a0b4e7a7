#include "data/describe.hpp"

#include <algorithm>

#include "data/folder_set.hpp"
#include "data/formats.hpp"
#include "data/problems.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

/// The row of what `path` itself is; null when it is no set.
const DataFormat* format_at(const fs::path& path) {
    for (const DataFormat& format : data_formats())
        if (format.is_set(path)) return &format;
    return nullptr;
}

DataDescription describe_set(const fs::path& path, const DataFormat& format, bool all) {
    DataDescription description;
    description.format = format.name;
    format.describe(path, all, description);
    return description;
}

struct FoundSet {
    std::string name;  ///< below the folder that is described
    fs::path path;
    const DataFormat* format;
};

/// The sets in a folder, and those in its folders that are none themselves (expressions/train).
std::vector<FoundSet> sets_in(const fs::path& folder) {
    std::vector<FoundSet> sets;
    const auto add = [&sets](const fs::path& path, const std::string& above) {
        const DataFormat* format = format_at(path);
        if (format != nullptr) sets.push_back({above + path.filename().string(), path, format});
        return format != nullptr;
    };
    for (const fs::path& part : folders_in(folder)) {
        if (add(part, "")) continue;
        for (const fs::path& inner : folders_in(part)) add(inner, part.filename().string() + "/");
    }
    return sets;
}

DataDescription describe_collection(const std::vector<FoundSet>& sets, bool all) {
    DataDescription whole;
    whole.format = "collection";
    for (const FoundSet& set : sets) {
        DataDescription part = describe_set(set.path, *set.format, all);
        whole.images += part.images;
        whole.identities += part.identities;
        whole.images_decoded += part.images_decoded;
        whole.problem_count += part.problem_count;
        whole.groups.insert(whole.groups.end(), part.groups.begin(), part.groups.end());
        whole.problems.insert(whole.problems.end(), part.problems.begin(), part.problems.end());
        whole.parts.emplace_back(set.name, std::move(part));
    }
    return whole;
}

}  // namespace

DataDescription describe_data(const fs::path& folder, bool all) {
    if (const DataFormat* format = format_at(folder)) return describe_set(folder, *format, all);
    const std::vector<FoundSet> sets = sets_in(folder);
    // The official archive of RFW has everything below test/.
    if (sets.size() == 1) return describe_set(sets[0].path, *sets[0].format, all);
    if (!sets.empty()) return describe_collection(sets, all);
    std::string layouts;
    for (const DataFormat& format : data_formats()) layouts += (layouts.empty() ? "" : ", or ") + std::string(format.layout);
    throw_usage({.attempted = "cannot describe a data set",
                 .where = folder.string(),
                 .found = fs::exists(folder) ? "no data set that is known" : "no such folder",
                 .expected = layouts});
}

}  // namespace fairsweep

#include "data/describe.hpp"

#include <algorithm>

#include "data/problems.hpp"
#include "data/folder_set.hpp"
#include "data/recordio_set.hpp"
#include "data/rfw_set.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> folders_in(const fs::path& folder) {
    std::vector<fs::path> folders;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        std::error_code ignored;
        if (at->is_directory(ignored) && at->path().filename().string().front() != '.') folders.push_back(at->path());
    }
    std::sort(folders.begin(), folders.end());
    return folders;
}

bool has_images(const fs::path& folder) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        if (has_image_extension(at->path())) return true;
    }
    return false;
}

bool is_rfw_root(const fs::path& folder) {
    std::error_code ignored;
    return fs::is_directory(folder / "data", ignored) && fs::is_directory(folder / "txts", ignored);
}

/// "recordio", "rfw", "folder", or "" when `folder` itself is no set.
std::string format_of(const fs::path& folder) {
    if (find_recordio_files(folder)) return "recordio";
    if (is_rfw_root(folder)) return "rfw";
    const std::vector<fs::path> folders = folders_in(folder);
    return std::any_of(folders.begin(), folders.end(), has_images) ? "folder" : "";
}

DataDescription describe_set(const fs::path& folder, const std::string& format, bool all) {
    DataDescription description;
    description.format = format;
    if (format == "recordio") describe_recordio(folder, all, description);
    if (format == "rfw") describe_rfw(folder, all, description);
    if (format == "folder") describe_folder(folder, all, description);
    return description;
}

DataDescription describe_collection(const std::vector<std::pair<fs::path, std::string>>& sets, bool all) {
    DataDescription whole;
    whole.format = "collection";
    for (const auto& [folder, format] : sets) {
        DataDescription part = describe_set(folder, format, all);
        whole.images += part.images;
        whole.identities += part.identities;
        whole.images_decoded += part.images_decoded;
        whole.problem_count += part.problem_count;
        whole.groups.insert(whole.groups.end(), part.groups.begin(), part.groups.end());
        whole.problems.insert(whole.problems.end(), part.problems.begin(), part.problems.end());
        whole.parts.emplace_back(folder.filename().string(), std::move(part));
    }
    return whole;
}

}  // namespace

DataDescription describe_data(const fs::path& folder, bool all) {
    const std::string format = format_of(folder);
    if (!format.empty()) return describe_set(folder, format, all);
    std::vector<std::pair<fs::path, std::string>> sets;
    for (const fs::path& part : folders_in(folder)) {
        const std::string part_format = format_of(part);
        if (!part_format.empty()) sets.emplace_back(part, part_format);
    }
    // The official archive of RFW has everything below test/.
    if (sets.size() == 1) return describe_set(sets[0].first, sets[0].second, all);
    if (!sets.empty()) return describe_collection(sets, all);
    throw_usage({.attempted = "cannot describe a data set",
                 .where = folder.string(),
                 .found = fs::exists(folder) ? "no data set that is known" : "no such folder",
                 .expected = "train.rec with train.idx and property, an RFW tree (data/ and txts/), or identity/image.jpg",
                 .hint = {}});
}

}  // namespace fairsweep

#include "data/folder_set.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "data/damage.hpp"
#include "data/jpeg.hpp"
#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

class FolderTrainingSet final : public TrainingSet {
public:
    explicit FolderTrainingSet(FolderSet set) : set_(std::move(set)) {}
    [[nodiscard]] std::uint64_t size() const override { return set_.files.size(); }
    [[nodiscard]] std::uint64_t identities() const override { return set_.identities.size(); }
    [[nodiscard]] LabelledImage get(std::uint64_t index) const override {
        FAIRSWEEP_CHECK(index < size(), "ask for an image of the set");
        return set_.get(index);
    }

private:
    FolderSet set_;
};

/// Names in a folder that `wanted` accepts, sorted. Throws a data error when the folder cannot be read.
template <typename Wanted>
std::vector<std::string> sorted_names(const fs::path& folder, const Wanted& wanted) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        std::string name = at->path().filename().string();
        if (name.front() != '.' && wanted(*at)) names.push_back(std::move(name));
    }
    if (error) {
        throw_damaged({.file = folder, .offset = {}, .line = {}},
                      {.attempted = "cannot list a folder of images", .found = error.message()});
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool is_folder(const fs::directory_entry& entry) {
    std::error_code ignored;
    return entry.is_directory(ignored);
}

bool has_images(const fs::path& folder) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        if (has_image_extension(at->path())) return true;
    }
    return false;
}

}  // namespace

std::vector<fs::path> folders_in(const fs::path& folder) {
    std::vector<fs::path> folders;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        if (is_folder(*at) && at->path().filename().string().front() != '.') folders.push_back(at->path());
    }
    std::sort(folders.begin(), folders.end());
    return folders;
}

bool has_image_extension(const fs::path& path) {
    std::string extension = path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::uint64_t FolderSet::identity_of(std::uint64_t image) const {
    return static_cast<std::uint64_t>(std::upper_bound(begin.begin(), begin.end(), image) - begin.begin()) - 1;
}

std::string FolderSet::relative_path(std::uint64_t image) const { return identities[identity_of(image)] + "/" + files[image]; }

LabelledImage FolderSet::get(std::uint64_t image) const {
    return {.image = read_image(path / relative_path(image)), .identity = static_cast<std::int64_t>(identity_of(image))};
}

FolderSet read_folder_set(const fs::path& path) {
    FolderSet set{.path = path, .identities = {}, .begin = {0}, .files = {}};
    for (std::string& identity : sorted_names(path, is_folder)) {
        std::vector<std::string> files =
            sorted_names(path / identity, [](const fs::directory_entry& entry) { return has_image_extension(entry.path()); });
        if (files.empty()) continue;
        std::move(files.begin(), files.end(), std::back_inserter(set.files));
        set.begin.push_back(set.files.size());
        set.identities.push_back(std::move(identity));
    }
    if (set.files.empty()) {
        throw_damaged({.file = path, .offset = {}, .line = {}},
                      {.attempted = "cannot open a folder of images",
                       .found = "no image",
                       .expected = "identity/image.jpg (or .jpeg, .png)",
                       .hint = "put the images of each person into a folder of its own"});
    }
    return set;
}

bool is_folder_set(const fs::path& path) {
    const std::vector<fs::path> folders = folders_in(path);
    return std::any_of(folders.begin(), folders.end(), has_images);
}

SetFiles folder_set_files(const DataSource& source) {
    const FolderSet folder = read_folder_set(source.path);
    SetFiles set{"fairsweep folder 2", source.path, {}, {}};
    for (std::uint64_t i = 0; i < folder.files.size(); ++i) set.names.push_back(folder.relative_path(i));
    return set;
}

std::unique_ptr<TrainingSet> open_folder_set(const DataSource& source) {
    return std::make_unique<FolderTrainingSet>(read_folder_set(source.path));
}

}  // namespace fairsweep

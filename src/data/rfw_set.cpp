#include "data/rfw_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "data/align.hpp"
#include "data/damage.hpp"
#include "data/jpeg.hpp"
#include "data/pair_list.hpp"
#include "data/rfw_text.hpp"
#include "data/unicode.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

struct Landmarks {
    FivePoints points;
    std::uint32_t line = 0;
};

class RfwSet final : public VerificationSet {
public:
    RfwSet(fs::path folder, fs::path root) : folder_(std::move(folder)), root_(std::move(root)) {}

    [[nodiscard]] const std::vector<VerificationGroup>& groups() const override { return groups_; }
    [[nodiscard]] std::uint32_t identities() const override { return static_cast<std::uint32_t>(identity_numbers_.size()); }
    [[nodiscard]] Image aligned_image(std::size_t group, std::uint32_t image, int size) const override;

    void add_group(const std::string& name);

private:
    std::uint32_t identity_number(const std::string& name) {
        return identity_numbers_.try_emplace(name, static_cast<std::uint32_t>(identity_numbers_.size())).first->second;
    }

    fs::path folder_;
    fs::path root_;
    std::vector<VerificationGroup> groups_;
    std::vector<std::vector<Landmarks>> landmarks_;  // [group][image]
    std::unordered_map<std::string, std::uint32_t> identity_numbers_;
};

/// Images of one group by identity and stem, while its pairs are read.
class GroupImages {
public:
    GroupImages(const fs::path& root, const std::string& group)
        : root_(root),
          group_(group),
          pairs_path_(rfw_text_path(root, group, "pairs")),
          landmarks_path_(rfw_text_path(root, group, "lmk")),
          lines_(parse_landmarks(read_text_file(landmarks_path_), landmarks_path_)) {
        by_stem_.reserve(lines_.size());
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            by_stem_.try_emplace(lines_[i].identity + "/" + fs::path(lines_[i].file).stem().string(),
                                 Known{.line = i, .image = kUnused});
        }
    }

    /// The number of the image in the group, given out in the order of first use.
    std::uint32_t number_of(const std::string& identity, std::uint32_t number, std::uint32_t pair_line) {
        const std::string stem = identity + "/" + image_stem(identity, number);
        const auto found = by_stem_.find(stem);
        if (found == by_stem_.end()) without_landmarks(stem, pair_line);
        Known& known = found->second;
        if (known.image != kUnused) return known.image;
        const LandmarkLine& line = lines_[known.line];
        const fs::path file = root_ / "data" / group_ / identity / line.file;
        if (!fs::is_regular_file(file)) absent(file.string(), pair_line);
        known.image = static_cast<std::uint32_t>(files.size());
        files.push_back(file);
        landmarks.push_back({.points = line.points, .line = line.line});
        return known.image;
    }

    std::vector<fs::path> files;
    std::vector<Landmarks> landmarks;

private:
    static constexpr std::uint32_t kUnused = ~0u;
    struct Known {
        std::size_t line = 0;
        std::uint32_t image = kUnused;
    };

    [[noreturn]] void absent(const std::string& image, std::uint32_t pair_line) const {
        throw_damaged({.file = pairs_path_, .offset = {}, .line = pair_line},
                      {.attempted = "a pair names an absent image",
                       .found = "no file " + image,
                       .hint = "the tree is incomplete, or the pair file belongs to another one"});
    }

    [[noreturn]] void without_landmarks(const std::string& stem, std::uint32_t pair_line) const {
        const fs::path base = root_ / "data" / group_ / stem;
        const auto exists = [&base](const char* extension) { return fs::is_regular_file(base.string() + extension); };
        if (!exists(".jpg") && !exists(".png") && !exists(".jpeg")) absent(base.string() + ".jpg", pair_line);
        throw_damaged({.file = pairs_path_, .offset = {}, .line = pair_line},
                      {.attempted = "a pair names an image without landmarks",
                       .found = stem,
                       .expected = "a line for it in " + landmarks_path_.string()});
    }

    const fs::path& root_;
    const std::string& group_;
    fs::path pairs_path_;
    fs::path landmarks_path_;
    std::vector<LandmarkLine> lines_;
    std::unordered_map<std::string, Known> by_stem_;
};

void check_group_folders(const fs::path& root, const std::string& group) {
    for (const char* part : {"data", "txts"}) {
        const fs::path folder = root / part / group;
        if (fs::is_directory(folder)) continue;
        const std::vector<std::string> present = rfw_groups_in(root);
        const std::string near = nearest_word(group, present);
        throw_damaged({.file = folder, .offset = {}, .line = {}},
                      {.attempted = "the folder of a group is missing",
                       .found = fmt::format("groups {}", fmt::join(present, ", ")),
                       .expected = "a folder for group " + group,
                       .hint = near.empty() || near == group ? "" : "did you mean " + near + "?"});
    }
}

void RfwSet::add_group(const std::string& name) {
    check_group_folders(root_, name);
    if (!is_utf8(name))
        throw_damaged({.file = root_ / "txts", .offset = {}, .line = {}}, {.attempted = "cannot use the name of a group",
                                                                           .found = "'" + shown_text(name) + "'",
                                                                           .expected = "text in UTF-8",
                                                                           .hint = "rename its folders and lists"});
    GroupImages images(root_, name);
    const fs::path pairs_path = rfw_text_path(root_, name, "pairs");
    VerificationGroup group{.name = name, .image_paths = {}, .pairs = {}};
    const std::vector<PairLine> lines = parse_pairs(read_text_file(pairs_path), pairs_path);
    refuse_contradictions(lines, pairs_path);
    for (const PairLine& line : lines) {
        VerificationPair pair;
        pair.image_a = images.number_of(line.identity_a, line.number_a, line.line);
        pair.image_b = images.number_of(line.identity_b, line.number_b, line.line);
        pair.identity_a = identity_number(line.identity_a);
        pair.identity_b = identity_number(line.identity_b);
        pair.genuine = line.genuine;
        group.pairs.push_back(pair);
    }
    if (group.pairs.empty()) {
        throw_damaged({.file = pairs_path, .offset = {}, .line = {}},
                      {.attempted = "cannot open a verification set", .found = "no pair", .expected = "at least one"});
    }
    for (const fs::path& file : images.files) group.image_paths.push_back(file.lexically_relative(folder_).string());
    groups_.push_back(std::move(group));
    landmarks_.push_back(std::move(images.landmarks));
}

Image RfwSet::aligned_image(std::size_t group, std::uint32_t image, int size) const {
    FAIRSWEEP_CHECK(group < groups_.size() && image < groups_[group].image_paths.size(), "ask for an image of the set");
    const fs::path path = folder_ / groups_[group].image_paths[image];
    const Image loose = read_image(path);
    const Landmarks& landmarks = landmarks_[group][image];
    const auto damaged = [&](const char* attempted, std::string found, std::string expected) {
        throw_damaged({.file = rfw_text_path(root_, groups_[group].name, "lmk"), .offset = {}, .line = landmarks.line},
                      {.attempted = attempted, .found = std::move(found), .expected = std::move(expected)});
    };
    for (const Point2& point : landmarks.points) {
        if (point.x >= 0.0 && point.y >= 0.0 && point.x < loose.cols && point.y < loose.rows) continue;
        damaged("landmark out of range", fmt::format("({}, {})", point.x, point.y),
                fmt::format("inside the {} x {} pixels of {}", loose.cols, loose.rows, path.string()));
    }
    const std::optional<Similarity> similarity = fit_similarity(landmarks.points, arcface_template(size));
    if (!similarity) damaged("cannot align a face", "landmarks that coincide", "five different points");
    return warp(loose, *similarity, size);
}

}  // namespace

bool is_rfw_root(const fs::path& folder) {
    std::error_code ignored;
    return fs::is_directory(folder / "txts", ignored) && fs::is_directory(folder / "data", ignored);
}

std::optional<fs::path> find_rfw_root(const fs::path& folder) {
    for (const fs::path& root : {folder, folder / "test"})
        if (is_rfw_root(root)) return root;
    return std::nullopt;
}

fs::path rfw_text_path(const fs::path& root, const std::string& group, const char* kind) {
    return root / "txts" / group / (group + "_" + kind + ".txt");
}

std::vector<std::string> rfw_groups_in(const fs::path& root) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(root / "txts", error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (fs::exists(rfw_text_path(root, name, "pairs"))) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> rfw_group_names(const DataSource& source) {
    if (!source.groups.empty()) return source.groups;
    if (const auto root = find_rfw_root(source.path)) return rfw_groups_in(*root);
    return {"African", "Asian", "Caucasian", "Indian"};
}

/// Only pairs, landmarks and the images of pairs decide what the set gives; lists that some copies lack do not.
SetFiles rfw_set_files(const DataSource& source) {
    const std::unique_ptr<VerificationSet> opened = open_rfw_set(source);
    SetFiles set{"fairsweep rfw 2", find_rfw_root(source.path).value(), {}, {}};
    const auto add = [&set](const fs::path& path) { set.names.push_back(path.lexically_relative(set.root).string()); };
    for (const VerificationGroup& group : opened->groups()) {
        for (const char* kind : {"pairs", "lmk"}) add(rfw_text_path(set.root, group.name, kind));
        for (const std::string& image : group.image_paths) add(source.path / image);
    }
    return set;
}

std::unique_ptr<VerificationSet> open_rfw_set(const DataSource& source) {
    const std::optional<fs::path> root = find_rfw_root(source.path);
    if (!root) {
        throw_damaged({.file = source.path, .offset = {}, .line = {}},
                      {.attempted = "cannot open the verification set " + source.name,
                       .found = fs::exists(source.path) ? "no data/ and txts/ in it" : "no such folder",
                       .expected = "data/<Group>/<id>/<id>_0001.jpg and txts/<Group>/<Group>_pairs.txt"});
    }
    auto set = std::make_unique<RfwSet>(source.path, *root);
    const std::vector<std::string> names = source.groups.empty() ? rfw_groups_in(*root) : source.groups;
    if (names.empty()) {
        throw_damaged({.file = *root / "txts", .offset = {}, .line = {}},
                      {.attempted = "cannot open the verification set " + source.name,
                       .found = "no group",
                       .expected = "txts/<Group>/<Group>_pairs.txt"});
    }
    for (const std::string& name : names) set->add_group(name);
    return set;
}

}  // namespace fairsweep

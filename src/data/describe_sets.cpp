/// describe_data() for each format.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "data/problems.hpp"
#include "data/folder_set.hpp"
#include "data/manifest_set.hpp"
#include "data/pair_list.hpp"
#include "data/recordio_set.hpp"
#include "data/rfw_set.hpp"
#include "data/rfw_text.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

/// The next 4-aligned offset from `offset` on where the magic stands, or the file's end.
std::uint64_t next_magic(const File& file, std::uint64_t offset, std::uint64_t end) {
    std::vector<std::uint32_t> words(1 << 14);
    for (offset = (offset + 3) & ~std::uint64_t{3}; offset < end;) {
        const std::size_t words_read = file.read_at(offset, std::as_writable_bytes(std::span(words))) / sizeof(std::uint32_t);
        const auto last = words.begin() + static_cast<std::ptrdiff_t>(words_read);
        const auto found = std::find(words.begin(), last, kRecordMagic);
        if (found != last) return offset + 4 * static_cast<std::uint64_t>(found - words.begin());
        if (words_read == 0) break;
        offset += 4 * words_read;
    }
    return end;
}

/// Walks a .rec from record to record, past damage to the next magic, and returns where the sound ones start.
std::vector<std::uint64_t> walk_records(const fs::path& path, Problems& problems) {
    const RecordReader reader(path);
    const File file = File::open_for_reading(path);
    std::vector<std::uint64_t> starts;
    for (std::uint64_t offset = 0; offset < reader.size_bytes();) {
        std::uint64_t next = 0;
        if (problems.attempt([&] { next = reader.read(offset, starts.size()).next_offset; })) {
            starts.push_back(offset);
            offset = next;
        } else {
            offset = next_magic(file, offset + 4, reader.size_bytes());
        }
    }
    return starts;
}

void compare_with_index(const RecordioSet& set, const std::vector<std::uint64_t>& starts, Problems& problems) {
    std::vector<std::uint64_t> indexed = read_record_index(set.files.index);
    std::sort(indexed.begin(), indexed.end());
    for (const std::uint64_t start : starts) {
        if (std::binary_search(indexed.begin(), indexed.end(), start)) continue;
        problems.add({.file = set.files.records, .offset = start, .line = {}}, "a record that no line of the .idx names");
    }
    for (const std::uint64_t offset : indexed) {
        if (offset == kNoOffset || std::binary_search(starts.begin(), starts.end(), offset)) continue;
        problems.add({.file = set.files.records, .offset = offset, .line = {}},
                     "the .idx names a record here, and none starts here");
    }
}

}  // namespace

void describe_recordio(const fs::path& path, bool all, DataDescription& description) {
    Problems problems(description);
    std::optional<RecordioSet> set;
    const bool opened = problems.attempt([&] { set.emplace(read_recordio_set(path)); });
    if (!opened) {
        // Without a usable index the records can still be checked.
        (void)problems.attempt([&] { (void)walk_records(find_recordio_files(path).value().records, problems); });
        return;
    }
    description.images = set->image_offsets.size();
    description.identities = set->property.identities;
    if (!set->identity_offsets.empty() && set->identity_offsets.size() != set->property.identities) {
        problems.add({.file = set->files.property, .offset = {}, .line = 1},
                     fmt::format("{} identities, and key 0 of {} says {}", set->property.identities, set->files.records.string(),
                                 set->identity_offsets.size()));
    }
    if (all || description.images < kSmallSetImages) {
        (void)problems.attempt([&] { compare_with_index(*set, walk_records(set->files.records, problems), problems); });
    }
    problems.look_at_images(description.images, all, [&](std::uint64_t i) {
        const LabelledImage labelled = set->get(i);
        problems.decoded(labelled.image);
        if (labelled.image.rows == set->property.rows && labelled.image.cols == set->property.cols) return;
        problems.add(
            {.file = set->files.records, .offset = set->image_offsets[i], .line = {}},
            fmt::format("record {} is {} x {} pixels, and {} {} x {}", set->key_of(i), labelled.image.cols, labelled.image.rows,
                        set->has_property ? "property says" : "the first image is", set->property.cols, set->property.rows));
    });
}

void describe_folder(const fs::path& path, bool all, DataDescription& description) {
    Problems problems(description);
    FolderSet set;
    if (!problems.attempt([&] { set = read_folder_set(path); })) return;
    description.images = set.files.size();
    description.identities = set.identities.size();
    problems.look_at_images(description.images, all, [&](std::uint64_t i) {
        try {
            problems.decoded(set.get(i).image);
        } catch (const Error& error) {
            throw_damaged({.file = path / set.relative_path(i), .offset = {}, .line = {}}, error.parts());
        }
    });
}

namespace {

std::uint64_t people_among(const ItemTable& items, std::uint32_t begin, std::uint32_t end) {
    const auto& people = items.identity_a;
    return std::set<std::uint32_t>(people.begin() + begin, people.begin() + end).size();
}

void count_items(const Manifest& manifest, DataDescription& description) {
    const ItemTable& items = manifest.items;
    description.images = items.size();
    description.identities = people_among(items, 0, items.size());
    for (const std::string& name : manifest.classes)
        description.classes.push_back({.name = name, .images = std::vector<std::uint64_t>(items.groups.size())});
    for (std::size_t g = 0; g < items.groups.size(); ++g) {
        const std::uint32_t begin = items.group_begin[g], end = items.group_begin[g + 1];
        description.groups.push_back(
            {.name = items.groups[g], .images = end - begin, .identities = people_among(items, begin, end), .pairs = 0});
        for (std::uint32_t i = begin; i < end; ++i) ++description.classes[items.label[i]].images[g];
    }
    for (const Grouping& grouping : items.groupings) {
        GroupingCounts& counts = description.groupings.emplace_back();
        counts.name = grouping.name;
        for (const std::string& group : grouping.groups) counts.images.emplace_back(group, 0);
        for (const std::uint32_t group : grouping.group_of) ++counts.images[group].second;
    }
}

}  // namespace

void describe_manifest(const fs::path& path, bool all, DataDescription& description) {
    Problems problems(description);
    Manifest manifest;
    if (!problems.attempt(
            [&] { manifest = read_manifest({.name = path.string(), .format = "manifest", .path = path, .groups = {}}); }))
        return;
    count_items(manifest, description);
    std::vector<std::uint64_t> there;  // images on disk
    for (std::uint64_t i = 0; i < description.images; ++i)
        if (problems.attempt([&] { manifest.refuse_unless_there(i); })) there.push_back(i);
    problems.look_at_images(there.size(), all, [&](std::uint64_t i) {
        try {
            problems.decoded(manifest.get(there[i]).image);
        } catch (const Error& error) {
            throw_damaged({.file = manifest.image_path(there[i]), .offset = {}, .line = {}}, error.parts());
        }
    });
}

namespace {

/// One group of an RFW tree, every part read as far as it can be.
class RfwGroup {
public:
    RfwGroup(const fs::path& root, const std::string& name, Problems& problems) : root_(root), name_(name), problems_(problems) {}

    GroupCounts describe(bool all, std::set<std::string>& identities) {
        GroupCounts counts{.name = name_, .images = 0, .identities = 0, .pairs = 0};
        (void)problems_.attempt([&] { read_landmarks(); });
        if (problems_.attempt([&] { files_ = read_folder_set(root_ / "data" / name_); })) {
            counts.images = files_.files.size();
            counts.identities = files_.identities.size();
            identities.insert(files_.identities.begin(), files_.identities.end());
            for (std::uint64_t i = 0; i < counts.images; ++i) on_disk_.insert(stem_of(i));
        }
        (void)problems_.attempt([&] { counts.pairs = check_pairs(); });
        (void)problems_.attempt([&] { check_lists(); });
        problems_.look_at_images(counts.images, all, [this](std::uint64_t i) { check_image(i); });
        return counts;
    }

private:
    [[nodiscard]] std::string stem_of(std::uint64_t image) const {
        return files_.identities[files_.identity_of(image)] + "/" + fs::path(files_.files[image]).stem().string();
    }

    void read_landmarks() {
        landmarks_path_ = rfw_text_path(root_, name_, "lmk");
        for (LandmarkLine& line : parse_landmarks(read_text_file(landmarks_path_), landmarks_path_)) {
            const std::string stem = line.identity + "/" + fs::path(line.file).stem().string();
            landmarks_.try_emplace(stem, std::move(line));
        }
        landmarks_read_ = true;
    }

    std::uint64_t check_pairs() {
        const fs::path path = rfw_text_path(root_, name_, "pairs");
        const std::vector<PairLine> pairs = parse_pairs(read_text_file(path), path);
        if (pairs.empty()) problems_.add({.file = path, .offset = {}, .line = {}}, "no pair");
        for (const PairLine& pair : pairs) {
            const FileSpot spot{.file = path, .offset = {}, .line = pair.line};
            const std::string a = pair.identity_a + "/" + image_stem(pair.identity_a, pair.number_a);
            const std::string b = pair.identity_b + "/" + image_stem(pair.identity_b, pair.number_b);
            if (a == b) problems_.add(spot, "an image paired with itself: " + a);
            if (!pair.genuine && pair.identity_a == pair.identity_b)
                problems_.add(spot, "a pair of different people names one person twice: " + pair.identity_a);
            for (const std::string& image : {a, b}) {
                if (on_disk_.count(image) == 0) {
                    problems_.add(spot, "a pair names an absent image: " + image);
                } else if (landmarks_read_ && landmarks_.count(image) == 0) {
                    problems_.add(spot, "a pair names an image without landmarks: " + image);
                }
            }
        }
        return pairs.size();
    }

    /// The lists that no reader needs, where they are there: <Group>_images.txt and <Group>_people.txt.
    void check_lists() {
        const fs::path images_path = rfw_text_path(root_, name_, "images");
        if (fs::exists(images_path)) {
            std::uint64_t lines = 0;
            for (const std::string& line : split(read_text_file(images_path), '\n')) lines += line.empty() ? 0 : 1;
            if (lines != files_.files.size()) {
                problems_.add({.file = images_path, .offset = {}, .line = {}},
                              fmt::format("{} images, and {} on disk", lines, files_.files.size()));
            }
        }
        const fs::path people_path = rfw_text_path(root_, name_, "people");
        if (!fs::exists(people_path)) return;
        std::uint64_t images = 0;
        for (const std::string& line : split(read_text_file(people_path), '\n')) {
            const std::size_t blank = line.find_last_of(" \t");
            std::uint64_t count = 0;
            if (blank != std::string::npos) std::from_chars(line.data() + blank + 1, line.data() + line.size(), count);
            images += count;
        }
        if (images != files_.files.size()) {
            problems_.add({.file = people_path, .offset = {}, .line = {}},
                          fmt::format("counts that add up to {} images, and {} on disk", images, files_.files.size()));
        }
    }

    void check_image(std::uint64_t i) {
        const fs::path path = files_.path / files_.relative_path(i);
        Image image;
        try {
            image = files_.get(i).image;
        } catch (const Error& error) {
            throw_damaged({.file = path, .offset = {}, .line = {}}, error.parts());
        }
        problems_.decoded(image);
        const auto landmark = landmarks_.find(stem_of(i));
        if (landmark == landmarks_.end()) return;
        const FileSpot spot{.file = landmarks_path_, .offset = {}, .line = landmark->second.line};
        for (const Point2& point : landmark->second.points) {
            if (point.x >= 0.0 && point.y >= 0.0 && point.x < image.cols && point.y < image.rows) continue;
            problems_.add(spot, fmt::format("landmark out of range: ({}, {}) in an image of {} x {}", point.x, point.y,
                                            image.cols, image.rows));
            return;
        }
        if (!fit_similarity(landmark->second.points, arcface_template(112))) problems_.add(spot, "landmarks that coincide");
    }

    const fs::path& root_;
    const std::string& name_;
    Problems& problems_;
    fs::path landmarks_path_;
    bool landmarks_read_ = false;
    std::unordered_map<std::string, LandmarkLine> landmarks_;  // by identity/stem
    FolderSet files_;
    std::unordered_set<std::string> on_disk_;  // identity/stem
};

}  // namespace

void describe_rfw(const fs::path& root, bool all, DataDescription& description) {
    Problems problems(description);
    const std::vector<std::string> groups = rfw_groups_in(root);
    if (groups.empty())
        problems.add({.file = root / "txts", .offset = {}, .line = {}}, "no group: txts/<Group>/<Group>_pairs.txt");
    std::set<std::string> identities;
    for (const std::string& name : groups) {
        description.groups.push_back(RfwGroup(root, name, problems).describe(all, identities));
        description.images += description.groups.back().images;
    }
    description.identities = identities.size();
    std::error_code error;
    for (fs::directory_iterator at(root / "data", error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (at->is_directory(error) && name.front() != '.' && std::find(groups.begin(), groups.end(), name) == groups.end()) {
            problems.add({.file = at->path(), .offset = {}, .line = {}}, "images of a group that has no pair file");
        }
    }
}

}  // namespace fairsweep

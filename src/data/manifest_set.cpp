#include "data/manifest_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "data/csv_reader.hpp"
#include "data/damage.hpp"
#include "data/jpeg.hpp"
#include "data/numbering.hpp"
#include "data/unicode.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAttempted = "cannot read a manifest of images";
constexpr const char* kFileName = "manifest.csv";
constexpr const char* kOnlyGroup = "all";

/// The name of a class, group or column: one text in composed form that fits into a line of a table.
std::string name_in(const CsvReader& reader, const std::string& what, const std::string& text) {
    if (text.empty() || text == "nan" || text == "NaN" || text == "<NA>")
        reader.refuse(text.empty() ? "an empty " + what : "the " + what + " " + text, "a name");
    const std::optional<std::string> name = composed_text(text);
    if (!name)
        reader.refuse("the " + what + " '" + shown_text(text) + "'", "text in UTF-8", "iconv -f latin1 -t UTF-8 OLD > NEW");
    const bool has_control = std::ranges::any_of(*name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (has_control || name->size() > kMaxNameBytes)
        reader.refuse("the " + what + " '" + shown_text(text) + "'",
                      fmt::format("a name of at most {} bytes, in one line", kMaxNameBytes));
    return *name;
}

/// Names that were met, in the order of first use.
struct Names {
    Numbering numbering;
    std::vector<std::string> names;

    std::uint32_t of(const std::string& name) {
        const std::uint32_t number = numbering.of(name);
        if (number == names.size()) names.push_back(name);
        return number;
    }
};

struct FurtherColumn {
    std::string name;
    std::size_t place = 0;
};

struct Columns {
    std::size_t count = 0;
    std::size_t path = 0;
    std::size_t class_name = 0;
    std::optional<std::size_t> group, person;
    std::vector<FurtherColumn> further;
};

std::string list_of(const std::vector<std::string>& header) {
    std::vector<std::string> shown;
    for (const std::string& name : header) shown.push_back(shown_text(name));
    return fmt::format("{}", fmt::join(shown, ", "));
}

Columns read_header(CsvReader& reader) {
    std::vector<std::string> header;
    if (!reader.next(header)) reader.refuse_file("an empty file", "a first line with path and class");
    std::map<std::string, std::size_t> places;  // by the name in lower case
    Columns columns;
    columns.count = header.size();
    for (std::size_t i = 0; i < header.size(); ++i) {
        if (header[i].empty())
            reader.refuse(fmt::format("no name of column {}", i + 1), "a name for every column",
                          "pandas: to_csv(..., index=False)");
        const std::string name = name_in(reader, "column", header[i]);
        const std::string lower = lower_case(name);
        if (name.find('/') != std::string::npos)
            reader.refuse("a '/' in the name of column " + shown_text(name), "a name without one: files name columns by it");
        if (!places.try_emplace(lower, i).second) reader.refuse("two columns " + shown_text(name), "one");
        if (lower != "path" && lower != "class" && lower != "group" && lower != "person") columns.further.push_back({name, i});
    }
    std::string missing;
    for (const char* name : {"path", "class"})
        if (!places.contains(name)) missing += (missing.empty() ? "" : ", ") + std::string(name);
    if (!missing.empty())
        reader.refuse(fmt::format("no column {} in the first line: {}", missing, list_of(header)),
                      "a first line with path and class, and perhaps group and person");
    columns.path = places.at("path");
    columns.class_name = places.at("class");
    if (const auto found = places.find("group"); found != places.end()) columns.group = found->second;
    if (const auto found = places.find("person"); found != places.end()) columns.person = found->second;
    return columns;
}

/// What a line says, names as numbers.
struct Row {
    std::uint64_t line = 0;
    std::uint32_t group = 0;
    std::uint32_t class_number = 0;  // in the order of first use
    std::uint32_t person = 0;
    std::string image;
    std::vector<std::uint32_t> further;
};

class ManifestTable {
public:
    ManifestTable(CsvReader& reader, const fs::path& file, const std::vector<std::string>& wanted)
        : reader_(reader), columns_(read_header(reader)), further_(columns_.further.size()) {
        manifest_.file = file;
        for (const std::string& group : wanted) groups_.of(composed_text(group).value_or(group));
        wanted_ = groups_.names.size();
    }

    [[nodiscard]] Manifest read() {
        std::vector<std::string> fields;
        while (reader_.next(fields)) {
            if (fields.size() != columns_.count)
                reader_.refuse(fmt::format("{} fields", fields.size()), fmt::format("{}, as in the first line", columns_.count));
            add(fields);
        }
        if (lines_of_.empty()) reader_.refuse("no images", "one line per image");
        refuse_absent_groups();
        sort_classes();
        fill();
        return std::move(manifest_);
    }

private:
    void add(const std::vector<std::string>& fields) {
        Row row;
        row.line = reader_.line();
        row.image = image_in(fields[columns_.path]);
        row.class_number = classes_.of(name_in(reader_, "class", fields[columns_.class_name]));
        if (classes_.names.size() > kMaxClasses)
            reader_.refuse(fmt::format("more than {} classes", kMaxClasses), "classes of many images each",
                           "a set of people by identity is format folder or recordio");
        const std::string group = columns_.group ? name_in(reader_, "group", fields[*columns_.group]) : kOnlyGroup;
        std::vector<std::string> values;
        for (const FurtherColumn& column : columns_.further)
            values.push_back(name_in(reader_, column.name, fields[column.place]));
        const auto [earlier, is_new] = lines_of_.try_emplace(row.image, row.line);
        if (!is_new)
            reader_.refuse("the path " + shown_text(row.image) + " again",
                           fmt::format("every image once: line {}", earlier->second));
        row.group = number_in(groups_, group, "group");
        has_image_.resize(groups_.names.size());
        has_image_[row.group] = true;
        if (wanted_ != 0 && row.group >= wanted_) return;
        const std::string person = columns_.person ? fields[*columns_.person] : "";
        row.person = is_no_name(person) ? people_.nobody() : people_.of(composed_text(person).value_or(person));
        for (std::size_t i = 0; i < values.size(); ++i)
            row.further.push_back(number_in(further_[i], values[i], columns_.further[i].name));
        rows_.push_back(std::move(row));
    }

    /// The path below the manifest's folder. Its ".." are resolved here and not by the system, which follows links first.
    [[nodiscard]] std::string image_in(const std::string& text) const {
        constexpr const char* kExpected = "a file below the manifest's folder";
        if (text.empty()) reader_.refuse("an empty path", kExpected);
        const fs::path path = fs::path(text).lexically_normal();
        const std::string shown = "the path '" + shown_text(text) + "'";
        if (text.find('\0') != std::string::npos || !path.has_filename() || path == ".") reader_.refuse(shown, kExpected);
        if (path.is_absolute()) reader_.refuse(shown, kExpected, "write paths from the manifest's folder on");
        if (*path.begin() == "..") reader_.refuse(shown, kExpected, "move the manifest up, or link the images below it");
        return path.string();
    }

    [[nodiscard]] std::uint32_t number_in(Names& groups, const std::string& name, const std::string& column) const {
        const std::uint32_t number = groups.of(name);
        if (groups.names.size() > kMaxGroupsOfColumn)
            reader_.refuse(fmt::format("more than {} values in column {}", kMaxGroupsOfColumn, shown_text(column)),
                           "groups of many images each",
                           "it looks like a number and not a group: leave the column out, or write ranges (20-29)");
        return number;
    }

    void refuse_absent_groups() const {
        for (std::size_t g = 0; g < wanted_; ++g) {
            if (g < has_image_.size() && has_image_[g]) continue;
            std::vector<std::string> present;
            for (std::size_t i = 0; i < has_image_.size(); ++i)
                if (has_image_[i]) present.push_back(groups_.names[i]);
            const std::string near = nearest_word(groups_.names[g], present);
            reader_.refuse_file("no image of group " + shown_text(groups_.names[g]),
                                "one of its groups: " + shown_text(fmt::format("{}", fmt::join(present, ", "))),
                                near.empty() ? "" : "did you mean " + near + "?");
        }
    }

    void sort_classes() {
        manifest_.classes = classes_.names;
        std::ranges::sort(manifest_.classes);
        for (const std::string& name : classes_.names)
            class_places_.push_back(
                static_cast<std::uint8_t>(std::ranges::lower_bound(manifest_.classes, name) - manifest_.classes.begin()));
    }

    void fill() {
        std::ranges::stable_sort(rows_, {}, &Row::group);
        ItemTable& items = manifest_.items;
        items.groups = groups_.names;
        if (wanted_ != 0) items.groups.resize(wanted_);
        items.group_begin.assign(items.groups.size() + 1, 0);
        for (const FurtherColumn& column : columns_.further)
            items.groupings.push_back({.name = column.name, .groups = {}, .group_of = {}});
        for (std::size_t i = 0; i < further_.size(); ++i) items.groupings[i].groups = std::move(further_[i].names);
        for (Row& row : rows_) {
            ++items.group_begin[row.group + 1];
            items.label.push_back(class_places_[row.class_number]);
            items.identity_a.push_back(row.person);
            for (std::size_t i = 0; i < row.further.size(); ++i) items.groupings[i].group_of.push_back(row.further[i]);
            manifest_.images.push_back(std::move(row.image));
            manifest_.lines.push_back(row.line);
        }
        items.identity_b = items.identity_a;
        std::partial_sum(items.group_begin.begin(), items.group_begin.end(), items.group_begin.begin());
    }

    CsvReader& reader_;
    std::size_t wanted_ = 0;  // the first groups: those that a job names; none: all
    const Columns columns_;
    Manifest manifest_;
    std::vector<Row> rows_;
    Names classes_, groups_;
    Numbering people_;
    std::vector<Names> further_;
    std::vector<bool> has_image_;                              // [groups]
    std::vector<std::uint8_t> class_places_;                   // [classes in the order of first use]
    std::unordered_map<std::string, std::uint64_t> lines_of_;  // by image
};

class ManifestSet final : public LabelledSet {
public:
    explicit ManifestSet(Manifest manifest) : manifest_(std::move(manifest)) {}
    [[nodiscard]] std::uint64_t size() const override { return manifest_.images.size(); }
    [[nodiscard]] std::uint64_t identities() const override { return manifest_.classes.size(); }
    [[nodiscard]] LabelledImage get(std::uint64_t index) const override {
        FAIRSWEEP_CHECK(index < size(), "ask for an image of the set");
        return manifest_.get(index);
    }
    [[nodiscard]] const std::vector<std::string>& classes() const override { return manifest_.classes; }
    [[nodiscard]] const ItemTable& items() const override { return manifest_.items; }

private:
    Manifest manifest_;
};

}  // namespace

LabelledImage Manifest::get(std::uint64_t item) const {
    refuse_unless_there(item);
    return {.image = read_image(image_path(item)), .identity = items.label[item]};
}

void Manifest::refuse_unless_there(std::uint64_t item) const {
    std::error_code ignored;
    if (fs::is_regular_file(image_path(item), ignored)) return;
    throw_damaged({.file = file, .offset = {}, .line = lines[item]},
                  {.attempted = "a manifest names an absent image",
                   .found = "no file " + image_path(item).string(),
                   .hint = images[item].find('\\') == std::string::npos ? "paths go from the manifest's folder on"
                                                                        : "write / between folders"});
}

std::optional<fs::path> find_manifest(const fs::path& path) {
    std::error_code ignored;
    for (const fs::path& file : {path, path / kFileName})
        if (fs::is_regular_file(file, ignored)) return file;
    return std::nullopt;
}

bool is_manifest_set(const fs::path& path) {
    const std::optional<fs::path> file = find_manifest(path);
    return file && (*file != path || file->extension() == ".csv" || file->extension() == ".tsv");
}

Manifest parse_manifest(std::string_view text, const fs::path& file, const std::vector<std::string>& groups) {
    CsvReader reader(text, file, separator_of(text), kAttempted);
    return ManifestTable(reader, file, groups).read();
}

Manifest read_manifest(const DataSource& source) {
    const std::optional<fs::path> file = find_manifest(source.path);
    if (file) return parse_manifest(read_text_file(*file), *file, source.groups);
    throw_damaged({.file = source.path, .offset = {}, .line = {}},
                  {.attempted = kAttempted,
                   .found = fs::exists(source.path) ? fmt::format("no {} in it", kFileName) : "no such file or folder",
                   .expected = fmt::format("a folder with {}, or a table of that kind", kFileName)});
}

std::unique_ptr<LabelledSet> open_manifest_set(const DataSource& source) {
    Manifest manifest = read_manifest(source);
    for (std::uint64_t i = 0; manifest.images.size() <= kMaxImagesLookedFor && i < manifest.images.size(); ++i)
        manifest.refuse_unless_there(i);
    return std::make_unique<ManifestSet>(std::move(manifest));
}

std::unique_ptr<TrainingSet> open_manifest_training_set(const DataSource& source) { return open_manifest_set(source); }

SetFiles manifest_set_files(const DataSource& source) {
    const Manifest manifest = read_manifest(source);
    SetFiles set{"fairsweep manifest 1", source.path, {"manifest"}, {manifest.file}};
    for (std::uint64_t i = 0; i < manifest.images.size(); ++i) {
        set.names.push_back(manifest.images[i]);
        set.places.push_back(manifest.image_path(i));
    }
    return set;
}

std::vector<std::string> manifest_group_names(const DataSource& source) {
    std::vector<std::string> wanted;
    for (const std::string& group : source.groups) wanted.push_back(composed_text(group).value_or(group));
    if (!wanted.empty()) return wanted;
    return find_manifest(source.path) ? read_manifest(source).items.groups : std::vector<std::string>{kOnlyGroup};
}

std::vector<std::string> manifest_class_names(const DataSource& source) {
    return find_manifest(source.path) ? read_manifest(source).classes : std::vector<std::string>();
}

}  // namespace fairsweep

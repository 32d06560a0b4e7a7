#include "embedding_pairs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "data/damage.hpp"
#include "data/pair_list.hpp"
#include "data/row_index.hpp"
#include "data/unicode.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "metrics/pair_checks.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

void refuse_second_lists(const std::vector<PairFile>& files) {
    std::set<std::string> groups;
    for (const PairFile& file : files) {
        if (!groups.insert(file.group).second)
            throw_usage({.attempted = "cannot use the pair lists",
                         .where = file.path.string(),
                         .found = "a second list for group " + file.group,
                         .expected = "one list per group",
                         .hint = "name the groups: --pairs A=first.txt B=second.txt"});
    }
}

[[noreturn]] void refuse_group_name(const PairFile& file) {
    throw_usage({.attempted = "cannot use the pair lists",
                 .where = file.path.string(),
                 .found = "the group name '" + shown_text(file.group) + "'",
                 .expected = "text in UTF-8",
                 .hint = "name the group: --pairs A=FILE"});
}

/// The folder that an image is in; empty when its path has none.
std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0) return {};
    const std::size_t before = path.rfind('/', slash - 1);
    return before == std::string::npos ? path.substr(0, slash) : path.substr(before + 1, slash - before - 1);
}

/// Whether images lie in folders of people: only then pairs of one person are in one folder and the others in two.
bool folders_are_people(const std::vector<LabelledPairLine>& pairs) {
    return std::ranges::all_of(pairs, [](const LabelledPairLine& pair) {
        const std::string a = folder_of(pair.path_a), b = folder_of(pair.path_b);
        return !a.empty() && !b.empty() && (plain_path(a) == plain_path(b)) == pair.genuine;
    });
}

class RowPairCollector {
public:
    RowPairCollector(const std::vector<std::string>& paths, const std::string& source) : index_(paths), source_(source) {
        pairs_.table.group_begin.push_back(0);
    }

    void add(const PairFile& file) {
        if (!is_utf8(file.group)) refuse_group_name(file);
        const PairList list = parse_pair_list(read_text_file(file.path), file.path);
        refuse_contradictions(list.pairs, file.path);
        for (const PairLine& line : list.pairs) {
            add_images(file, line.line, line.identity_a + "/" + image_stem(line.identity_a, line.number_a),
                       line.identity_b + "/" + image_stem(line.identity_b, line.number_b));
            add_people(person(line.identity_a), person(line.identity_b), line.genuine);
        }
        const bool has_people = folders_are_people(list.labelled);
        if (!has_people) warn_of_folders(file);
        for (const LabelledPairLine& line : list.labelled) {
            add_images(file, line.line, line.path_a, line.path_b);
            const std::uint32_t a = has_people ? person(folder_of(line.path_a)) : next_person_++;
            const std::uint32_t b = has_people ? person(folder_of(line.path_b)) : line.genuine ? a : next_person_++;
            add_people(a, b, line.genuine);
        }
        const std::size_t count = list.pairs.size() + list.labelled.size();
        if (list.promised != 0 && list.promised != count)
            pairs_.warnings.push_back(
                fmt::format("the first line of {} promises {} pairs, and {} follow", file.path.string(), list.promised, count));
        pairs_.table.groups.push_back(file.group);
        pairs_.table.group_begin.push_back(pairs_.table.size());
    }

    [[nodiscard]] RowPairs finish() {
        const auto repeated = repeated_pair_warnings(pairs_.table, pairs_.row_a, pairs_.row_b);
        pairs_.warnings.insert(pairs_.warnings.end(), repeated.begin(), repeated.end());
        return std::move(pairs_);
    }

private:
    void add_images(const PairFile& file, std::uint32_t line, const std::string& a, const std::string& b) {
        pairs_.row_a.push_back(row(file, line, a));
        pairs_.row_b.push_back(row(file, line, b));
    }

    void add_people(std::uint32_t a, std::uint32_t b, bool genuine) {
        pairs_.table.identity_a.push_back(a);
        pairs_.table.identity_b.push_back(b);
        pairs_.table.label.push_back(genuine ? 1 : 0);
    }

    std::uint32_t row(const PairFile& file, std::uint32_t line, const std::string& image) const {
        std::string why;
        const auto found = index_.find(file.group, image, why);
        if (!found)
            throw_damaged({.file = file.path, .offset = {}, .line = line},
                          {.attempted = "a pair names an image without one embedding",
                           .found = why + " in " + source_,
                           .expected = "one path that ends so, with any extension or none"});
        return *found;
    }

    std::uint32_t person(const std::string& name) {
        const auto [place, is_new] = people_.try_emplace(plain_path(name), next_person_);
        if (is_new) ++next_person_;
        return place->second;
    }

    void warn_of_folders(const PairFile& file) {
        pairs_.identities_known = false;
        pairs_.warnings.push_back(fmt::format(
            "the images of {} are not in one folder per person: its people are not known, and its pairs are taken as independent",
            file.path.string()));
    }

    RowIndex index_;
    const std::string& source_;
    RowPairs pairs_;
    std::unordered_map<std::string, std::uint32_t> people_;
    std::uint32_t next_person_ = 0;
};

}  // namespace

PairFile parse_pair_file(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos && equals != 0) return {text.substr(0, equals), text.substr(equals + 1)};
    std::string group = fs::path(text).stem().string();
    constexpr std::string_view kSuffix = "_pairs";
    if (group.ends_with(kSuffix) && group.size() > kSuffix.size()) group.resize(group.size() - kSuffix.size());
    return {group, text};
}

RowPairs pair_rows(const std::vector<PairFile>& files, const std::vector<std::string>& paths, const std::string& source) {
    refuse_second_lists(files);
    RowPairCollector collector(paths, source);
    for (const PairFile& file : files) collector.add(file);
    return collector.finish();
}

}  // namespace fairsweep

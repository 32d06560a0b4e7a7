#include "embedding_pairs.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

#include "data/damage.hpp"
#include "data/rfw_text.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kSeveral = ~0U;

/// Rows by the last two and the last three parts of their paths, extensions left out.
class RowIndex {
public:
    explicit RowIndex(const std::vector<std::string>& paths) {
        rows_.reserve(2 * paths.size());
        for (std::uint32_t row = 0; row < paths.size(); ++row)
            for (const int parts : {2, 3}) add(ending(paths[row], parts), row);
    }

    /// The row of an image, or why there is none.
    [[nodiscard]] std::uint32_t find(const std::string& group, const std::string& image, std::string& why) const {
        const auto found = rows_.find(image);
        if (found == rows_.end()) {
            why = "no path that ends in " + image;
            return kSeveral;
        }
        if (found->second != kSeveral) return found->second;
        const auto with_group = rows_.find(group + "/" + image);
        if (with_group != rows_.end() && with_group->second != kSeveral) return with_group->second;
        why = "several paths that end in " + image + ", and none of them alone in " + group + "/" + image;
        return kSeveral;
    }

private:
    static std::string ending(const std::string& path, int parts) {
        const fs::path file(path);
        const std::string name = (file.parent_path() / file.stem()).generic_string();
        std::size_t begin = name.size();
        for (int i = 0; i < parts; ++i) {
            if (begin == 0) return {};
            const std::size_t slash = name.rfind('/', begin - 1);
            begin = slash == std::string::npos ? 0 : slash;
        }
        return name.substr(begin == 0 && !name.starts_with('/') ? 0 : begin + 1);
    }

    void add(const std::string& key, std::uint32_t row) {
        if (key.empty()) return;
        const auto [place, is_new] = rows_.try_emplace(key, row);
        if (!is_new && place->second != row) place->second = kSeveral;
    }

    std::unordered_map<std::string, std::uint32_t> rows_;
};

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
    const RowIndex index(paths);
    std::unordered_map<std::string, std::uint32_t> identities;
    const auto identity = [&identities](const std::string& name) {
        return identities.try_emplace(name, static_cast<std::uint32_t>(identities.size())).first->second;
    };
    refuse_second_lists(files);
    RowPairs pairs;
    pairs.table.group_begin.push_back(0);
    for (const PairFile& file : files) {
        for (const PairLine& line : parse_pairs(read_text_file(file.path), file.path)) {
            const auto row = [&](const std::string& name, std::uint32_t number) {
                std::string why;
                const std::uint32_t found = index.find(file.group, name + "/" + image_stem(name, number), why);
                if (found == kSeveral)
                    throw_damaged({.file = file.path, .offset = {}, .line = line.line},
                                  {.attempted = "a pair names an image without one embedding",
                                   .where = {},
                                   .found = why + " in " + source,
                                   .expected = "one path that ends so, with any extension",
                                   .hint = {}});
                return found;
            };
            pairs.row_a.push_back(row(line.identity_a, line.number_a));
            pairs.row_b.push_back(row(line.identity_b, line.number_b));
            pairs.table.genuine.push_back(line.genuine ? 1 : 0);
            pairs.table.identity_a.push_back(identity(line.identity_a));
            pairs.table.identity_b.push_back(identity(line.identity_b));
        }
        pairs.table.groups.push_back(file.group);
        pairs.table.group_begin.push_back(pairs.table.size());
    }
    return pairs;
}

}  // namespace fairsweep

#include "data/row_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/unicode.hpp"

namespace fairsweep {
namespace {

constexpr std::uint32_t kSeveral = ~0U;
constexpr int kMostParts = 3;

/// The last `parts` parts of a plain path; empty when it has fewer.
std::string ending(const std::string& path, int parts) {
    std::size_t begin = path.size();
    for (int i = 0; i < parts; ++i) {
        if (begin == 0 || begin == std::string::npos) return {};
        begin = path.rfind('/', begin - 1);
    }
    return begin == std::string::npos ? path : path.substr(begin + 1);
}

std::string lower_extension(const std::string& path) {
    const std::size_t point = path.rfind('.');
    const std::size_t slash = path.rfind('/');
    if (point == std::string::npos || (slash != std::string::npos && point < slash)) return {};
    std::string extension = path.substr(point + 1);
    std::ranges::transform(extension, extension.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return extension;
}

/// A letter and at most four more letters or digits. What follows the point of "m.0abc_0001" is a part of the name.
bool is_extension(const std::string& extension) {
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    return !extension.empty() && extension.size() <= 5 && is_letter(extension[0]) &&
           std::ranges::all_of(extension, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

/// In a list only these are extensions: "p.smith" and "p.jones" must not both be "p".
bool is_image_extension(const std::string& extension) {
    constexpr std::array kKnown{"jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff", "ppm", "pgm", "gif", "jp2"};
    return std::ranges::find(kKnown, extension) != kKnown.end();
}

std::string without(const std::string& path, const std::string& extension) {
    return path.substr(0, path.size() - extension.size() - 1);
}

int parts_of(const std::string& path) { return 1 + static_cast<int>(std::ranges::count(path, '/')); }

}  // namespace

std::string plain_path(std::string_view path) {
    std::string text = composed_text(path).value_or(std::string(path));
    std::ranges::replace(text, '\\', '/');
    return text;
}

RowIndex::RowIndex(const std::vector<std::string>& paths) : count_(paths.size()) {
    if (!paths.empty()) first_path_ = paths.front();
    rows_.reserve(4 * paths.size());
    for (std::uint32_t row = 0; row < paths.size(); ++row) {
        const std::string path = plain_path(paths[row]);
        const std::string extension = lower_extension(path);
        for (int parts = 1; parts <= kMostParts; ++parts) {
            add(ending(path, parts), row);
            if (is_extension(extension)) add(ending(without(path, extension), parts), row);
        }
    }
}

void RowIndex::add(const std::string& key, std::uint32_t row) {
    if (key.empty()) return;
    const auto [place, is_new] = rows_.try_emplace(key, row);
    if (!is_new && place->second != row) place->second = kSeveral;
}

std::optional<std::uint32_t> RowIndex::lookup(const std::string& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? std::nullopt : std::optional(found->second);
}

std::string RowIndex::example() const {
    return count_ == 0 ? "no paths" : fmt::format("{} paths, such as {},", count_, shown_text(first_path_));
}

std::optional<std::uint32_t> RowIndex::find(const std::string& group, const std::string& image, std::string& why) const {
    std::vector<std::string> names{plain_path(image)};
    const std::string extension = lower_extension(names[0]);
    if (is_image_extension(extension)) names.push_back(without(names[0], extension));
    for (const std::string& name : names) {
        const std::string key = ending(name, std::min(parts_of(name), 2));
        const auto row = lookup(key);
        if (!row) continue;
        if (*row != kSeveral) return row;
        for (const std::string& longer : {ending(name, 3), plain_path(group) + "/" + key}) {
            const auto alone = lookup(longer);
            if (alone && *alone != kSeveral) return alone;
        }
        why = fmt::format("several paths that end in {}, and none of them alone in {}/{}", key, group, key);
        return std::nullopt;
    }
    why = fmt::format("no path that ends in {} among {}", shown_text(image), example());
    return std::nullopt;
}

}  // namespace fairsweep

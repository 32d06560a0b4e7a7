#include "data/rfw_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "data/damage.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr std::uint32_t kMaxImageNumber = 9'999'999;
constexpr double kMaxCoordinate = 1e4;
constexpr std::size_t kMaxFields = 16;  // more than any line has: the rest is not looked at

struct Line {
    const std::filesystem::path& path;
    std::uint32_t number = 0;
    std::string_view text;
    std::vector<std::string_view> fields;

    [[noreturn]] void damaged(std::string attempted, std::string found, std::string expected, std::string hint = {}) const {
        throw_damaged({.file = path, .offset = {}, .line = number}, {.attempted = std::move(attempted),
                                                                     .where = {},
                                                                     .found = std::move(found),
                                                                     .expected = std::move(expected),
                                                                     .hint = std::move(hint)});
    }
    [[nodiscard]] std::string shown() const { return std::string(text.substr(0, 120)); }
};

void split_fields(std::string_view text, std::vector<std::string_view>& fields) {
    constexpr std::string_view kBlanks = " \t\r\v\f";
    fields.clear();
    for (std::size_t at = text.find_first_not_of(kBlanks); at != std::string_view::npos && fields.size() < kMaxFields;) {
        const std::size_t end = text.find_first_of(kBlanks, at);
        fields.push_back(text.substr(at, end - at));
        at = end == std::string_view::npos ? end : text.find_first_not_of(kBlanks, end);
    }
}

template <typename Take>
void for_each_line(std::string_view text, const std::filesystem::path& path, const Take& take) {
    Line line{.path = path, .number = 0, .text = {}, .fields = {}};
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        ++line.number;
        line.text = trim(text.substr(begin, end - begin));
        split_fields(line.text, line.fields);
        if (!line.fields.empty()) take(line);
        begin = end + 1;
    }
}

// Names become parts of paths: one that could leave the folder is refused.
std::string checked_name(const Line& line, std::string_view name) {
    if (name.empty() || name == "." || name == ".." || name.size() > 255 ||
        name.find_first_of(std::string_view("/\\\0", 3)) != std::string_view::npos) {
        line.damaged("cannot read a line of a verification set", "the name '" + std::string(name.substr(0, 80)) + "'",
                     "the name of a folder or file");
    }
    return std::string(name);
}

std::uint32_t image_number(const Line& line, std::string_view field) {
    std::uint32_t number = 0;
    const auto result = std::from_chars(field.data(), field.data() + field.size(), number);
    if (result.ec != std::errc() || result.ptr != field.data() + field.size() || number > kMaxImageNumber) {
        line.damaged("cannot read a pair", "the image number '" + std::string(field.substr(0, 80)) + "'",
                     fmt::format("0 .. {}", kMaxImageNumber));
    }
    return number;
}

double coordinate(const Line& line, std::string_view field) {
    double value = 0.0;
    const auto result = std::from_chars(field.data(), field.data() + field.size(), value);
    if (result.ec != std::errc() || result.ptr != field.data() + field.size()) {
        line.damaged("cannot read landmarks", "the coordinate '" + std::string(field.substr(0, 80)) + "'", "a number of pixels");
    }
    if (!std::isfinite(value) || std::abs(value) > kMaxCoordinate) {
        line.damaged("landmark out of range", std::string(field.substr(0, 80)),
                     fmt::format("-{0} .. {0} pixels", kMaxCoordinate));
    }
    return value;
}

}  // namespace

std::vector<PairLine> parse_pairs(std::string_view text, const std::filesystem::path& path) {
    std::vector<PairLine> pairs;
    for_each_line(text, path, [&pairs](const Line& line) {
        const auto& fields = line.fields;
        if (fields.size() != 3 && fields.size() != 4) {
            line.damaged("cannot read a pair", fmt::format("{} fields: {}", fields.size(), line.shown()),
                         "`id i j` for the same person or `id1 i id2 j` for different ones",
                         line.number == 1 ? "RFW pair files have no header line" : "");
        }
        PairLine pair;
        pair.genuine = fields.size() == 3;
        pair.identity_a = checked_name(line, fields[0]);
        pair.number_a = image_number(line, fields[1]);
        pair.identity_b = pair.genuine ? pair.identity_a : checked_name(line, fields[2]);
        pair.number_b = image_number(line, fields.back());
        pair.line = line.number;
        pairs.push_back(std::move(pair));
    });
    return pairs;
}

std::vector<LandmarkLine> parse_landmarks(std::string_view text, const std::filesystem::path& path) {
    std::vector<LandmarkLine> landmarks;
    for_each_line(text, path, [&landmarks](const Line& line) {
        const auto& fields = line.fields;
        if (fields.size() != 11 && fields.size() != 12) {
            line.damaged("cannot read landmarks", fmt::format("{} fields: {}", fields.size(), line.shown()),
                         "12 fields: path, label and x y of five points");
        }
        const std::string_view name = fields[0];
        const std::size_t file_slash = name.rfind('/');
        if (file_slash == std::string_view::npos || file_slash == 0) {
            line.damaged("cannot read landmarks", "the path " + std::string(name.substr(0, 80)),
                         "a path ending in identity/file");
        }
        const std::size_t identity_slash = name.rfind('/', file_slash - 1);
        const std::size_t identity_begin = identity_slash == std::string_view::npos ? 0 : identity_slash + 1;
        LandmarkLine landmark;
        landmark.identity = checked_name(line, name.substr(identity_begin, file_slash - identity_begin));
        landmark.file = checked_name(line, name.substr(file_slash + 1));
        const std::size_t first = fields.size() - 10;
        for (std::size_t i = 0; i < 5; ++i) {
            landmark.points[i] = {coordinate(line, fields[first + 2 * i]), coordinate(line, fields[first + 2 * i + 1])};
        }
        landmark.line = line.number;
        landmarks.push_back(std::move(landmark));
    });
    return landmarks;
}

std::string image_stem(const std::string& identity, std::uint32_t number) { return fmt::format("{}_{:04}", identity, number); }

}  // namespace fairsweep

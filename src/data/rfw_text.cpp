#include "data/rfw_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/list_lines.hpp"
#include "data/unicode.hpp"

namespace fairsweep {
namespace {

constexpr double kMaxCoordinate = 1e4;

double coordinate(const ListLine& line, std::string_view field) {
    double value = 0.0;
    const auto result = std::from_chars(field.data(), field.data() + field.size(), value);
    if (result.ec != std::errc() || result.ptr != field.data() + field.size()) {
        line.damaged("cannot read landmarks", "the coordinate '" + shown_text(field) + "'", "a number of pixels");
    }
    if (!std::isfinite(value) || std::abs(value) > kMaxCoordinate) {
        line.damaged("landmark out of range", shown_text(field), fmt::format("-{0} .. {0} pixels", kMaxCoordinate));
    }
    return value;
}

/// Lists that TABs separate may have blanks in their paths.
FieldSeparator separator_of(std::string_view text) {
    const std::string_view first_line = text.substr(0, text.find('\n'));
    return std::count(first_line.begin(), first_line.end(), '\t') >= 10 ? FieldSeparator::tab : FieldSeparator::blanks;
}

}  // namespace

std::vector<LandmarkLine> parse_landmarks(std::string_view text, const std::filesystem::path& path) {
    std::vector<LandmarkLine> landmarks;
    for_each_list_line(text, path, separator_of(text), [&landmarks](const ListLine& line) {
        const auto& fields = line.fields;
        if (fields.size() != 11 && fields.size() != 12) {
            line.damaged("cannot read landmarks", fmt::format("{} fields: {}", fields.size(), line.shown()),
                         "12 fields: path, label and x y of five points");
        }
        const std::string_view name = fields[0];
        const std::size_t file_slash = name.rfind('/');
        if (file_slash == std::string_view::npos || file_slash == 0) {
            line.damaged("cannot read landmarks", "the path " + shown_text(name), "a path ending in identity/file");
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

}  // namespace fairsweep

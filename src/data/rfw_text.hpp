#pragma once
/// The landmark files of an RFW tree (pair files: pair_list.hpp). Blanks, TABs, CRLF and empty lines are tolerated; anything
/// else that is not a landmark line is a data error that names file and line.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/align.hpp"

namespace fairsweep {

/// `/test/data/Group/id/file label x1 y1 ... x5 y5`; the label may be left out.
struct LandmarkLine {
    std::string identity;
    std::string file;   ///< "id_0001.jpg"
    FivePoints points;  ///< pixels; finite and within +-10000, the image decides the rest
    std::uint32_t line = 0;
};

/// `path` names the text in errors.
[[nodiscard]] std::vector<LandmarkLine> parse_landmarks(std::string_view text, const std::filesystem::path& path);

}  // namespace fairsweep

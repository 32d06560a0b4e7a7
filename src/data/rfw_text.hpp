#pragma once
/// The text files of an RFW tree: pairs and landmarks. Blanks, TABs, CRLF and empty lines are tolerated; anything else that
/// is not a pair or a landmark line is a data error that names file and line.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/align.hpp"

namespace fairsweep {

/// `id i j` (same person) or `id1 i id2 j` (different).
struct PairLine {
    std::string identity_a;
    std::string identity_b;
    std::uint32_t number_a = 0;  ///< of the image within its identity
    std::uint32_t number_b = 0;
    bool genuine = false;
    std::uint32_t line = 0;  ///< from 1
};

/// `/test/data/Group/id/file label x1 y1 ... x5 y5`; the label may be left out.
struct LandmarkLine {
    std::string identity;
    std::string file;   ///< "id_0001.jpg"
    FivePoints points;  ///< pixels; finite and within +-10000, the image decides the rest
    std::uint32_t line = 0;
};

/// `path` names the text in errors.
[[nodiscard]] std::vector<PairLine> parse_pairs(std::string_view text, const std::filesystem::path& path);
[[nodiscard]] std::vector<LandmarkLine> parse_landmarks(std::string_view text, const std::filesystem::path& path);

/// "m.01abc_0007": four digits, more where the number has more.
[[nodiscard]] std::string image_stem(const std::string& identity, std::uint32_t number);

}  // namespace fairsweep

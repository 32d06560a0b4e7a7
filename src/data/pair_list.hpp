#pragma once
/// Lists of pairs, as people have them. Fields stand between TABs, commas, semicolons or blanks, the same in the whole list: the
/// one under which every line is a pair. A byte order mark, CRLF, empty lines, LFW's first line with counts ("10 300") and a
/// line of column names are skipped. Where two separators give different pairs, and for anything else, there is a data error
/// that names file and line.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairsweep {

/// RFW's and LFW's form: `id i j` (same person) or `id1 i id2 j` (different).
struct PairLine {
    std::string identity_a;
    std::string identity_b;
    std::uint32_t number_a = 0;  ///< of the image within its identity
    std::uint32_t number_b = 0;
    bool genuine = false;
    std::uint32_t line = 0;  ///< from 1
};

/// `path path 1` (same person) or `path path 0`; paths with / between their parts.
struct LabelledPairLine {
    std::string path_a;
    std::string path_b;
    bool genuine = false;
    std::uint32_t line = 0;
};

/// One of the two forms; the other vector is empty.
struct PairList {
    std::vector<PairLine> pairs;
    std::vector<LabelledPairLine> labelled;
    /// Pairs that LFW's first line promises ("10 300": 10 folds of 300 + 300); 0 without it or with one number.
    std::uint64_t promised = 0;
};

/// Either form. `path` names the text in errors. A list without a pair is an error.
[[nodiscard]] PairList parse_pair_list(std::string_view text, const std::filesystem::path& path);

/// RFW's form alone; may be empty.
[[nodiscard]] std::vector<PairLine> parse_pairs(std::string_view text, const std::filesystem::path& path);

/// Four fields that name one person twice: a pair of the same person is three fields. Throws a data error.
void refuse_contradictions(const std::vector<PairLine>& pairs, const std::filesystem::path& path);

/// "m.01abc_0007": four digits, more where the number has more.
[[nodiscard]] std::string image_stem(const std::string& identity, std::uint32_t number);

}  // namespace fairsweep

#pragma once
/// Scores of any matcher as a CSV table: columns `group`, `same`, `score`, and optionally `identity_a` with `identity_b`, and
/// `fold`, found by name; others are ignored. RFC 4180: fields may be quoted, a quote inside is doubled.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fairsweep/pairs.hpp"

namespace fairsweep {

struct ScoreList {
    PairTable pairs;                   ///< groups in the order of their first line; pairs in file order within (fold, if any)
    std::vector<double> scores;        ///< [pairs]
    bool identities_known = false;     ///< false: every pair got people of its own
    std::vector<std::uint32_t> folds;  ///< [pairs] 0 ... 9, ascending within a group; empty without the column
    std::uint32_t contradictions = 0;  ///< pairs whose `same` is not what their identities say
};

/// `same` is 1, true or yes, 0, false or no. `path` names the text in errors. Throws a data error naming file and line for
/// anything that is not such a table: a missing column, a field too many or too few, a score that is not a finite number, a
/// group whose folds are not ten.
[[nodiscard]] ScoreList parse_score_csv(std::string_view text, const std::filesystem::path& path);

}  // namespace fairsweep

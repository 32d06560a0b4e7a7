#pragma once
/// Scores of any matcher as a table: columns `group`, `same`, `score`, and optionally `identity_a` with `identity_b`, and
/// `fold`, found by name (score_columns.hpp); others are ignored. Commas, semicolons or TABs between the fields, as in the first
/// line.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/score_columns.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/items.hpp"

namespace fairsweep {

struct ScoreList {
    ItemTable pairs;                    ///< groups in the order of their first line; pairs in file order within (fold, if any)
    std::vector<double> scores;         ///< [pairs] as they stand in the file
    bool identities_known = false;      ///< false: every pair got people of its own
    std::vector<std::uint32_t> folds;   ///< [pairs] 0 ... folds - 1, ascending within a group; empty without the column
    std::vector<std::uint64_t> lines;   ///< [pairs] where each stands in the file, from 1
    std::vector<std::string> warnings;  ///< what is odd about the table: missing or contradicting identities, repeated lines
};

/// A score that is NaN or infinite.
class NonFiniteScore : public Error {
public:
    explicit NonFiniteScore(const Error& error) : Error(error) {}
};

/// `same` is 1, true, yes, genuine, same or match for the same person, 0, false, no, impostor, different or nonmatch for
/// different ones; 1.0 and 0.0 are numbers too. A cell that is empty, nan, NA, None or null is an unknown identity: its person
/// is nobody else's. `path` names the text in errors. Throws a data error naming file and line for anything that is not such a
/// table: a missing column, a field too many or too few, a score that is not a finite number (NonFiniteScore, where it is a
/// number), a group whose name is not UTF-8 or missing, a group of one fold or more than 100.
[[nodiscard]] ScoreList parse_score_csv(std::string_view text, const std::filesystem::path& path, const ColumnNames& names = {});

}  // namespace fairsweep

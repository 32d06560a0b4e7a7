#pragma once
/// Distances as similarities, for scores that are no similarities.
#include <optional>
#include <span>
#include <string>

namespace fairsweep {

/// What a distance is of. Of two unit vectors with cosine c: cosine 1 - c, squared 2 - 2c, euclidean sqrt(2 - 2c).
enum class Distance { unsaid, cosine, squared, euclidean };
[[nodiscard]] std::optional<Distance> distance_of(const std::string& word);  ///< "guess" is unsaid

/// Distances become similarities in place: cosines where the kind is known. Unsaid distances within [0, 2] are taken as cosine
/// distances; any other are negated, which leaves what depends on the order of the scores right, and they are no cosines then.
struct DistanceRule {
    std::string convention;  ///< how, in words
    std::string warning;     ///< what was guessed; empty when nothing was
};
/// Throws a data error for a negative distance and for one that is too large for its kind (1e-5 of rounding is allowed).
[[nodiscard]] DistanceRule distances_to_similarities(std::span<double> values, Distance kind);

/// Puts scores that are at most 1e-5 beyond [-1, 1] (cosines in float32) onto the limit and returns how many. When any score is
/// farther out they are no cosines, and all stay as they are.
[[nodiscard]] std::size_t clamp_cosines(std::span<double> scores);

}  // namespace fairsweep

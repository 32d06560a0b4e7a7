#pragma once
/// What was planted in drawn faces, to stand beside what was measured.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairsweep {

struct PlantedGroup {
    std::string name;
    double identity_spread = 1.0;   ///< times the usual distance between people: small means look-alikes
    double noise_multiplier = 1.0;  ///< times the usual noise of pictures
    std::size_t rank = 1;           ///< 1: hardest; equally hard groups share a rank
};

struct PlantedTruth {
    std::uint64_t seed = 0;
    std::vector<PlantedGroup> groups;  ///< as the evaluation set has them
};

/// `text` as AnalysisInput::planted has it. Nothing when it is empty, cannot be read, or is about other groups than `groups`.
[[nodiscard]] std::optional<PlantedTruth> parse_planted(const std::string& text, const std::vector<std::string>& groups);

/// Groups by rank: "D, then A, B and C, equally hard".
[[nodiscard]] std::string planted_order(const PlantedTruth& planted);

struct AnalysisInput;
struct Analysis;

/// That the faces are drawn, what was planted, and what was found; nothing where the faces are not known to be drawn.
[[nodiscard]] std::vector<std::string> make_banner(const AnalysisInput& input, const Analysis& analysis);

/// Mean error of a group over the uncompressed networks (over all networks where there are none), in percent; [groups].
[[nodiscard]] std::vector<double> mean_errors_percent(const AnalysisInput& input, const Analysis& analysis);

}  // namespace fairsweep

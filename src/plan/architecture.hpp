#pragma once
/// What the name of a network says: family, depth, width of the first stage, input size. The one place where the plan and
/// the job file learn which names exist; building networks is the model room's business.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairsweep {

struct ArchitectureName {
    enum class Family { iresnet, mobilefacenet };
    Family family{};
    int depth = 0;            ///< iresnet: 10, 18, 34, 50 or 100; mobilefacenet: 0
    int width = 64;           ///< channels of the first stage; 64 is the full-size member's
    int input_size = 112;     ///< pixels per side
    bool is_reduced = false;  ///< has -w<W> in its name
};

/// Full-size names, and reduced ones `iresnet<10|18|34|50|100>-w<W>[-<S>]`, `mobilefacenet-w<W>[-<S>]` with W a multiple of
/// 8 in 16..512 and S a multiple of 8 in 32..224 (112 is left out of the name). Nothing for any other text.
[[nodiscard]] std::optional<ArchitectureName> read_architecture_name(std::string_view name);

/// Full-size names and the reduced ones that the demo uses: candidates for suggestions.
[[nodiscard]] const std::vector<std::string>& known_architectures();

}  // namespace fairsweep

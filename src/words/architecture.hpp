#pragma once
/// Architecture names: the one place that reads them, for plans, job files and the model room alike.
///   iresnet18 | iresnet34 | iresnet50 | iresnet100 | mobilefacenet      full size, input 112x112
///   iresnet<10|18|34|50|100>-w<W>[-<S>] | mobilefacenet-w<W>[-<S>]       reduced: base width W, input SxS (default 112)
/// An iresnet's name may end in "-se": squeeze and excitation in every block.
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairsweep {

enum class NetworkFamily { iresnet, mobilefacenet };

struct Architecture {
    NetworkFamily family{};
    int depth = 0;  ///< iresnet: 10, 18, 34, 50 or 100; mobilefacenet: 0
    std::array<int, 4>
        stage_blocks{};        ///< iresnet: blocks in each stage; mobilefacenet: repeats of conv_3, conv_4, conv_5, then 0
    int width = 64;            ///< channels after the stem; iresnet stages have 1, 2, 4, 8 times as many
    int input_size = 112;      ///< pixels per side
    int stem_stride = 1;       ///< iresnet: 1 at full size, 2 in reduced members (mobilefacenet: always 2)
    int embedding_size = 512;  ///< full iresnet 512; mobilefacenet and reduced iresnet 128; reduced mobilefacenet 64
    bool is_reduced = false;   ///< has -w<W> in its name
    bool use_se = false;       ///< has -se in its name
};

/// Nothing for a text outside the rule: W is a multiple of 8 in 16 ... 512 and S another input size than 112, a multiple of
/// 8 in 32 ... 224. One network has one name.
[[nodiscard]] std::optional<Architecture> read_architecture_name(std::string_view name);

/// The same; throws a usage Error that shows the rule and the nearest name.
[[nodiscard]] Architecture parse_architecture(const std::string& name);

/// Full-size names and the reduced ones that the demo uses: candidates for suggestions.
[[nodiscard]] const std::vector<std::string>& known_architectures();

}  // namespace fairsweep

#pragma once
/// Architecture names. No torch in this header.
///   iresnet18 | iresnet34 | iresnet50 | iresnet100 | mobilefacenet      full size, input 112x112
///   iresnet<10|18|34|50|100>-w<W>[-<S>] | mobilefacenet-w<W>[-<S>]       reduced: base width W, input SxS (default 112)
#include <array>
#include <string>

namespace fairsweep {

enum class NetworkFamily { iresnet, mobilefacenet };

struct Architecture {
    NetworkFamily family{};
    std::array<int, 4>
        stage_blocks{};        ///< iresnet: blocks in each stage; mobilefacenet: repeats of conv_3, conv_4, conv_5, then 0
    int width = 64;            ///< channels after the stem; iresnet stages have 1, 2, 4, 8 times as many
    int input_size = 112;      ///< pixels per side
    int stem_stride = 1;       ///< iresnet: 1 at full size, 2 in reduced members (mobilefacenet: always 2)
    int embedding_size = 512;  ///< full iresnet 512; mobilefacenet and reduced iresnet 128; reduced mobilefacenet 64
};

/// Throws a usage Error for a name outside the rule, a width outside 16 ... 512 (below 16 LibTorch's channels-last
/// weight gradient of a 1x1 stride-2 convolution crashes) or an input size outside 32 ... 224.
[[nodiscard]] Architecture parse_architecture(const std::string& name);

}  // namespace fairsweep

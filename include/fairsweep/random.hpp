#pragma once
/// Counter-based random numbers (Philox4x32-10, Salmon et al., SC11): the stream is a pure function of
/// (seed, key, purpose, index), so that data order never depends on ranks, threads or what ran before.
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fairsweep {

class RandomStream {
public:
    /// `key` is usually Digest::prefix() of what the numbers belong to; `purpose` a short word ("order", "flip", "init");
    /// `index` tells equal purposes apart (step, image, layer).
    RandomStream(std::uint64_t seed, std::uint64_t key, std::string_view purpose, std::uint64_t index = 0);

    [[nodiscard]] std::uint32_t next_u32();
    [[nodiscard]] std::uint64_t next_u64();
    [[nodiscard]] double uniform();  ///< [0, 1), 53 bits
    [[nodiscard]] double uniform(double low, double high);
    [[nodiscard]] double normal();                           ///< mean 0, sd 1 (Box-Muller)
    [[nodiscard]] std::uint64_t below(std::uint64_t bound);  ///< uniform in [0, bound), unbiased; bound > 0

private:
    std::array<std::uint32_t, 4> counter_{};
    std::array<std::uint32_t, 2> key_{};
    std::array<std::uint32_t, 4> block_{};
    int used_ = 4;
    double spare_normal_ = 0.0;
    bool has_spare_normal_ = false;
};

/// 0 .. count-1 in an order drawn from `stream` (Fisher-Yates).
[[nodiscard]] std::vector<std::uint32_t> shuffled_indices(std::uint32_t count, RandomStream& stream);

}  // namespace fairsweep

#include "fairsweep/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/hash.hpp"

namespace fairsweep {

RandomStream::RandomStream(std::uint64_t seed, std::uint64_t key, std::string_view purpose, std::uint64_t index) {
    // 64 bits of key and 64 high bits of counter name the stream, the low 64 bits count inside it.
    const Digest name = Sha256()
                            .update(std::as_bytes(std::span(&seed, 1)))
                            .update(std::as_bytes(std::span(&key, 1)))
                            .update(std::as_bytes(std::span(&index, 1)))
                            .update(purpose)
                            .finish();
    const auto word = [&name](std::size_t i) {
        return static_cast<std::uint32_t>(name.bytes[4 * i]) << 24 | static_cast<std::uint32_t>(name.bytes[4 * i + 1]) << 16 |
               static_cast<std::uint32_t>(name.bytes[4 * i + 2]) << 8 | static_cast<std::uint32_t>(name.bytes[4 * i + 3]);
    };
    key_ = {word(0), word(1)};
    counter_ = {0, 0, word(2), word(3)};
}

std::uint32_t RandomStream::next_u32() {
    if (used_ == 4) {
        using Generator = r123::Philox4x32;
        const Generator::ctr_type counter = {{counter_[0], counter_[1], counter_[2], counter_[3]}};
        const Generator::key_type key = {{key_[0], key_[1]}};
        const Generator::ctr_type out = Generator()(counter, key);
        for (std::size_t i = 0; i < 4; ++i) block_[i] = out[i];
        if (++counter_[0] == 0) ++counter_[1];
        used_ = 0;
    }
    return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t RandomStream::next_u64() {
    const std::uint64_t high = next_u32();
    return high << 32 | next_u32();
}

double RandomStream::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }

double RandomStream::uniform(double low, double high) { return low + (high - low) * uniform(); }

double RandomStream::normal() {
    if (has_spare_normal_) {
        has_spare_normal_ = false;
        return spare_normal_;
    }
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    const double angle = 2.0 * std::numbers::pi * uniform();
    spare_normal_ = radius * std::sin(angle);
    has_spare_normal_ = true;
    return radius * std::cos(angle);
}

std::uint64_t RandomStream::below(std::uint64_t bound) {
    FAIRSWEEP_CHECK(bound > 0, "draw a number below zero");
    const std::uint64_t limit = bound * (~std::uint64_t{0} / bound);  // reject the tail that would favour small values
    for (;;) {
        const std::uint64_t value = next_u64();
        if (value < limit) return value % bound;
    }
}

std::vector<std::uint32_t> shuffled_indices(std::uint32_t count, RandomStream& stream) {
    std::vector<std::uint32_t> order(count);
    for (std::uint32_t i = 0; i < count; ++i) order[i] = i;
    for (std::uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[stream.below(i)]);
    return order;
}

}  // namespace fairsweep

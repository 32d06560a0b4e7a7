#pragma once
/// Seeded damage to a file's bytes, for readers that must answer it with a value or an Error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fairsweep/random.hpp"

namespace fairsweep::fixture {

/// One to three changes: a byte replaced, by one of `likely` too (what the format's structure is made of; may be empty), a run
/// removed, repeated or zeroed, a 32-bit word made large, the end cut off. Three of four lie in the first `head_bytes`.
inline std::string mutated(std::string bytes, RandomStream& random, std::string_view likely, std::size_t head_bytes = 1500) {
    for (std::uint64_t change = 0, changes = 1 + random.below(3); change < changes && !bytes.empty(); ++change) {
        const std::size_t reach = random.below(4) == 0 ? bytes.size() : std::min(bytes.size(), head_bytes);
        const std::size_t at = random.below(reach);
        const std::size_t length = std::min<std::size_t>(1 + random.below(12), bytes.size() - at);
        const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        switch (random.below(8)) {
            case 0:
            case 1:
                *place = static_cast<char>(random.below(256));
                break;
            case 2:
                *place = likely.empty() ? static_cast<char>(random.below(256)) : likely[random.below(likely.size())];
                break;
            case 3:
                bytes.erase(at, length);
                break;
            case 4:
                bytes.insert(at, bytes.substr(at, length));
                break;
            case 5:
                std::fill_n(place, length, '\0');
                break;
            case 6:
                std::fill_n(place, std::min<std::size_t>(4, length), '\xff');
                break;
            default:
                bytes.resize(at);
                break;
        }
    }
    return bytes;
}

}  // namespace fairsweep::fixture

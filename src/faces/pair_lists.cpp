#include "faces/pair_lists.hpp"

#include <set>
#include <tuple>
#include <utility>

#include "fairsweep/check.hpp"

namespace fairsweep::faces {
namespace {

/// All (i, j), i < j, in an order of the identity's own.
std::vector<Pair> genuine_pairs_of(std::uint32_t identity, std::uint32_t images, RandomStream& stream) {
    std::vector<Pair> all;
    for (std::uint32_t i = 0; i < images; ++i) {
        for (std::uint32_t j = i + 1; j < images; ++j) all.push_back({identity, i, identity, j});
    }
    std::vector<Pair> shuffled;
    for (const std::uint32_t k : shuffled_indices(static_cast<std::uint32_t>(all.size()), stream)) shuffled.push_back(all[k]);
    return shuffled;
}

std::vector<Pair> draw_genuine(std::uint32_t identities, std::uint32_t images, std::uint32_t count, RandomStream& stream) {
    std::vector<std::vector<Pair>> by_identity;
    for (std::uint32_t id = 0; id < identities; ++id) by_identity.push_back(genuine_pairs_of(id, images, stream));
    std::vector<Pair> drawn;
    for (std::size_t round = 0; drawn.size() < count; ++round) {
        for (const std::uint32_t id : shuffled_indices(identities, stream)) {
            if (drawn.size() < count) drawn.push_back(by_identity[id].at(round));
        }
    }
    return drawn;
}

std::vector<Pair> draw_impostors(std::uint32_t identities, std::uint32_t images, std::uint32_t count, RandomStream& stream) {
    std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>> seen;
    std::vector<Pair> drawn;
    while (drawn.size() < count) {
        auto a = static_cast<std::uint32_t>(stream.below(identities));
        auto b = static_cast<std::uint32_t>(stream.below(identities - 1));
        if (b >= a) ++b;
        if (a > b) std::swap(a, b);
        const Pair pair{a, static_cast<std::uint32_t>(stream.below(images)), b, static_cast<std::uint32_t>(stream.below(images))};
        if (seen.emplace(pair.identity_a, pair.image_a, pair.identity_b, pair.image_b).second) drawn.push_back(pair);
    }
    return drawn;
}

}  // namespace

std::uint32_t images_needed(std::uint32_t identities, std::uint32_t pairs) {
    std::uint64_t images = 3;
    while (identities * (images * (images - 1) / 2) < pairs / 2) ++images;
    return static_cast<std::uint32_t>(images);
}

std::vector<Pair> draw_pairs(std::uint32_t identities, std::uint32_t images, std::uint32_t pairs, RandomStream& stream) {
    FAIRSWEEP_CHECK(pairs % (2 * kFolds) == 0, "folds of equal halves");
    FAIRSWEEP_CHECK(identities >= 2 && images >= images_needed(identities, pairs), "not enough images for the pairs");
    // With m images the impostor pairs, C(n, 2) m^2, are never fewer than the genuine ones, n C(m, 2).
    const std::vector<Pair> genuine = draw_genuine(identities, images, pairs / 2, stream);
    const std::vector<Pair> impostors = draw_impostors(identities, images, pairs / 2, stream);
    const std::uint32_t half = pairs / (2 * kFolds);
    std::vector<Pair> all;
    for (std::uint32_t fold = 0; fold < kFolds; ++fold) {
        for (std::uint32_t i = 0; i < half; ++i) all.push_back(genuine[fold * half + i]);
        for (std::uint32_t i = 0; i < half; ++i) all.push_back(impostors[fold * half + i]);
    }
    return all;
}

}  // namespace fairsweep::faces

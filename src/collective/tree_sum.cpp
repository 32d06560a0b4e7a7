// Compiled with -ffp-contract=off: a multiplication joined to an addition elsewhere in an expression would round otherwise.
#include "collective/tree_sum.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <vector>

#include "collective/combine.hpp"
#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

/// Elements that are taken through the whole tree at once: what is between its levels stays in the nearest cache.
constexpr std::size_t kBlock = 1024;

/// Where the elements `begin` ... of the reduced parts are: in `place`, or in the only part.
template <class T, class Combine>
const T* reduce_block(std::span<const T* const> parts, std::size_t begin, std::size_t count, T* place) {
    if (parts.size() == 1) return parts[0] + begin;
    std::array<T, kBlock> of_left, of_right;
    const std::size_t left = std::bit_ceil(parts.size()) / 2;
    const T* a = reduce_block<T, Combine>(parts.first(left), begin, count, of_left.data());
    const T* b = reduce_block<T, Combine>(parts.subspan(left), begin, count, of_right.data());
    // `place` is one of the inputs or apart from them: no element depends on another, which the compiler cannot know.
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) place[i] = Combine::of(a[i], b[i]);
    return place;
}

template <class T, class Combine>
void reduce_all(std::span<const void* const> parts, std::size_t count, void* out) {
    std::vector<const T*> typed;
    for (const void* part : parts) typed.push_back(static_cast<const T*>(part));
    T* const result = static_cast<T*>(out);
    for (std::size_t begin = 0; begin < count; begin += kBlock) {
        const std::size_t block = std::min(kBlock, count - begin);
        const T* found = reduce_block<T, Combine>(typed, begin, block, result + begin);
        if (found != result + begin) std::memcpy(result + begin, found, block * sizeof(T));
    }
}

}  // namespace

void reduce_parts(Scalar type, Reduction reduction, std::span<const void* const> parts, std::size_t count, void* out) {
    FAIRSWEEP_CHECK(!parts.empty(), "at least one part");
    combining::with(type, reduction, [&]<class T, class Combine>(combining::Operation<T, Combine>) { reduce_all<T, Combine>(parts, count, out); });
}

}  // namespace fairsweep

// Compiled with -ffp-contract=off: a multiplication joined to an addition elsewhere in an expression would round otherwise.
#include "collective/tree_sum.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "collective/half.hpp"
#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

/// Elements that are taken through the whole tree at once: what is between its levels stays in the nearest cache.
constexpr std::size_t kBlock = 1024;

template <class T>
struct Add {
    static T of(T a, T b) { return a + b; }
};
template <>
struct Add<std::int64_t> {  // wraps around
    static std::int64_t of(std::int64_t a, std::int64_t b) {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    }
};
struct AddF16 {
    static std::uint16_t of(std::uint16_t a, std::uint16_t b) { return f16_of_float(float_of_f16(a) + float_of_f16(b)); }
};
struct AddBf16 {
    static std::uint16_t of(std::uint16_t a, std::uint16_t b) { return bf16_of_float(float_of_bf16(a) + float_of_bf16(b)); }
};

/// The lesser or the greater of two floating-point numbers by their bits, read as integers whose order is that of the numbers:
/// -0 is below +0 so, and no comparison of floats can be reordered. `infinity`: the bits of +infinity, above which NaNs are.
template <class Bits, Bits infinity, Reduction reduction>
struct Choose {
    using Signed = std::make_signed_t<Bits>;
    static constexpr Bits kSign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
    static constexpr Bits kNan = static_cast<Bits>(infinity | (infinity >> 1));
    static bool is_nan(Bits x) { return static_cast<Bits>(x & static_cast<Bits>(~kSign)) > infinity; }
    static Signed key(Bits x) {
        return static_cast<Signed>((x & kSign) != 0 ? static_cast<Bits>(x ^ static_cast<Bits>(~kSign)) : x);
    }
    static Bits of(Bits a, Bits b) {
        const bool first = reduction == Reduction::min ? key(a) < key(b) : key(a) > key(b);
        const Bits chosen = first ? a : b;
        return is_nan(a) || is_nan(b) ? kNan : chosen;
    }
};
template <Reduction reduction>
struct ChooseInteger {
    static std::int64_t of(std::int64_t a, std::int64_t b) { return (reduction == Reduction::min ? a < b : a > b) ? a : b; }
};

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

template <class Bits, Bits infinity>
void choose(Reduction reduction, std::span<const void* const> parts, std::size_t count, void* out) {
    if (reduction == Reduction::min) return reduce_all<Bits, Choose<Bits, infinity, Reduction::min>>(parts, count, out);
    reduce_all<Bits, Choose<Bits, infinity, Reduction::max>>(parts, count, out);
}

void add(Scalar type, std::span<const void* const> parts, std::size_t count, void* out) {
    switch (type) {
        case Scalar::f32:
            return reduce_all<float, Add<float>>(parts, count, out);
        case Scalar::f64:
            return reduce_all<double, Add<double>>(parts, count, out);
        case Scalar::f16:
            return reduce_all<std::uint16_t, AddF16>(parts, count, out);
        case Scalar::bf16:
            return reduce_all<std::uint16_t, AddBf16>(parts, count, out);
        case Scalar::i64:
            return reduce_all<std::int64_t, Add<std::int64_t>>(parts, count, out);
    }
}

}  // namespace

void reduce_parts(Scalar type, Reduction reduction, std::span<const void* const> parts, std::size_t count, void* out) {
    FAIRSWEEP_CHECK(!parts.empty(), "at least one part");
    if (reduction == Reduction::sum) return add(type, parts, count, out);
    switch (type) {
        case Scalar::f32:
            return choose<std::uint32_t, 0x7F800000U>(reduction, parts, count, out);
        case Scalar::f64:
            return choose<std::uint64_t, 0x7FF0000000000000U>(reduction, parts, count, out);
        case Scalar::f16:
            return choose<std::uint16_t, 0x7C00U>(reduction, parts, count, out);
        case Scalar::bf16:
            return choose<std::uint16_t, 0x7F80U>(reduction, parts, count, out);
        case Scalar::i64:
            if (reduction == Reduction::min) return reduce_all<std::int64_t, ChooseInteger<Reduction::min>>(parts, count, out);
            return reduce_all<std::int64_t, ChooseInteger<Reduction::max>>(parts, count, out);
    }
}

}  // namespace fairsweep

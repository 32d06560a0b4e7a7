#pragma once
/// What a collective does with two elements, for every scalar and reduction: for processors and for GPUs. Files that include it are
/// compiled without fused multiply-adds, as those of half.hpp.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "collective/half.hpp"
#include "fairsweep/collective.hpp"
#include "fairsweep/host_device.hpp"

namespace fairsweep::combining {

template <class T>
struct Add {
    FAIRSWEEP_HOST_DEVICE static T of(T a, T b) { return a + b; }
};
template <>
struct Add<std::int64_t> {  // wraps around
    FAIRSWEEP_HOST_DEVICE static std::int64_t of(std::int64_t a, std::int64_t b) {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    }
};
struct AddF16 {
    FAIRSWEEP_HOST_DEVICE static std::uint16_t of(std::uint16_t a, std::uint16_t b) { return f16_of_float(float_of_f16(a) + float_of_f16(b)); }
};
struct AddBf16 {
    FAIRSWEEP_HOST_DEVICE static std::uint16_t of(std::uint16_t a, std::uint16_t b) { return bf16_of_float(float_of_bf16(a) + float_of_bf16(b)); }
};

/// The lesser or the greater of two floating-point numbers by their bits, read as integers whose order is that of the numbers:
/// -0 is below +0 so, and no comparison of floats can be reordered. `infinity`: the bits of +infinity, above which NaNs are.
template <class Bits, Bits infinity, Reduction reduction>
struct Choose {
    using Signed = std::make_signed_t<Bits>;
    static constexpr Bits kSign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
    static constexpr Bits kNan = static_cast<Bits>(infinity | (infinity >> 1));
    FAIRSWEEP_HOST_DEVICE static bool is_nan(Bits x) { return static_cast<Bits>(x & static_cast<Bits>(~kSign)) > infinity; }
    FAIRSWEEP_HOST_DEVICE static Signed key(Bits x) {
        return static_cast<Signed>((x & kSign) != 0 ? static_cast<Bits>(x ^ static_cast<Bits>(~kSign)) : x);
    }
    FAIRSWEEP_HOST_DEVICE static Bits of(Bits a, Bits b) {
        const bool first = reduction == Reduction::min ? key(a) < key(b) : key(a) > key(b);
        const Bits chosen = first ? a : b;
        return is_nan(a) || is_nan(b) ? kNan : chosen;
    }
};
template <Reduction reduction>
struct ChooseInteger {
    FAIRSWEEP_HOST_DEVICE static std::int64_t of(std::int64_t a, std::int64_t b) { return (reduction == Reduction::min ? a < b : a > b) ? a : b; }
};

/// Names an element's type and what combines two.
template <class T, class Combine>
struct Operation {};

template <class Bits, Bits infinity, class Visit>
void with_choice(Reduction reduction, const Visit& visit) {
    if (reduction == Reduction::min) return visit(Operation<Bits, Choose<Bits, infinity, Reduction::min>>{});
    visit(Operation<Bits, Choose<Bits, infinity, Reduction::max>>{});
}

template <class Visit>
void with_sum(Scalar type, const Visit& visit) {
    switch (type) {
        case Scalar::f32: return visit(Operation<float, Add<float>>{});
        case Scalar::f64: return visit(Operation<double, Add<double>>{});
        case Scalar::f16: return visit(Operation<std::uint16_t, AddF16>{});
        case Scalar::bf16: return visit(Operation<std::uint16_t, AddBf16>{});
        case Scalar::i64: return visit(Operation<std::int64_t, Add<std::int64_t>>{});
    }
}

/// visit(Operation<T, Combine>) for that scalar and reduction.
template <class Visit>
void with(Scalar type, Reduction reduction, const Visit& visit) {
    if (reduction == Reduction::sum) return with_sum(type, visit);
    switch (type) {
        case Scalar::f32: return with_choice<std::uint32_t, 0x7F800000U>(reduction, visit);
        case Scalar::f64: return with_choice<std::uint64_t, 0x7FF0000000000000U>(reduction, visit);
        case Scalar::f16: return with_choice<std::uint16_t, 0x7C00U>(reduction, visit);
        case Scalar::bf16: return with_choice<std::uint16_t, 0x7F80U>(reduction, visit);
        case Scalar::i64:
            if (reduction == Reduction::min) return visit(Operation<std::int64_t, ChooseInteger<Reduction::min>>{});
            return visit(Operation<std::int64_t, ChooseInteger<Reduction::max>>{});
    }
}

}  // namespace fairsweep::combining

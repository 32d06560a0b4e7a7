#include "collective/contract_values.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace fairsweep::contract {
namespace {

/// The formats of 16 bits: a sign, `exponent_bits`, and the rest.
struct Format {
    int exponent_bits;
    int fraction_bits;
    [[nodiscard]] int bias() const { return (1 << (exponent_bits - 1)) - 1; }
};

Format format_of(Scalar type) { return type == Scalar::f16 ? Format{5, 10} : Format{8, 7}; }

std::uint64_t mixed(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

double smallest(Scalar type) { return type == Scalar::f16 ? 0x1p-24 : type == Scalar::f64 ? 0x1p-1074 : 0x1p-133; }

double number(Scalar type, std::size_t i, int who) {
    const std::uint64_t bits = mixed(i * 64 + static_cast<std::uint64_t>(who));
    const double sign = (bits & 1) != 0 ? -1 : 1;
    if (i % 97 == 13 && who == static_cast<int>(i / 97 % 4)) return std::numeric_limits<double>::quiet_NaN();
    if (i % 89 == 7) return sign * std::numeric_limits<double>::infinity();
    if (i % 83 == 3) return sign * 0.0;
    if (i % 79 == 5) return sign * smallest(type) * static_cast<double>((bits >> 8) % 5);
    const double scale = std::ldexp(1.0, static_cast<int>((bits >> 1) % 13) - 6);
    return sign * scale * (1 + static_cast<double>(bits >> 12) * 0x1p-52);
}

template <class T>
T get(const Bytes& bytes, std::size_t i) {
    T value{};
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    return value;
}
template <class T>
void put(Bytes& bytes, std::size_t i, T value) {
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
}

template <class T>
T one(Reduction reduction, T a, T b) {
    if constexpr (std::is_integral_v<T>) {
        if (reduction == Reduction::sum) return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    } else {
        if (reduction == Reduction::sum) return a + b;
        if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
        if (a == b) return std::signbit(a) == (reduction == Reduction::min) ? a : b;
    }
    return (a < b) == (reduction == Reduction::min) ? a : b;
}

/// `load` and `keep` turn stored elements into numbers and back, after every addition.
template <class Load, class Keep>
auto tree(Reduction reduction, std::size_t first, std::size_t parts, const Load& load, const Keep& keep)
    -> decltype(load(first)) {
    if (parts == 1) return load(first);
    const std::size_t left = std::bit_ceil(parts) / 2;
    return keep(
        one(reduction, tree(reduction, first, left, load, keep), tree(reduction, first + left, parts - left, load, keep)));
}

template <class T>
void reduce_as(Reduction reduction, const std::vector<Bytes>& parts, Bytes& out) {
    for (std::size_t i = 0; i < out.size() / sizeof(T); ++i) {
        const auto load = [&](std::size_t part) { return get<T>(parts[part], i); };
        put(out, i, tree(reduction, 0, parts.size(), load, [](T value) { return value; }));
    }
}

void reduce_halves(Scalar type, Reduction reduction, const std::vector<Bytes>& parts, Bytes& out) {
    const auto keep = [&](float value) { return static_cast<float>(widen(type, round_to(type, value))); };
    for (std::size_t i = 0; i < out.size() / 2; ++i) {
        const auto load = [&](std::size_t part) { return static_cast<float>(widen(type, get<std::uint16_t>(parts[part], i))); };
        put(out, i, round_to(type, tree(reduction, 0, parts.size(), load, keep)));
    }
}

bool is_nan_at(Scalar type, const Bytes& bytes, std::size_t i) {
    switch (type) {
        case Scalar::f32:
            return std::isnan(get<float>(bytes, i));
        case Scalar::f64:
            return std::isnan(get<double>(bytes, i));
        case Scalar::i64:
            return false;
        default:
            return std::isnan(widen(type, get<std::uint16_t>(bytes, i)));
    }
}

}  // namespace

double widen(Scalar type, std::uint16_t bits) {
    const Format format = format_of(type);
    const int exponent = (bits >> format.fraction_bits) & ((1 << format.exponent_bits) - 1);
    const int fraction = bits & ((1 << format.fraction_bits) - 1);
    const double sign = (bits & 0x8000) != 0 ? -1 : 1;
    if (exponent == (1 << format.exponent_bits) - 1) {
        return fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
    }
    const int whole = exponent == 0 ? fraction : fraction + (1 << format.fraction_bits);
    return sign * std::ldexp(whole, std::max(exponent, 1) - format.bias() - format.fraction_bits);
}

std::uint16_t round_to(Scalar type, float value) {
    const Format format = format_of(type);
    const int top = ((1 << format.exponent_bits) - 1) << format.fraction_bits;
    const int sign = std::signbit(value) ? 0x8000 : 0;
    if (std::isnan(value)) return static_cast<std::uint16_t>(top | (1 << (format.fraction_bits - 1)));
    if (std::isinf(value)) return static_cast<std::uint16_t>(sign | top);
    const double size = std::fabs(static_cast<double>(value));
    int exponent = size == 0 ? 1 - format.bias() : std::max(std::ilogb(size), 1 - format.bias());
    // Whole steps of the exponent's size; a carry into the next exponent is the same sum of bits.
    const double steps = std::nearbyint(std::ldexp(size, format.fraction_bits - exponent));
    const int fraction_one = 1 << format.fraction_bits;
    const int bits = steps < fraction_one ? static_cast<int>(steps)
                                          : ((exponent + format.bias() - 1) << format.fraction_bits) + static_cast<int>(steps);
    return static_cast<std::uint16_t>(sign | std::min(bits, top));
}

Bytes elements(Scalar type, std::size_t count, int who) {
    Bytes bytes(count * bytes_of(type));
    for (std::size_t i = 0; i < count; ++i) {
        switch (type) {
            case Scalar::f32:
                put(bytes, i, static_cast<float>(number(type, i, who)));
                break;
            case Scalar::f64:
                put(bytes, i, number(type, i, who));
                break;
            case Scalar::i64:
                put(bytes, i, static_cast<std::int64_t>(mixed(i * 64 + static_cast<std::uint64_t>(who))));
                break;
            default:
                put(bytes, i, round_to(type, static_cast<float>(number(type, i, who))));
        }
    }
    return bytes;
}

Bytes reduced(Scalar type, Reduction reduction, const std::vector<Bytes>& parts) {
    Bytes out(parts.at(0).size());
    switch (type) {
        case Scalar::f32:
            reduce_as<float>(reduction, parts, out);
            break;
        case Scalar::f64:
            reduce_as<double>(reduction, parts, out);
            break;
        case Scalar::i64:
            reduce_as<std::int64_t>(reduction, parts, out);
            break;
        default:
            reduce_halves(type, reduction, parts, out);
    }
    return out;
}

std::string difference(Scalar type, const Bytes& found, const Bytes& expected) {
    if (found.size() != expected.size()) return "sizes differ";
    const std::size_t size = bytes_of(type);
    for (std::size_t i = 0; i < found.size() / size; ++i) {
        if (std::memcmp(found.data() + i * size, expected.data() + i * size, size) == 0) continue;
        if (is_nan_at(type, found, i) && is_nan_at(type, expected, i)) continue;
        return std::string(name_of(type)) + " element " + std::to_string(i) + " of " + std::to_string(found.size() / size);
    }
    return "";
}

std::uint64_t hash_of(const Bytes& bytes) {
    std::uint64_t hash = 1469598103934665603U;
    for (const std::byte byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 1099511628211U;
    return hash;
}

}  // namespace fairsweep::contract

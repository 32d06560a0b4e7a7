#include "collective/tree_sum.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "collective/contract_values.hpp"
#include "collective/half.hpp"
#include "support/catch.hpp"

namespace fairsweep::contract {
namespace {

std::vector<Bytes> parts_of(Scalar type, std::size_t count, int parts) {
    std::vector<Bytes> all;
    for (int part = 0; part < parts; ++part) all.push_back(elements(type, count, part));
    return all;
}

std::vector<const void*> places_of(const std::vector<Bytes>& parts) {
    std::vector<const void*> places;
    for (const Bytes& part : parts) places.push_back(part.data());
    return places;
}

bool is_same(double a, double b) { return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b)); }

}  // namespace

TEST_CASE("Sums: every number of 16 bits becomes the same number of 32, and comes back") {
    for (int i = 0; i < 65536; ++i) {
        const auto bits = static_cast<std::uint16_t>(i);
        INFO(i);
        REQUIRE(is_same(static_cast<double>(float_of_f16(bits)), widen(Scalar::f16, bits)));
        REQUIRE(is_same(static_cast<double>(float_of_bf16(bits)), widen(Scalar::bf16, bits)));
        if (!std::isnan(float_of_f16(bits))) REQUIRE(f16_of_float(float_of_f16(bits)) == bits);
        if (!std::isnan(float_of_bf16(bits))) REQUIRE(bf16_of_float(float_of_bf16(bits)) == bits);
        if (std::isnan(float_of_f16(bits))) REQUIRE(std::isnan(float_of_f16(f16_of_float(float_of_f16(bits)))));
        if (std::isnan(float_of_bf16(bits))) REQUIRE(std::isnan(float_of_bf16(bf16_of_float(float_of_bf16(bits)))));
    }
}

TEST_CASE("Sums: numbers of 32 bits are rounded to the nearest of 16, ties to even, around every one of them") {
    for (int i = 0; i < 65536; ++i) {
        for (const Scalar type : {Scalar::f16, Scalar::bf16}) {
            const auto here = static_cast<float>(widen(type, static_cast<std::uint16_t>(i)));
            const auto next = static_cast<float>(widen(type, static_cast<std::uint16_t>(i ^ 1)));
            if (!std::isfinite(here)) continue;
            const float top = type == Scalar::f16 ? 65520.0F : std::numeric_limits<float>::max();
            const float middle =
                std::isfinite(next) ? static_cast<float>((static_cast<double>(here) + static_cast<double>(next)) / 2) : top;
            const float toward = std::numeric_limits<float>::infinity();
            for (const float value : {middle, std::nextafter(middle, toward), std::nextafter(middle, -toward),
                                      std::nextafter(here, toward), std::nextafter(here, -toward)}) {
                INFO(name_of(type) << " " << value);
                REQUIRE((type == Scalar::f16 ? f16_of_float(value) : bf16_of_float(value)) == round_to(type, value));
            }
        }
    }
}

TEST_CASE("Sums: parts are reduced as the plain tree does, of any number, type and count") {
    for (const Scalar type : all_of<Scalar>()) {
        for (const Reduction reduction : all_of<Reduction>()) {
            for (const int parts : {1, 2, 3, 4, 5, 6, 7, 8, 13, 16}) {
                for (const std::size_t count : {0, 1, 7, 1023, 1025, 2500}) {
                    const std::vector<Bytes> all = parts_of(type, count, parts);
                    Bytes out(count * bytes_of(type));
                    reduce_parts(type, reduction, places_of(all), count, out.data());
                    INFO(name_of(type) << " " << name_of(reduction) << " of " << parts << " parts of " << count);
                    CHECK(difference(type, out, reduced(type, reduction, all)) == "");
                }
            }
        }
    }
}

TEST_CASE("Sums: the result may take the place of any part") {
    for (const int parts : {2, 3, 4, 7}) {
        for (int place = 0; place < parts; ++place) {
            std::vector<Bytes> all = parts_of(Scalar::f32, 3000, parts);
            const Bytes expected = reduced(Scalar::f32, Reduction::sum, all);
            Bytes& out = all[static_cast<std::size_t>(place)];
            reduce_parts(Scalar::f32, Reduction::sum, places_of(all), 3000, out.data());
            CHECK(difference(Scalar::f32, out, expected) == "");
        }
    }
}

TEST_CASE("Sums: a tree of trees is the tree over all shards, for 1, 2, 4 and 8 ranks") {
    const std::vector<Bytes> shards = parts_of(Scalar::f32, 5000, 8);
    const Bytes expected = reduced(Scalar::f32, Reduction::sum, shards);
    for (const std::size_t ranks : {1, 2, 4, 8}) {
        std::vector<Bytes> sums(ranks, Bytes(20000));
        for (std::size_t rank = 0; rank < ranks; ++rank) {
            const auto places = places_of(shards);
            reduce_parts(Scalar::f32, Reduction::sum, std::span(places).subspan(rank * 8 / ranks, 8 / ranks), 5000,
                         sums[rank].data());
        }
        Bytes out(20000);
        reduce_parts(Scalar::f32, Reduction::sum, places_of(sums), 5000, out.data());
        CHECK(difference(Scalar::f32, out, expected) == "");
    }
}

TEST_CASE("Sums: the order is seen in the bits") {
    const std::vector<float> values{1e8F, -1e8F, 1.0F, 1.0F, 1e8F};
    std::vector<const void*> places;
    for (const float& value : values) places.push_back(&value);
    float out = 0;
    reduce_parts(Scalar::f32, Reduction::sum, std::span<const void* const>(places).first(4), 1, &out);
    CHECK(out == 2.0F);  // (1e8 - 1e8) + (1 + 1)
    reduce_parts(Scalar::f32, Reduction::sum, places, 1, &out);
    CHECK(out == 1e8F);  // four on the left, one on the right
}

}  // namespace fairsweep::contract

#include "words/architecture.hpp"

#include <array>

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("full-size and reduced names are understood") {
    for (const std::string& name : known_architectures()) {
        INFO(name);
        CHECK(read_architecture_name(name).has_value());
    }
    const auto reduced = read_architecture_name("iresnet10-w16-56");
    REQUIRE(reduced.has_value());
    CHECK(reduced->family == NetworkFamily::iresnet);
    CHECK(reduced->depth == 10);
    CHECK(reduced->width == 16);
    CHECK(reduced->input_size == 56);
    CHECK(reduced->is_reduced);
    const auto wide = read_architecture_name("mobilefacenet-w32");
    REQUIRE(wide.has_value());
    CHECK(wide->family == NetworkFamily::mobilefacenet);
    CHECK(wide->input_size == 112);
    CHECK_FALSE(read_architecture_name("iresnet18")->is_reduced);
}

TEST_CASE("names that mean no network are not understood") {
    for (const char* name : {"",
                             "iresnet",
                             "iresnet10",
                             "iresnet20",
                             "iresnet18-",
                             "iresnet18-w",
                             "iresnet18-w8",
                             "iresnet18-w20",
                             "iresnet18-w016",
                             "iresnet18-w16-",
                             "iresnet18-w16-30",
                             "iresnet18-w16-60",
                             "iresnet18-w16-232",
                             "iresnet18-w16-112",
                             "iresnet18-16",
                             "iresnet18-w16-56-1",
                             "iresnet-18",
                             "mobilefacenet50",
                             "resnet18",
                             "fer-cnn",
                             "IRESNET18",
                             "iresnet99999999999"}) {
        INFO(name);
        CHECK_FALSE(read_architecture_name(name).has_value());
    }
}

TEST_CASE("a name gives all that building the network needs") {
    const Architecture full = parse_architecture("iresnet34");
    CHECK(full.family == NetworkFamily::iresnet);
    CHECK(full.stage_blocks == std::array<int, 4>{3, 4, 6, 3});
    CHECK(full.width == 64);
    CHECK(full.input_size == 112);
    CHECK(full.stem_stride == 1);
    CHECK(full.embedding_size == 512);
    CHECK_FALSE(full.use_se);
    const Architecture reduced = parse_architecture("iresnet10-w16-56");
    CHECK(reduced.stage_blocks == std::array<int, 4>{1, 1, 1, 1});
    CHECK(reduced.stem_stride == 2);
    CHECK(reduced.embedding_size == 128);
    CHECK(parse_architecture("mobilefacenet").embedding_size == 128);
    CHECK(parse_architecture("mobilefacenet-w32").embedding_size == 64);
    CHECK_THROWS_WITH(parse_architecture("iresnet18-w8-56"), ContainsSubstring("16 ... 512"));
}

TEST_CASE("an iresnet may end in -se, whatever its size") {
    for (const char* name : {"iresnet18-se", "iresnet10-w16-56-se", "iresnet100-w32-se"}) {
        INFO(name);
        CHECK(parse_architecture(name).use_se);
    }
    CHECK(parse_architecture("iresnet10-w16-56-se").input_size == 56);
    for (const char* name : {"mobilefacenet-se", "iresnet10-se", "iresnet18-se-w16", "iresnet18-se-se", "-se", "iresnet18-"})
        CHECK_FALSE(read_architecture_name(name).has_value());
}

TEST_CASE("the input size follows the name") {
    CHECK(input_size_of("iresnet10-w16-56") == 56);
    CHECK(input_size_of("iresnet18") == 112);
    CHECK(input_size_of("mobilefacenet-w24-64") == 64);
    CHECK_THROWS_AS(input_size_of("irsnet18"), Error);
    CHECK_THROWS_WITH(input_size_of("irsnet18"), ContainsSubstring("iresnet18"));
}

#include "plan/architecture.hpp"

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
    CHECK(reduced->family == ArchitectureName::Family::iresnet);
    CHECK(reduced->depth == 10);
    CHECK(reduced->width == 16);
    CHECK(reduced->input_size == 56);
    CHECK(reduced->is_reduced);
    const auto wide = read_architecture_name("mobilefacenet-w32");
    REQUIRE(wide.has_value());
    CHECK(wide->family == ArchitectureName::Family::mobilefacenet);
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

TEST_CASE("the input size follows the name") {
    CHECK(input_size_of("iresnet10-w16-56") == 56);
    CHECK(input_size_of("iresnet18") == 112);
    CHECK(input_size_of("mobilefacenet-w24-64") == 64);
    CHECK_THROWS_AS(input_size_of("irsnet18"), Error);
    CHECK_THROWS_WITH(input_size_of("irsnet18"), ContainsSubstring("iresnet18"));
}

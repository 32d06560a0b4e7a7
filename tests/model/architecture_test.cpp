#include "model/architecture.hpp"

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("Architecture names give family, depth, width, input and embedding size") {
    const Architecture full = parse_architecture("iresnet34");
    CHECK(full.family == NetworkFamily::iresnet);
    CHECK(full.stage_blocks == std::array<int, 4>{3, 4, 6, 3});
    CHECK(full.width == 64);
    CHECK(full.input_size == 112);
    CHECK(full.stem_stride == 1);
    CHECK(full.embedding_size == 512);

    const Architecture reduced = parse_architecture("iresnet10-w16-56");
    CHECK(reduced.stage_blocks == std::array<int, 4>{1, 1, 1, 1});
    CHECK(reduced.width == 16);
    CHECK(reduced.input_size == 56);
    CHECK(reduced.stem_stride == 2);
    CHECK(reduced.embedding_size == 128);

    CHECK(parse_architecture("mobilefacenet").embedding_size == 128);
    const Architecture mobile = parse_architecture("mobilefacenet-w32");
    CHECK(mobile.family == NetworkFamily::mobilefacenet);
    CHECK(mobile.width == 32);
    CHECK(mobile.input_size == 112);
}

TEST_CASE("Names outside the rule are refused with the rule") {
    for (const char* name :
         {"", "resnet18", "iresnet19", "iresnet10", "iresnet18-56", "iresnet18-w", "iresnet18-w16-", "iresnet18-w8",
          "iresnet18-w16-8", "iresnet18-w16-99999", "iresnet18-w-16", "mobilefacenet-w15", "mobilefacenet-w513"}) {
        INFO(name);
        CHECK_THROWS_AS(parse_architecture(name), Error);
    }
    CHECK_THROWS_WITH(parse_architecture("iresnet18-w8-56"), ContainsSubstring("16 ... 512"));
}

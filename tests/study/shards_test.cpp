/// A batch in parts on one rank. Teams of real ranks: team_test.cpp.
#include "study/sharded_step.hpp"

#include <string>
#include <vector>

#include "fairsweep/error.hpp"
#include "hand_made_plan.hpp"
#include "study/runner.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;

TEST_CASE("parts of a rank are a whole part of the tree", "[shards]") {
    const OwnParts all = own_parts(6, 0, 1);
    CHECK((all.first == 0 && all.count == 6));
    const OwnParts third = own_parts(8, 2, 4);
    CHECK((third.first == 4 && third.count == 2));
    for (const auto& [shards, ranks] : {std::pair{6, 2}, std::pair{4, 3}, std::pair{2, 4}, std::pair{1, 2}})
        CHECK_THROWS_AS(own_parts(shards, 0, ranks), Error);
    const PartRange last = range_of_part(6, 5, {.shards = 6, .first = 3, .count = 3});
    CHECK((last.first == 4 && last.count == 2));
    CHECK(range_of_part(6, 0, {.shards = 1, .first = 0, .count = 1}).count == 6);
    CHECK_THROWS_AS(range_of_part(6, 0, {.shards = 4, .first = 0, .count = 4}), Error);
    CHECK(key_of_part(7, 0, 1) == 7);
    CHECK(key_of_part(7, 3, 4) == 31);
}

TEST_CASE("a stage in parts is another network than in one, and repeats bit for bit", "[shards]") {
    make_small_faces("faces");
    PlanBuilder builder("faces");
    Recipe recipe = small_recipe();
    const auto digest_of = [&](int shards, bool is_compression, const std::string& preset) {
        recipe.shards = shards;
        recipe.preset = preset;
        const StageIndex baseline = builder.baseline("mobilefacenet-w16-56", 1, recipe);
        const StageIndex teacher = builder.teacher(baseline, "synthetic", recipe);
        const StageIndex compression = builder.compression(baseline, teacher, "synthetic", {.bits = {6, 6}}, 1, recipe);
        fill_with_done("shards", builder.plan,
                       is_compression ? std::vector<StageIndex>{baseline, teacher} : std::vector<StageIndex>{});
        const auto runner = make_stage_runner("shards");
        const StageOutcome outcome = run(*runner, builder.plan, is_compression ? compression : baseline);
        INFO(outcome.message);
        REQUIRE(outcome.state == StageState::done);
        CHECK(outcome.measured[Metric::loss_last] < outcome.measured[Metric::loss_first]);
        return outcome.artefact;
    };
    const std::string preset = GENERATE(std::string("quantface"), std::string("modern"));
    const bool is_compression = GENERATE(false, true);
    CHECK(digest_of(1, is_compression, preset) != digest_of(4, is_compression, preset));
    CHECK(digest_of(4, is_compression, preset) == digest_of(4, is_compression, preset));
}

#include "run/plan_handover.hpp"

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

Plan small_plan(const std::string& sweep) {
    Plan plan;
    plan.sweep_name = sweep;
    plan.task = "verification";
    plan.stages.push_back({.id = sha256("stage"), .kind = StageKind::prepare, .parameters = "{}", .needs = {}, .data_sets = {}});
    return plan;
}

}  // namespace

TEST_CASE("Rank 0 gets the plan that its parent wrote, and no other") {
    std::filesystem::create_directories("sweep.h5.files");
    const Digest mark = hand_over_plan("sweep.h5", small_plan("first"));
    CHECK(plan_to_json(take_over_plan("sweep.h5", mark)) == plan_to_json(small_plan("first")));

    SECTION("another run has written its own meanwhile") {
        static_cast<void>(hand_over_plan("sweep.h5", small_plan("second")));
        CHECK_THROWS_AS(take_over_plan("sweep.h5", mark), Error);
    }
    SECTION("a byte has changed") {
        std::string text = read_text_file(run_plan_path("sweep.h5"), 1 << 20);
        text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
        write_file_atomically(run_plan_path("sweep.h5"), text);
        CHECK_THROWS_AS(take_over_plan("sweep.h5", mark), Error);
    }
    SECTION("the file is gone") {
        std::filesystem::remove(run_plan_path("sweep.h5"));
        CHECK_THROWS_AS(take_over_plan("sweep.h5", mark), Error);
    }
}

/// A task whose items have classes: several numbers an item, figures that depend on the classes, further groupings.
#include "store/analysis_file.hpp"
#include "store/layout.hpp"
#include "store/merge.hpp"
#include "store/store_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

Plan plan_of(std::vector<std::string> classes) {
    Plan plan = make_plan(3);
    plan.task = "classification";
    plan.classes = std::move(classes);
    return plan;
}

ItemTable images() {
    ItemTable items = make_pairs(6);
    for (std::uint32_t i = 0; i < items.size(); ++i) items.label[i] = static_cast<std::uint8_t>(i % 3);
    items.identity_b = items.identity_a;
    items.groupings = {{"lamp", {"left", "right"}, std::vector<std::uint32_t>(items.size(), 1)},
                       {"age", {"old"}, std::vector<std::uint32_t>(items.size(), 0)}};
    items.groupings[0].group_of[4] = 0;
    return items;
}

Row row_of(const Plan& plan, std::size_t stage) {
    Row row = make_row(plan.stages[stage], static_cast<std::uint32_t>(stage), 0);
    if (plan.stages[stage].kind != StageKind::evaluation) return row;
    const std::size_t columns = task_info(plan.task).figures(plan.classes).size();
    for (std::size_t g = 0; g < 2; ++g) {
        row.outcome.groups.emplace_back(columns);
        for (std::size_t c = 0; c < columns; ++c) row.outcome.groups[g][c] = static_cast<double>(stage + 10 * g + c);
    }
    return row;
}

void fill(const std::filesystem::path& path, const Plan& plan) {
    Store store = Store::open_for_update(path, plan, images());
    for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
        const bool evaluation = plan.stages[stage].kind == StageKind::evaluation;
        const auto salt = static_cast<std::uint32_t>(stage);
        store.append(row_of(plan, stage), evaluation ? make_scores(salt, 12 * 3) : std::vector<float>{});
    }
    store.close();
}

}  // namespace

TEST_CASE("A store keeps a number per class of every item, and merge hands them on") {
    const Plan plan = plan_of({"happy", "neutral", "sad"});
    fill("classes.h5", plan);
    const StoreReader reader("classes.h5");
    CHECK(reader.items() == images());
    CHECK(reader.plan().classes == plan.classes);
    for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
        REQUIRE(reader.row(plan.stages[stage].id) != nullptr);
        CHECK(same_row(*reader.row(plan.stages[stage].id), row_of(plan, stage)));
        if (plan.stages[stage].kind == StageKind::evaluation)
            CHECK(reader.scores(plan.stages[stage].id) == make_scores(static_cast<std::uint32_t>(stage), 36));
    }
    const std::vector<std::filesystem::path> stores{"classes.h5"};
    static_cast<void>(merge_stores(stores, "classes-analysis.h5", "test"));
    const AnalysisReader analysis("classes-analysis.h5");
    CHECK(analysis.input().task == "classification");
    CHECK(analysis.input().classes == plan.classes);
    CHECK(analysis.input().items == images());
    for (std::size_t p = 0; p < analysis.input().points.size(); ++p) {
        const StageIndex stage = plan.points[p].evaluation_stage;
        CHECK(analysis.scores(p) == make_scores(stage, 36));
        CHECK(analysis.input().points[p].figures == row_of(plan, stage).outcome.groups);
    }
}

TEST_CASE("Other classes are another evaluation") {
    fill("happy.h5", plan_of({"happy", "neutral", "sad"}));
    CHECK_THROWS_WITH(Store::open_for_update("happy.h5", plan_of({"happy", "neutral", "tired"}), images()),
                      ContainsSubstring("happy, neutral, tired"));
    fill("tired.h5", plan_of({"happy", "neutral", "tired"}));
    const std::vector<std::filesystem::path> stores{"happy.h5", "tired.h5"};
    CHECK_THROWS_WITH(merge_stores(stores, "both.h5", "test"), ContainsSubstring("happy, neutral, tired"));
}

#include <nlohmann/json.hpp>

#include "fairsweep/error.hpp"
#include "fairsweep/plan.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

Plan small_plan() {
    Plan plan;
    plan.sweep_name = "small";
    plan.task = "verification";
    plan.groups = {"A", "B \"quoted\" \xC3\xA9"};
    plan.stages.push_back({sha256("one"), StageKind::baseline, R"({"kind":"baseline"})", {}, {"faces"}, 30.125});
    plan.stages.push_back({sha256("two"), StageKind::prepare, "{}", {}, {"test"}, 1.0 / 3.0});
    plan.stages.push_back({sha256("three"), StageKind::evaluation, "{}", {0, 1}, {}, 1});
    Point point;
    point.id = sha256("three");
    point.arm = Arm::compressed;
    point.axes[Axis::architecture] = "iresnet18";
    point.axes[Axis::training_set] = "faces";
    point.axes[Axis::bits] = Bits{4, 8};
    point.axes[Axis::calibration] = "real";
    point.axes[Axis::sparsity] = 0.7;
    point.axes[Axis::distillation] = "embedding";
    point.seed = 18446744073709551615ULL;
    point.network_stage = 0;
    point.evaluation_stage = 2;
    plan.points.push_back(point);
    plan.data["faces"] = {{"faces", "recordio", "/data/faces of all", {"A"}}, sha256("faces"), true};
    plan.data["test"] = {{"test", "rfw", "test", {}}, Digest{}, false};
    plan.axes[index_of(Axis::bits)].values = 3;
    plan.seeds = 2;
    plan.removed = {{"bits < 8", 5}};
    plan.stages_shared = 1;
    plan.provisional = true;
    plan.job_text = "[sweep]\nname = small\n";
    plan.code_version = "0.1.0 (commit abc)";
    return plan;
}

ErrorKind kind_of(const std::string& text) {
    try {
        static_cast<void>(plan_from_json(text));
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::internal;
}

}  // namespace

TEST_CASE("what was planted in drawn faces is part of the plan, and plans of before have none") {
    Plan plan = small_plan();
    plan.data["test"].planted = R"({"seed":1})";
    nlohmann::json json = nlohmann::json::parse(plan_to_json(plan));
    CHECK(plan_from_json(json.dump()).data.at("test").planted == R"({"seed":1})");
    json["data"]["test"].erase("planted");
    CHECK(plan_from_json(json.dump()).data.at("test").planted.empty());
}

TEST_CASE("a plan reads back as it was written") {
    const Plan plan = small_plan();
    const std::string text = plan_to_json(plan);
    const Plan back = plan_from_json(text);
    CHECK(plan_to_json(back) == text);
    CHECK(back.groups == plan.groups);
    REQUIRE(back.stages.size() == 3);
    CHECK(back.stages[2].needs == std::vector<StageIndex>{0, 1});
    CHECK(back.stages[2].kind == StageKind::evaluation);
    CHECK(back.stages[1].cost_s == 1.0 / 3.0);
    CHECK(back.stages[0].id == sha256("one"));
    REQUIRE(back.points.size() == 1);
    CHECK(back.points[0].seed == 18446744073709551615ULL);
    CHECK(back.points[0].axes.bits() == Bits{4, 8});
    CHECK(back.data.at("faces").source.path == "/data/faces of all");
    CHECK(back.data.at("faces").source.name == "faces");
    CHECK_FALSE(back.data.at("test").present);
    CHECK(back.removed.at(0).points == 5);
    CHECK(back.provisional);
}

TEST_CASE("a damaged plan is a store error") {
    const nlohmann::json good = nlohmann::json::parse(plan_to_json(small_plan()));
    REQUIRE_NOTHROW(plan_from_json(good.dump()));
    CHECK(kind_of("") == ErrorKind::store);
    CHECK(kind_of("[]") == ErrorKind::store);
    CHECK(kind_of(good.dump().substr(0, 300)) == ErrorKind::store);
    const auto broken = [&good](const char* pointer, const nlohmann::json& value) {
        nlohmann::json json = good;
        json[nlohmann::json::json_pointer(pointer)] = value;
        return kind_of(json.dump());
    };
    CHECK(broken("/format", 99) == ErrorKind::store);
    CHECK(broken("/stages/0/id", "12") == ErrorKind::store);
    CHECK(broken("/stages/0/kind", "magic") == ErrorKind::store);
    CHECK(broken("/stages/2/needs/0", 2) == ErrorKind::store);  // itself
    CHECK(broken("/stages/0/needs", {1}) == ErrorKind::store);  // later stage
    CHECK(broken("/stages/2/needs/0", -1) == ErrorKind::store);
    CHECK(broken("/points/0/evaluation_stage", 3) == ErrorKind::store);
    CHECK(broken("/points/0/arm", "leg") == ErrorKind::store);
    CHECK(broken("/points/0/axes/4", "much") == ErrorKind::store);
    CHECK(broken("/groups", 4) == ErrorKind::store);
    nlohmann::json without = good;
    without.erase("stages");
    CHECK(kind_of(without.dump()) == ErrorKind::store);
}

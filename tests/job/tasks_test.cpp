#include "plan/tasks.hpp"

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "job/job.hpp"
#include "plan/make_plan.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

constexpr const char* kJob =
    "[sweep]\nname = faces\ntask = classification\nseeds = 1, 2\n[axes]\narchitecture = iresnet10-w16-56\n"
    "training_set = train\nbits = 32, 4\ncalibration = real\n[evaluation]\ndata = test\n"
    "[data.train]\nformat = manifest\npath = train\n[data.test]\nformat = manifest\npath = test\n";

DataProbe probe(std::vector<std::string> of_training, std::vector<std::string> of_test) {
    DataProbe probe{[](const DataSource&) { return true; }, [](const DataSource& data) { return sha256(data.name); },
                    [](const DataSource&) { return std::vector<std::string>{"A"}; }};
    probe.classes = [=](const DataSource& data) { return data.name == "test" ? of_test : of_training; };
    return probe;
}

}  // namespace

TEST_CASE("Classification plans the same stages with the task in their parameters") {
    const Plan plan = make_plan(parse_job(kJob, "job", {}), probe({"happy", "sad"}, {"happy", "sad"}), "test");
    CHECK(plan.task == "classification");
    CHECK(plan.classes == std::vector<std::string>{"happy", "sad"});
    CHECK(plan.points.size() == 6);  // dense, sham, 4 bits; two seeds
    for (const Stage& stage : plan.stages) {
        const StageParameters parameters = parse_stage_parameters(stage.parameters.text());
        CHECK(parameters.task == "classification");
        if (stage.kind == StageKind::compression) CHECK(parameters.distillation == "logits");
    }
    const Plan back = plan_from_json(plan_to_json(plan));
    CHECK(back.classes == plan.classes);
}

TEST_CASE("The first task is not in the parameters, so that its stages keep their ids") {
    StageParameters parameters;
    parameters.kind = StageKind::evaluation;
    CHECK(canonical_text(parameters).find("task") == std::string::npos);
}

TEST_CASE("A network is trained for the classes that it is judged by") {
    const Sweep sweep = parse_job(kJob, "job", {});
    CHECK_THROWS_WITH(make_plan(sweep, probe({"happy", "sad"}, {"happy", "neutral"}), "test"),
                      ContainsSubstring("data.train") && ContainsSubstring("happy, neutral"));
    CHECK_THROWS_WITH(make_plan(sweep, probe({"a/b"}, {"a/b"}), "test"), ContainsSubstring("without '/'"));
}

TEST_CASE("Words of a job follow its task") {
    const std::string job = kJob;
    CHECK_THROWS_WITH(parse_job(job, "job", {"axes.distillation=cosine"}), ContainsSubstring("one of logits, logits-chain"));
    CHECK_THROWS_WITH(parse_job(job, "job", {"sweep.task=clasification"}), ContainsSubstring("did you mean 'classification'"));
    CHECK_THROWS_WITH(parse_job(job, "job", {"sweep.task=expression"}), ContainsSubstring("task = classification"));
}

TEST_CASE("Limits of classes are met before a sweep") {
    const Sweep sweep = parse_job(kJob, "job", {});
    CHECK_THROWS_WITH(make_plan(sweep, probe({"one"}, {"one"}), "test"), ContainsSubstring("two classes or more"));
    DataProbe large = probe({"a", "b"}, {"a", "b"});
    large.images = [](const DataSource&, bool) { return std::uint64_t{9'000'000}; };
    CHECK_THROWS_WITH(make_plan(sweep, large, "test"), ContainsSubstring("18000000 images times classes"));
    Sweep verification = sweep;
    verification.task = "verification";
    CHECK_THROWS_WITH(make_plan(verification, probe({"a", "b"}, {}), "test"), ContainsSubstring("data.train"));
}

TEST_CASE("Keys of a margin loss are no part of a classifier") {
    const Sweep sweep = parse_job(kJob, "job", {"axes.recipe.margin_rad=0.3, 0.5", "recipe.preset=modern"});
    const Plan plan = make_plan(sweep, probe({"a", "b"}, {"a", "b"}), "test");
    CHECK(plan.points.size() == 6);  // as without the axis
    for (const Stage& stage : plan.stages) CHECK(stage.parameters.text().find("margin") == std::string::npos);
}

/// [program.NAME]: what can be wrong in it, what it plans, and that its points have their twins.
#include <algorithm>
#include <map>
#include <set>

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "job/job.hpp"
#include "plan/describe_stage.hpp"
#include "plan/make_plan.hpp"
#include "plan/recipes.hpp"
#include "plan/small_sweep.hpp"
#include "plan/stage_order.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

namespace {

std::string job_with(const std::string& program, const std::string& chosen = "[recipe]\nprogram = qat\n") {
    return R"([sweep]
name = own
seeds = 1, 2
[axes]
architecture = iresnet10-w16-56
training_set = faces
bits = 32, 8, 4
calibration = real, synthetic
)" + std::string(kSmallSweepData) +
           chosen + program;
}

std::string section(const std::string& train, const std::string& more = {}) {
    return "[program.qat]\ntrain = " + train + "\n" + more;
}

/// Contents of files by their paths; the path of a missing one begins with "no".
DataProbe probe_of(const std::string& content = "code") {
    DataProbe probe = present_probe();
    probe.file = [content](const std::filesystem::path& path) {
        return path.string().starts_with("no") ? std::nullopt : std::optional(sha256(content));
    };
    return probe;
}

Plan plan_of(const std::string& text, const std::vector<std::string>& overrides = {}, const DataProbe& probe = probe_of()) {
    return make_plan(parse_job(text, "own.cfg", overrides), probe, "test");
}

std::string refusal(const std::string& text, const std::vector<std::string>& overrides = {}) {
    try {
        static_cast<void>(plan_of(text, overrides));
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
    FAIL_CHECK("accepted");
    return {};
}

std::vector<Digest> external_ids(const Plan& plan) {
    std::vector<Digest> ids;
    for (const Stage& stage : plan.stages)
        if (stage.kind == StageKind::external) ids.push_back(stage.id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

const Stage& network_of(const Plan& plan, const Point& point) { return plan.stages[point.network_stage]; }

/// Compressed points without a sham of the same axes and recipes.
std::size_t points_without_twin(const Plan& plan) {
    std::size_t alone = 0;
    for (const Point& point : plan.points) {
        if (point.arm != Arm::compressed) continue;
        const Recipes own = recipes_of(plan, network_of(plan, point));
        const bool found = std::any_of(plan.points.begin(), plan.points.end(), [&](const Point& other) {
            AxisValues axes = point.axes;
            axes[Axis::bits] = Bits{};
            axes[Axis::sparsity] = 0.0;
            axes[Axis::pruning] = {};
            const Recipes recipes = recipes_of(plan, network_of(plan, other));
            return other.arm == Arm::sham && other.axes == axes && other.seed == point.seed && recipes.baseline == own.baseline &&
                   recipes.finetune == own.finetune;
        });
        alone += found ? 0 : 1;
    }
    return alone;
}

const std::string kWhole =
    section("python3 my.py --bits {bits} --seed {seed} --data {calibration_data} --from {baseline} --out {artefact}",
            "depends = my.py, lib.py\ntime_limit_s = 60\nstop_signal = SIGUSR1\ngrace_s = 5\nlog_bytes = 4096\n"
            "estimate_s = 30\n");

}  // namespace

TEST_CASE("a program's section is read, with braces, quotes and commas as they stand") {
    const Sweep sweep = parse_job(job_with(section(R"(python3 "my qat.py" --lr='{recipe.finetune_lr}', --set {{a=1}} {artefact})",
                                                   "result = scores\narms = compressed, sham, dense\ndepends = a b.py, c.py\n")),
                                  "own.cfg", {"program.qat.time_limit_s=7"});
    const Program& program = sweep.programs.at("qat");
    CHECK(program.command == R"(python3 "my qat.py" --lr='{recipe.finetune_lr}', --set {{a=1}} {artefact})");
    CHECK(program.result == "scores");
    CHECK(program.arms == std::vector<Arm>{Arm::compressed, Arm::sham, Arm::dense});
    CHECK(program.settings.depends == std::vector<std::string>{"a b.py", "c.py"});
    CHECK(program.settings.time_limit_s == 7);
    CHECK(program.settings.stop_signal == "TERM");
    CHECK(sweep.recipe.program == "qat");
    CHECK_NOTHROW(parse_job(sweep.source_text, "again.cfg", {}));
}

TEST_CASE("what is wrong with a program is said where it stands") {
    const auto wrong = [](const std::string& train, const std::string& more = {}) {
        return refusal(job_with(section(train, more)));
    };
    CHECK_THAT(wrong("t {bits}"),
               ContainsSubstring("own.cfg, line 23, key program.qat.train") && ContainsSubstring("no {artefact}"));
    CHECK_THAT(wrong("t {bit} {artefact}"), ContainsSubstring("did you mean {bits}?"));
    CHECK_THAT(wrong("t {artefact} > log"), ContainsSubstring("there is no shell"));
    CHECK_THAT(wrong("t {artefact}", "result = score\n"), ContainsSubstring("did you mean 'scores'?"));
    CHECK_THAT(wrong("t {artefact}", "stop_signal = SIGTERMS\n"), ContainsSubstring("did you mean 'TERM'?"));
    CHECK_THAT(wrong("t {artefact}", "time_limit_s = 0\n"), ContainsSubstring("a number from 1"));
    CHECK_THAT(wrong("t {artefact}", "arms = shams\n"), ContainsSubstring("dense, sham, compressed"));
    CHECK_THAT(wrong("t {artefact}", "trian = x\n"), ContainsSubstring("unknown key"));
    CHECK_THAT(wrong("t {artefact}", "depends = my.py, no.py, nor.py\n"), ContainsSubstring("no file no.py, nor.py"));
    CHECK_THAT(refusal(job_with("[program.qat]\nresult = scores\n")), ContainsSubstring("train ="));
    CHECK_THAT(refusal(job_with("[program.none]\ntrain = t {artefact}\n")), ContainsSubstring("which is not none"));
    CHECK_THAT(refusal(job_with(section("t {artefact}"), "")),
               ContainsSubstring("[recipe] with program = qat") && ContainsSubstring("recipe.program = none, qat"));
    CHECK_THAT(refusal(job_with("")), ContainsSubstring("add [program.qat]"));
    CHECK_THAT(refusal(job_with(section("t {artefact}")), {"recipe.program=qatt"}), ContainsSubstring("did you mean 'qat'?"));
    CHECK_THAT(refusal(job_with(section("t {artefact}")), {"axes.recipe.program=qat, qatt"}),
               ContainsSubstring("did you mean 'qat'?"));
    CHECK_THAT(refusal(job_with(section("t {artefact}", "result = scores\n")), {"evaluation.measure=latency"}),
               ContainsSubstring("no network"));
}

TEST_CASE("a program's stages hold what its command names, need what it names and are watched as its section says") {
    const Plan plan = plan_of(job_with(kWhole));
    CHECK(stages_of(plan, StageKind::compression) == 0);
    CHECK(stages_of(plan, StageKind::teacher) == 0);
    CHECK(stages_of(plan, StageKind::external) == 3 * 2 * 2);  // bits, calibration, seeds
    CHECK(stages_of(plan, StageKind::baseline) == 2);
    CHECK(points_of(plan, Arm::dense) == 2);
    CHECK(points_of(plan, Arm::sham) == 4);
    CHECK(points_of(plan, Arm::compressed) == 8);
    CHECK_FALSE(plan.provisional);
    CHECK(points_without_twin(plan) == 0);
    for (StageIndex i = 0; i < plan.stages.size(); ++i) {
        const Stage& stage = plan.stages[i];
        if (stage.kind != StageKind::external) continue;
        CHECK(stage.cost_s == 30);
        REQUIRE(stage.needs.size() == 1);
        CHECK(plan.stages[stage.needs[0]].kind == StageKind::baseline);
        REQUIRE(stage.data_sets.size() == 1);
        const StageParameters p = parse_stage_parameters(stage.parameters.text());
        CHECK(p.data == sha256("content of " + stage.data_sets.front().text()));
        CHECK(p.depends == sha256(sha256("code").hex() + "\n" + sha256("code").hex() + "\n"));
        CHECK(p.arm.empty());
        CHECK_THAT(stage.parameters.text(), !ContainsSubstring("finetune_lr") && !ContainsSubstring("threads") &&
                                                !ContainsSubstring("sparsity") && !ContainsSubstring("training_data"));
        CHECK(order_of(plan, i, std::vector<Digest>(plan.stages.size())).program ==
              ProgramSettings{
                  .time_limit_s = 60, .stop_signal = "USR1", .grace_s = 5, .log_bytes = 4096, .depends = {"my.py", "lib.py"}});
        CHECK_THAT(describe_stage(plan, i), ContainsSubstring("external qat iresnet10-w16-56") && ContainsSubstring("bits"));
    }
    const Plan back = plan_from_json(plan_to_json(plan));
    CHECK(plan_to_json(back) == plan_to_json(plan));
    CHECK(back.programs.at("qat") == plan.programs.at("qat"));
}

TEST_CASE("what a command does not name does not enter its id, what it names does") {
    const auto ids = [](const std::string& train, const std::vector<std::string>& overrides = {}) {
        return external_ids(plan_of(job_with(section(train)), overrides));
    };
    CHECK(ids("t {artefact}").size() == 1);  // one network for all points
    CHECK(ids("t {bits} {artefact}").size() == 3);
    CHECK(ids("t {seed} {artefact}").size() == 2);
    CHECK(ids("t {weight_bits} {artefact}", {"axes.bits=w8a4, 8"}).size() == 2);  // 8 and the shams' 32
    CHECK(ids("t {calibration_data} {artefact}").size() == 2);
    CHECK(ids("t {arm} {artefact}").size() == 2);
    CHECK(ids("t {artefact}") != ids("t  {artefact}"));
    CHECK(ids("t {artefact}") == ids("t {artefact}", {"recipe.finetune_lr=0.3"}));
    CHECK(ids("t {recipe.finetune_lr} {artefact}") != ids("t {recipe.finetune_lr} {artefact}", {"recipe.finetune_lr=0.3"}));
    CHECK(ids("t {artefact}") == ids("t {artefact}", {"recipe.threads_per_stage=2"}));
    CHECK(ids("t {threads} {artefact}") != ids("t {threads} {artefact}", {"recipe.threads_per_stage=2"}));
    CHECK(ids("t {artefact}") == ids("t {artefact}", {"program.qat.time_limit_s=5"}));
    CHECK(ids("t {artefact}") != ids("t {artefact}", {"program.qat.result=scores"}));
    CHECK(ids("t {training_data} {artefact}") == ids("t {training_data} {artefact}", {"data.faces.path=/elsewhere"}));
    CHECK(ids("t {baseline} {artefact}") != ids("t {baseline} {artefact}", {"recipe.baseline_epochs=3"}));
}

TEST_CASE("the content of the files that a program depends on is part of its id, their names are not") {
    const auto ids = [](const char* depends, const char* content) {
        return external_ids(
            plan_of(job_with(section("t {artefact}", std::string("depends = ") + depends + "\n")), {}, probe_of(content)));
    };
    CHECK(ids("my.py", "code") != ids("my.py", "other code"));
    CHECK(ids("my.py", "code") == ids("moved/my.py", "code"));
    CHECK(ids("my.py", "code") != ids("my.py, more.py", "code"));
}

TEST_CASE("programs with different arms share the dense network that they start from") {
    const std::string job =
        job_with(std::string(kWhole) + "[program.other]\ntrain = t {baseline} {arm} {artefact}\narms = dense, compressed\n", "");
    const Plan plan = plan_of(job, {"axes.recipe.program=other, none, qat"});
    std::set<std::string> dense, compressed;
    for (const Point& point : plan.points) {
        if (point.arm == Arm::dense) dense.insert(text_of(point.axes[count_of<Axis>]));
        if (point.arm == Arm::compressed) compressed.insert(text_of(point.axes[count_of<Axis>]));
        const bool is_ours = network_of(plan, point).kind == StageKind::baseline;
        if (is_ours) CHECK(std::holds_alternative<std::monostate>(point.axes[count_of<Axis>]));
    }
    CHECK(dense == std::set<std::string>{"none", "other"});
    CHECK(compressed == std::set<std::string>{"none", "other", "qat"});
}

TEST_CASE("an axis recipe.program compares fairsweep's own training with the program's") {
    const Plan plan = plan_of(job_with(kWhole, ""), {"axes.recipe.program=none, qat"});
    CHECK(stages_of(plan, StageKind::compression) == 12);
    CHECK(stages_of(plan, StageKind::external) == 12);
    CHECK(stages_of(plan, StageKind::baseline) == 2);
    CHECK(points_of(plan, Arm::dense) == 2);  // nothing in them depends on the axis
    CHECK(points_of(plan, Arm::sham) == 8);
    CHECK(points_of(plan, Arm::compressed) == 16);
    CHECK(points_without_twin(plan) == 0);
    const std::size_t axis = count_of<Axis>;
    REQUIRE(plan.axes.size() == axis + 1);
    std::map<std::string, Recipes> of_value;
    for (const Point& point : plan.points) {
        const bool is_external = network_of(plan, point).kind == StageKind::external;
        CHECK(text_of(point.axes[axis]) == (is_external ? "qat" : "none"));
        CHECK(std::holds_alternative<std::monostate>(point.axes[axis]) == (point.arm == Arm::dense));
        if (point.arm == Arm::sham) of_value[text_of(point.axes[axis])] = recipes_of(plan, network_of(plan, point));
    }
    CHECK(of_value["qat"].baseline == of_value["none"].baseline);
    CHECK(of_value["qat"].finetune != of_value["none"].finetune);
    const Plan own = plan_of(job_with("", ""));  // the ids of fairsweep's own stages are those without a program
    for (const Stage& stage : own.stages)
        CHECK(std::any_of(plan.stages.begin(), plan.stages.end(), [&stage](const Stage& other) { return other.id == stage.id; }));
}

TEST_CASE("a program that makes all arms is its own baseline") {
    const Plan plan =
        plan_of(job_with(section("t {arm} {bits} {seed} {calibration} {artefact}", "arms = dense, sham, compressed\n")));
    CHECK(stages_of(plan, StageKind::baseline) == 0);
    CHECK(points_of(plan, Arm::dense) == 2);
    CHECK(points_without_twin(plan) == 0);
    for (const Point& point : plan.points)
        CHECK(recipes_of(plan, network_of(plan, point)).baseline ==
              recipes_of(plan, network_of(plan, plan.points.front())).baseline);
}

TEST_CASE("keys that a command does not name have no value in its points") {
    const Plan plan = plan_of(job_with(kWhole), {"axes.recipe.finetune_lr=0.1, 0.2", "axes.recipe.baseline_epochs=1, 2"});
    CHECK(stages_of(plan, StageKind::external) == 2 * 12);  // two baselines, one rate
    for (const Point& point : plan.points) CHECK(std::holds_alternative<std::monostate>(point.axes[count_of<Axis>]));
}

#include "study/runner.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "fairsweep/error.hpp"
#include "fairsweep/verification.hpp"
#include "fairsweep/files.hpp"
#include "hand_made_plan.hpp"
#include "study/items.hpp"
#include "study/prepared_faces.hpp"
#include "study/safetensors.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kNetwork = "mobilefacenet-w16-56";

/// A baseline, its teacher and prepared faces in ./artefacts: run once in ./trained, then copied for every case.
struct Trained {
    Trained() : builder((make_small_faces("faces"), "faces")) {
        prepare = builder.prepare(56);
        baseline = builder.baseline(kNetwork, 1, recipe);
        teacher = builder.teacher(baseline, "train", recipe);
        fill_with_done("artefacts", builder.plan, {prepare, baseline, teacher});
        runner = make_stage_runner("artefacts");
    }
    StageIndex arm(PlanBuilder::Arm arm, std::uint64_t seed = 1) {
        return builder.compression(baseline, teacher, "train", arm, seed, recipe);
    }
    fs::path file(StageIndex stage, const char* suffix) const {
        return fs::path("artefacts") / (builder.plan.stages[stage].id.hex() + suffix);
    }
    StageOutcome done(StageIndex stage) {
        StageOutcome outcome = run(*runner, builder.plan, stage);
        INFO(outcome.message);
        REQUIRE(outcome.state == StageState::done);
        return outcome;
    }

    Recipe recipe = small_recipe();
    PlanBuilder builder;
    std::unique_ptr<StageRunner> runner;
    StageIndex prepare = 0, baseline = 0, teacher = 0;
};

/// All tensors of a checkpoint as bytes by name.
std::map<std::string, std::string> tensors_of(const fs::path& path) {
    const SafetensorsFile file(path);
    std::map<std::string, std::string> tensors;
    for (const auto& [name, entry] : file.tensors()) {
        const auto bytes = file.bytes(entry);
        tensors[name] = std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    return tensors;
}

}  // namespace

TEST_CASE("A plan of every kind of stage runs to figures", "[runner]") {
    Trained t;
    const StageIndex dense = t.builder.evaluation(t.baseline, t.prepare, t.recipe);
    const StageOutcome outcome = t.done(dense);
    const auto set = open_verification_set(t.builder.plan.data.at("test").source);
    const ItemTable table = item_table_of(*set);
    CHECK(outcome.scores.size() == table.size());
    REQUIRE(outcome.groups.size() == 2);
    CHECK(figures_of(outcome.groups[0]).genuine == 30);
    CHECK(figures_of(outcome.groups[0]).impostor == 30);
    CHECK(outcome.artefact.is_zero());
    const StageOutcome baseline = t.done(t.baseline);
    CHECK(baseline.artefact == sha256_of_file(t.file(t.baseline, ".ckpt")));
    CHECK(baseline.artefact_bytes == fs::file_size(t.file(t.baseline, ".ckpt")));
    CHECK(baseline.measured[Metric::loss_last] < 0.9 * baseline.measured[Metric::loss_first]);
    CHECK(baseline.cpu_s > 0.0);
    CHECK(baseline.peak_memory_bytes > 10U << 20);
    CHECK(t.runner->artefact_present(t.builder.plan.stages[t.baseline].kind, t.builder.plan.stages[t.baseline].id, baseline));
    fs::resize_file(t.file(t.baseline, ".ckpt"), 100);
    CHECK_FALSE(
        t.runner->artefact_present(t.builder.plan.stages[t.baseline].kind, t.builder.plan.stages[t.baseline].id, baseline));
    CHECK(t.runner->artefact_present(t.builder.plan.stages[dense].kind, t.builder.plan.stages[dense].id, outcome));
}

TEST_CASE("The same stage twice leaves the same bytes", "[runner]") {
    Trained t;
    const StageIndex arm = t.arm({{4, 4}, 0.5});
    const StageIndex evaluation = t.builder.evaluation(arm, t.prepare, t.recipe);
    std::vector<Digest> first;
    for (const StageIndex stage : {t.prepare, t.baseline, t.teacher, arm}) first.push_back(t.done(stage).artefact);
    const std::vector<float> scores = t.done(evaluation).scores;
    auto other = make_stage_runner("elsewhere");  // nothing carried over: caches, files
    std::size_t i = 0;
    for (const StageIndex stage : {t.prepare, t.baseline, t.teacher, arm})
        CHECK(run(*other, t.builder.plan, stage).artefact == first[i++]);
    CHECK(run(*other, t.builder.plan, evaluation).scores == scores);
    CHECK(tensors_of(t.file(t.baseline, ".ckpt")) != tensors_of(t.file(arm, ".ckpt")));
}

TEST_CASE("Sets whose faces are not kept are decoded ahead and leave the same bytes", "[runner]") {
    Trained t;
    const StageIndex arm = t.arm({{4, 4}, 0.5});
    auto ahead = make_stage_runner("elsewhere", study_functions(), 0);
    for (const StageIndex stage : {t.baseline, t.teacher, arm}) {
        const Digest kept = t.done(stage).artefact;
        const StageOutcome outcome = run(*ahead, t.builder.plan, stage);
        INFO(outcome.message);
        CHECK(outcome.artefact == kept);
    }
}

TEST_CASE("Another seed gives another network", "[runner]") {
    Trained t;
    const StageIndex second = t.builder.baseline(kNetwork, 2, t.recipe);
    (void)t.done(second);
    CHECK(tensors_of(t.file(second, ".ckpt")) != tensors_of(t.file(t.baseline, ".ckpt")));
    const StageIndex one = t.arm({{8, 8}, 0.0}, 1), two = t.arm({{8, 8}, 0.0}, 2);
    (void)t.done(one);
    (void)t.done(two);
    CHECK(tensors_of(t.file(one, ".ckpt")) != tensors_of(t.file(two, ".ckpt")));
}

TEST_CASE("Baselines of every augmentation differ, and each is the same twice", "[runner]") {
    Trained t;
    std::set<std::string> networks{tensors_of(t.file(t.baseline, ".ckpt")).begin()->second};
    for (const char* strength : {"light", "strong"}) {
        Recipe recipe = t.recipe;
        recipe.augmentation = strength;
        const StageIndex stage = t.builder.baseline(kNetwork, 1, recipe);
        const StageOutcome outcome = t.done(stage);
        CHECK(outcome.measured[Metric::loss_last] < 0.9 * outcome.measured[Metric::loss_first]);
        CHECK(networks.insert(tensors_of(t.file(stage, ".ckpt")).begin()->second).second);
        CHECK(run(*make_stage_runner("elsewhere"), t.builder.plan, stage).artefact == outcome.artefact);
    }
}

TEST_CASE("Pruned weights are zero in the checkpoint and stay zero as used", "[runner]") {
    Trained t;
    const StageOutcome outcome = t.done(t.arm({{4, 4}, 0.7}));
    CHECK(outcome.measured[Metric::sparsity_measured] >= 0.6999);
    CHECK(outcome.measured[Metric::sparsity_measured] < 0.95);
    CHECK(t.done(t.arm({{32, 32}, 0.0})).measured[Metric::sparsity_measured] < 0.01);
    const StageOutcome pruned = t.done(t.arm({{32, 32}, 0.7}));
    CHECK(pruned.measured[Metric::sparsity_measured] == Approx(0.7).margin(1e-4));
}

TEST_CASE("Preset modern trains every kind of quantiser, and its checkpoints evaluate as they are", "[runner]") {
    Trained t;
    struct Case {
        const char *weights, *activations, *norm;
        Bits bits;
        double sparsity;
    };
    for (const Case& c :
         {Case{"learned", "moving-average", "frozen", {4, 8}, 0.5}, Case{"minmax", "minmax", "live", {8, 8}, 0.0},
          Case{"mse", "learned", "folded", {4, 4}, 0.0}, Case{"percentile", "percentile", "frozen", {8, 8}, 0.5}}) {
        INFO(c.weights << ", " << c.activations << ", " << c.norm);
        Recipe recipe = t.recipe;
        recipe.preset = "modern";
        recipe.weight_range = c.weights;
        recipe.activation_range = c.activations;
        recipe.batch_norm = c.norm;
        const StageIndex arm = t.builder.compression(t.baseline, t.teacher, "train", {c.bits, c.sparsity}, 1, recipe);
        const StageOutcome outcome = t.done(arm);
        CHECK(std::isfinite(outcome.measured[Metric::loss_last]));
        CHECK(outcome.measured[Metric::sparsity_measured] >= c.sparsity - 1e-4);
        const StageOutcome scores = t.done(t.builder.evaluation(arm, t.prepare, recipe));
        CHECK_FALSE(scores.scores.empty());
        CHECK(run(*make_stage_runner("artefacts"), t.builder.plan, arm).artefact ==
              outcome.artefact);  // and again: the same bytes
    }
}

TEST_CASE("Asked to stop, a stage ends at once and leaves nothing but what it goes on from", "[runner]") {
    Trained t;
    const StageIndex arm = t.arm({{8, 8}, 0.0});
    const StageIndex evaluation = t.builder.evaluation(t.baseline, t.prepare, t.recipe);
    std::vector<fs::path> before;
    for (const auto& entry : fs::directory_iterator("artefacts")) before.push_back(entry.path());
    auto fresh = make_stage_runner("stopped");
    int steps = 0;
    const StageMonitor after_one{.on_progress = [&steps](double) { ++steps; }, .stop_requested = [&steps] { return steps >= 1; }};
    for (const StageIndex stage : {arm, t.teacher}) {
        steps = 0;
        const StageOutcome outcome = run(*t.runner, t.builder.plan, stage, {}, after_one);
        CHECK(outcome.state == StageState::preempted);
        CHECK(outcome.failure == FailureClass::preempted);
        CHECK(steps == 1);
    }
    steps = 0;
    CHECK(run(*t.runner, t.builder.plan, evaluation, {}, after_one).state == StageState::done);  // its images are one batch
    for (const StageIndex stage : {t.prepare, t.baseline}) {
        steps = 0;
        CHECK(run(*fresh, t.builder.plan, stage, {}, after_one).state == StageState::preempted);
        CHECK(steps == 1);
    }
    const auto names = [](const char* folder) {
        std::vector<std::string> all;
        for (const auto& entry : fs::directory_iterator(folder)) all.push_back(entry.path().extension().string());
        std::sort(all.begin(), all.end());
        return all;
    };
    CHECK(names("stopped") == std::vector<std::string>{".resume"});  // of the baseline
    std::vector<std::string> left = names("artefacts");
    CHECK(left.size() == before.size() + 2);
    CHECK(std::count(left.begin(), left.end(), ".resume") == 1);
    CHECK(std::count(left.begin(), left.end(), ".rows") == 1);
}

TEST_CASE("OperationStatus rises to one", "[runner]") {
    Trained t;
    double last = 0.0;
    bool rising = true;
    const StageMonitor monitor{.on_progress =
                                   [&](double fraction) {
                                       rising = rising && fraction > last;
                                       last = fraction;
                                   },
                               .stop_requested = {}};
    CHECK(run(*t.runner, t.builder.plan, t.arm({{8, 8}, 0.0}), {}, monitor).state == StageState::done);
    CHECK(rising);
    CHECK(last == 1.0);
}

TEST_CASE("A damaged, missing or foreign artefact is refused by name", "[runner]") {
    Trained t;
    const StageIndex arm = t.arm({{8, 8}, 0.0});
    const StageIndex evaluation = t.builder.evaluation(t.baseline, t.prepare, t.recipe);
    const auto refused = [&](StageIndex stage, const fs::path& file) {
        const StageOutcome outcome = run(*t.runner, t.builder.plan, stage);
        CHECK(outcome.state == StageState::failed);
        // What is there and wrong stays wrong; what is not there may only be late (a network file system).
        CHECK(outcome.failure == (fs::exists(file) ? FailureClass::config : FailureClass::io));
        CHECK_THAT(outcome.message, ContainsSubstring(file.filename().string()));
    };
    const auto damage = [](const fs::path& file) {
        std::string text = read_text_file(file);
        text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 0x40);
        write_file_atomically(file, text);
    };
    SECTION("teacher") {
        damage(t.file(t.teacher, ".emb"));
        refused(arm, t.file(t.teacher, ".emb"));
    }
    SECTION("prepared faces") {
        damage(t.file(t.prepare, ".faces"));
        refused(evaluation, t.file(t.prepare, ".faces"));
    }
    SECTION("checkpoint") {
        damage(t.file(t.baseline, ".ckpt"));
        refused(evaluation, t.file(t.baseline, ".ckpt"));
        refused(arm, t.file(t.baseline, ".ckpt"));
        refused(t.teacher, t.file(t.baseline, ".ckpt"));
    }
    SECTION("checkpoint of another stage under that name") {
        const StageIndex other = t.builder.baseline(kNetwork, 2, t.recipe);
        (void)t.done(other);
        fs::copy_file(t.file(other, ".ckpt"), t.file(t.baseline, ".ckpt"), fs::copy_options::overwrite_existing);
        refused(evaluation, t.file(t.baseline, ".ckpt"));
    }
    SECTION("no file") {
        fs::remove(t.file(t.baseline, ".ckpt"));
        refused(arm, t.file(t.baseline, ".ckpt"));
    }
}

TEST_CASE("A need that is not what its row says is named, moved aside and can be made again", "[runner]") {
    Trained t;
    const StageIndex evaluation = t.builder.evaluation(t.baseline, t.prepare, t.recipe);
    const fs::path file = t.file(t.baseline, ".ckpt");
    StageOutcome baseline;
    baseline.artefact = sha256_of_file(file);
    baseline.artefact_bytes = fs::file_size(file);
    const std::map<StageIndex, Digest> needs{{t.baseline, baseline.artefact},
                                             {t.prepare, sha256_of_file(t.file(t.prepare, ".faces"))}};
    CHECK(run(*t.runner, t.builder.plan, evaluation, needs).state == StageState::done);

    std::string text = read_text_file(file);
    text.back() = static_cast<char>(text.back() ^ 1);  // the same size
    write_file_atomically(file, text);
    CHECK(t.runner->artefact_present(t.builder.plan.stages[t.baseline].kind, t.builder.plan.stages[t.baseline].id, baseline));
    const StageOutcome outcome = run(*t.runner, t.builder.plan, evaluation, needs);
    CHECK(outcome.state == StageState::failed);
    CHECK(outcome.failure == FailureClass::config);  // no second attempt: it would find the same
    CHECK_THAT(outcome.message, ContainsSubstring("baseline") && ContainsSubstring(file.filename().string()) &&
                                    ContainsSubstring("--only failed,lost"));
    CHECK(fs::exists(file.string() + ".damaged"));
    CHECK_FALSE(t.runner->artefact_present(t.builder.plan.stages[t.baseline].kind, t.builder.plan.stages[t.baseline].id,
                                           baseline));  // a further run makes it again
    const StageOutcome next = run(*t.runner, t.builder.plan, evaluation, needs);
    CHECK_THAT(next.message, ContainsSubstring("is gone") && ContainsSubstring("lies beside as *.damaged"));
    CHECK(t.done(t.baseline).artefact == baseline.artefact);
    CHECK(run(*t.runner, t.builder.plan, evaluation, needs).state == StageState::done);
}

TEST_CASE("What a user can get wrong is an outcome of class config", "[runner]") {
    Trained t;
    SECTION("a batch larger than the set") {
        Recipe large = t.recipe;
        large.baseline_batch_samples = 1000;
        const StageOutcome outcome = run(*t.runner, t.builder.plan, t.builder.baseline(kNetwork, 1, large));
        CHECK(outcome.failure == FailureClass::config);
        CHECK_THAT(outcome.message, ContainsSubstring("batches of 1000 from 72 images"));
    }
    SECTION("no step to learn ranges in") {
        Recipe never = t.recipe;
        never.observer_steps = 0;
        const StageIndex arm = t.builder.compression(t.baseline, t.teacher, "train", {{8, 8}, 0.0}, 1, never);
        const StageOutcome outcome = run(*t.runner, t.builder.plan, arm);
        CHECK(outcome.failure == FailureClass::config);
        CHECK_THAT(outcome.message, ContainsSubstring("observer_steps"));
    }
    SECTION("a training set that is gone") {
        const fs::path set = fs::path("faces") / "train" / "train.rec";
        fs::rename(set, "away");
        auto fresh = make_stage_runner("fresh");
        const StageOutcome outcome = run(*fresh, t.builder.plan, t.baseline);
        fs::rename("away", set);
        CHECK(outcome.failure == FailureClass::config);
        CHECK_THAT(outcome.message, ContainsSubstring("train.rec"));
    }
    SECTION("parameters that are none") {
        t.builder.plan.stages[t.baseline].parameters = "{}";
        CHECK(run(*t.runner, t.builder.plan, t.baseline).failure == FailureClass::config);
    }
}

TEST_CASE("A training that diverges says so", "[runner]") {
    Trained t;
    Recipe wild = t.recipe;
    wild.baseline_lr = 1e30;
    wild.clip_norm = 0.0;
    const StageOutcome outcome = run(*t.runner, t.builder.plan, t.builder.baseline(kNetwork, 1, wild));
    CHECK(outcome.state == StageState::diverged);
    CHECK(outcome.failure == FailureClass::numeric);
    CHECK_FALSE(outcome.message.empty());
}

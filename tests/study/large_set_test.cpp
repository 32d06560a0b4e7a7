/// A training on a set of millions of images that are never held: killed, gone on with, and the same as without. The long mode takes six
/// million images of 93,431 people, as many as MS1MV2 has.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "fairsweep/hash.hpp"
#include "fairsweep/process_memory.hpp"
#include "hand_made_plan.hpp"
#include "plan/stage_order.hpp"
#include "study/data_order.hpp"
#include "study/runner.hpp"
#include "support/catch.hpp"
#include "support/sparse_recordio.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;
namespace fs = std::filesystem;

namespace {

constexpr int kKilledAfter = 3, kStoppedAfter = 6;  // steps

struct LargeSet {
    std::uint64_t images = 0, identities = 0;
};

class LargeTraining {
public:
    LargeTraining(const LargeSet& size, const std::string& architecture, const Recipe& recipe)
        : builder_((make_small_faces("faces"), "faces")) {
        builder_.plan.data["train"].source.path = "large";
        stage_ = builder_.baseline(architecture, 2, recipe);
        SparseRecordio set("large", size.images, size.identities);
        DataOrder order({.seed = 2, .data = builder_.plan.data.at("train").id.prefix()}, size.images, recipe.baseline_batch_samples,
                        recipe.flip);
        for (int batch = 0; batch < kStoppedAfter + 8; ++batch)  // the loader reads ahead
            for (const Sample& sample : order.batch(batch)) set.add(sample.image);
    }

    /// `progress(steps)` after every step of this attempt; it is stopped after so many.
    StageOutcome run(const std::string& folder, int steps, double checkpoint_s, const std::function<void(int)>& progress) {
        fs::create_directories(folder);
        int seen = 0;
        StageOrder order = order_of(builder_.plan, stage_, std::vector<Digest>(builder_.plan.stages.size()));
        order.run.checkpoint_s = checkpoint_s;
        return make_stage_runner(folder)->run(order, {.on_progress = [&](double) { progress(++seen); },
                                                      .stop_requested = [&] { return seen >= steps; }});
    }
    [[nodiscard]] fs::path state_in(const std::string& folder) const {
        return fs::path(folder) / (builder_.plan.stages[stage_].id.hex() + ".resume");
    }

private:
    PlanBuilder builder_;
    StageIndex stage_ = 0;
};

/// In a process of its own, which ends by SIGKILL in the middle of the training.
void run_and_kill(LargeTraining& training, const std::string& folder) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        static_cast<void>(training.run(folder, 1000, 0.0, [](int steps) {
            if (steps == kKilledAfter) kill(getpid(), SIGKILL);
        }));
        _exit(1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGKILL);
}

}  // namespace

TEST_CASE("A training on millions of images is killed and goes on, bit for bit, without holding them", "[large]") {
    const bool is_long = std::getenv("FAIRSWEEP_TEST_LONG") != nullptr;
    const LargeSet size = is_long ? LargeSet{6'000'000, 93'431} : LargeSet{60'000, 500};
    Recipe recipe = small_recipe();
    recipe.baseline_batch_samples = 32;
    LargeTraining training(size, "mobilefacenet-w16-56", recipe);
    run_and_kill(training, "killed");
    REQUIRE(fs::exists(training.state_in("killed")));

    hand_back_freed_memory();
    reset_peak_memory();
    const std::uint64_t before = peak_memory_bytes();
    using Clock = std::chrono::steady_clock;
    const Clock::time_point begin = Clock::now();
    double first_step_s = 0.0;
    const StageOutcome outcome = training.run("killed", kStoppedAfter - kKilledAfter + 1, 0.0, [&](int steps) {
        if (steps == 1) first_step_s = std::chrono::duration<double>(Clock::now() - begin).count();
    });
    INFO(outcome.message);
    REQUIRE(outcome.state == StageState::preempted);
    const std::uint64_t peak_bytes = peak_memory_bytes() - before;

    REQUIRE(training.run("whole", kStoppedAfter, 1e9, [](int) {}).state == StageState::preempted);
    CHECK(sha256_of_file(training.state_in("killed")) == sha256_of_file(training.state_in("whole")));
    std::cout << fmt::format("{} images of {} people: gone on with after {:.2f} s, {:.0f} MB at most; state {:.0f} MB\n", size.images,
                             size.identities, first_step_s, static_cast<double>(peak_bytes) / 1e6,
                             static_cast<double>(fs::file_size(training.state_in("whole"))) / 1e6);
    // Index and order of the images, and the class matrix with gradient, momentum, products and the state on its way to the disk. A small
    // set is kept in memory.
    CHECK((!is_long || peak_bytes < 1'000'000'000U));
    fs::remove_all("large");
}

TEST_CASE("IResNet-100 takes a step of 128 images on 85,742 people within 12 GiB", "[large]") {
    if (std::getenv("FAIRSWEEP_TEST_LONG") == nullptr) return;
    Recipe recipe = small_recipe();
    recipe.baseline_batch_samples = 128;
    recipe.shards = 8;  // 16 images at a time
    recipe.threads_per_stage = 2;
    LargeTraining training({200'000, 85'742}, "iresnet100", recipe);
    hand_back_freed_memory();
    reset_peak_memory();
    const StageOutcome outcome = training.run("step", 1, 1e9, [](int) {});
    INFO(outcome.message);
    REQUIRE(outcome.state == StageState::preempted);
    REQUIRE(fs::exists(training.state_in("step")));
    std::cout << fmt::format("iresnet100, 85742 people: {:.2f} GiB at most; state {:.2f} GiB\n",
                             static_cast<double>(peak_memory_bytes()) / (1U << 30U),
                             static_cast<double>(fs::file_size(training.state_in("step"))) / (1U << 30U));
    CHECK(peak_memory_bytes() < std::uint64_t{12} << 30U);
    fs::remove_all("large");
}

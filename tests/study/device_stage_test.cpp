/// Stages whose recipe says `device = cuda`, on a pretended GPU (tests/support/pretended_gpu.cpp): they leave the bits that the processor
/// leaves, whole, in parts, stopped and gone on with.
#include <dlfcn.h>

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compress/quantisation.hpp"
#include "device_chain.hpp"
#include "study/embedding.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;

namespace {

void check_device(const Recipe& recipe, PlanBuilder::Arm arm, const std::string& architecture = "mobilefacenet-w16-56") {
    static int number = 0;
    const std::string folder = "chain" + std::to_string(number++);
    const auto runner = make_stage_runner(folder);
    Chain on_processor("cpu", recipe, arm, architecture), on_gpu("cuda", recipe, arm, architecture);
    for (Chain* const chain : {&on_processor, &on_gpu}) REQUIRE(chain->run(*runner, chain->prepare).state == StageState::done);
    for (std::size_t i = 0; i < on_gpu.stages().size(); ++i) {
        const StageIndex expected_stage = on_processor.stages()[i], stage = on_gpu.stages()[i];
        INFO(name_of(on_gpu.builder.plan.stages[stage].kind));
        const StageOutcome expected = on_processor.run(*runner, expected_stage);
        INFO(expected.message);
        REQUIRE(expected.state == StageState::done);
        // Stopped once on the way.
        int steps = 0;
        const StageOutcome stopped =
            on_gpu.run(*runner, stage, {.on_progress = [&steps](double) { ++steps; }, .stop_requested = [&] { return steps >= 3; }});
        INFO(stopped.message);
        REQUIRE((stopped.state == StageState::preempted || stopped.state == StageState::done));
        check_same_outcome(stopped.state == StageState::done ? stopped : on_gpu.run(*runner, stage), expected);
        if (stage != on_gpu.evaluation) check_same_tensors(on_processor.artefact(folder, expected_stage), on_gpu.artefact(folder, stage));
    }
}

}  // namespace

TEST_CASE("Stages on a GPU leave what they leave on the processor", "[device]") {
    use_pretended_gpu();
    make_small_faces("faces");
    const int shards = GENERATE(1, 2);
    SECTION("quantface") { check_device(recipe_of("quantface", shards), {.bits = {6, 6}, .sparsity = 0.5}); }
    SECTION("modern, learned steps, pruned first") {
        Recipe recipe = recipe_of("modern", shards);
        recipe.order = "prune-first";
        recipe.weight_range = recipe.activation_range = "learned";
        recipe.sparsity_pattern = "channels";
        recipe.augmentation = "light";
        check_device(recipe, {.bits = {8, 4}, .sparsity = 0.25});
    }
    SECTION("modern, batch norm folded") {
        Recipe recipe = recipe_of("modern", shards);
        recipe.batch_norm = "folded";
        recipe.weight_range = "mse";
        recipe.activation_range = "percentile";
        check_device(recipe, {.bits = {4, 8}, .distillation = "relational"}, "iresnet10-w16-56");
    }
    SECTION("sham") { check_device(recipe_of("quantface", shards), {.bits = {32, 32}}); }
}

TEST_CASE("A GPU without memory for a step tries it once more, and gives the same", "[device]") {
    use_pretended_gpu();
    make_small_faces("faces");
    void* const gpu = dlopen(FAIRSWEEP_PRETENDED_GPU, RTLD_NOW);
    const auto fails_after = reinterpret_cast<void (*)(int, int)>(dlsym(gpu, "pretended_gpu_fails_after"));
    const auto released = reinterpret_cast<int (*)()>(dlsym(gpu, "pretended_gpu_released"));
    REQUIRE((fails_after != nullptr && released != nullptr));
    const auto runner = make_stage_runner("memory");
    Recipe recipe = recipe_of("quantface", 2);
    const PlanBuilder::Arm arm{.bits = {6, 6}};
    Chain on_processor("cpu", recipe, arm, "mobilefacenet-w16-56");
    StageOutcome expected;
    for (const StageIndex stage : {on_processor.baseline, on_processor.teacher, on_processor.compression}) {
        expected = on_processor.run(*runner, stage);
        REQUIRE(expected.state == StageState::done);
    }
    Chain on_gpu("cuda", recipe, arm, "mobilefacenet-w16-56");
    int steps = 0, allocations = 0, failures = 1;
    const StageMonitor monitor{.on_progress = [&](double) {
        if (++steps == 2) fails_after(allocations, failures);
    }, .stop_requested = {}};
    for (const StageIndex stage : {on_gpu.baseline, on_gpu.teacher}) REQUIRE(on_gpu.run(*runner, stage).state == StageState::done);
    const std::filesystem::path artefact = on_gpu.artefact("memory", on_gpu.compression);
    for (const int after : {0, 5, 100, 300, 400, 700}) {
        INFO(after);
        steps = 0, allocations = after;
        std::filesystem::remove(artefact);
        const int before = released();
        check_same_outcome(on_gpu.run(*runner, on_gpu.compression, monitor), expected);
        CHECK(released() == before + 2);  // in that step, and after the stage
        check_same_tensors(on_processor.artefact("memory", on_processor.compression), artefact);
    }
    steps = 0, failures = 1000;
    const StageOutcome outcome = on_gpu.run(*runner, on_gpu.compression, monitor);
    CHECK(outcome.state == StageState::failed);
    CHECK(outcome.failure == FailureClass::out_of_memory);
    fails_after(0, 0);
}

TEST_CASE("A network that gives infinities on a GPU is refused as on the processor", "[device]") {
    use_pretended_gpu();
    const Gpu& gpu = own_gpu();
    const torch::Device device(static_cast<torch::DeviceType>(gpu.plugin->device_type), 0);
    for (const bool is_on_gpu : {false, true})
        for (const bool is_of_weights : {false, true}) {
            INFO((is_on_gpu ? "GPU" : "processor") << (is_of_weights ? ", weights" : ", activations"));
            const std::shared_ptr<Network> network = make_network("mobilefacenet-w16-56", 1);
            set_quantisers(*network, Bits{8, 8});
            const std::vector<std::uint8_t> face(56 * 56 * 3, 100);
            const auto read = [&face](std::uint64_t) { return std::span<const std::uint8_t>(face); };
            network->eval();
            static_cast<void>(embed_batch(*network, 0, 2, false, read));  // learns the ranges
            set_observing(*network, false);
            const torch::NoGradGuard no_gradients;
            if (is_of_weights)
                weighted_layers(*network).front().second->weight.view({-1})[0] = std::numeric_limits<float>::infinity();
            else
                for (const auto& [name, buffer] : state_of(*network))
                    if (name.ends_with("running_mean")) torch::Tensor(buffer).fill_(std::numeric_limits<float>::infinity());
            if (is_on_gpu) network->to(device);
            CHECK_THROWS_AS(embed_batch(*network, 0, 2, false, read, is_on_gpu ? device : torch::Device(torch::kCPU)), NonFiniteError);
        }
}

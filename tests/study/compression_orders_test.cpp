// The fine-tune's steps: pruned weights are zero after every optimiser step in every order, pattern and schedule; teachers
// in half precision; teacher-assistant chains.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compress/distillation.hpp"
#include "compress/non_finite_error.hpp"
#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "hand_made_plan.hpp"
#include "study/checkpoint.hpp"
#include "study/embedding.hpp"
#include "study/finetune_steps.hpp"
#include "study/runner.hpp"
#include "study/training.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;

namespace {

constexpr int kSteps = 10;

StageParameters parameters_of(const std::string& pattern, const std::string& schedule, const std::string& order, int bits) {
    StageParameters parameters;
    parameters.kind = StageKind::compression;
    parameters.bits = {bits, bits};
    parameters.sparsity = 0.5;
    parameters.recipe = small_recipe();
    parameters.recipe.finetune_steps = kSteps;
    parameters.recipe.sparsity_pattern = pattern;
    parameters.recipe.sparsity_scope = "layer";
    parameters.recipe.sparsity_schedule = schedule;
    parameters.recipe.order = order;
    return parameters;
}

bool is_quantised(Network& network) { return !activation_ranges(network).empty(); }

std::int64_t masked_weights(Network& network) {
    std::int64_t count = 0;
    for (const auto& [name, layer] : weighted_layers(network))
        if (layer->weight_pruned.defined()) count += layer->weight_pruned.sum().item<std::int64_t>();
    return count;
}

/// What the network was like after every step.
struct Trace {
    std::vector<std::int64_t> masked;
    std::vector<bool> quantised;
};

/// The loop of run_compression on noise.
Trace finetune(Network& network, const StageParameters& parameters) {
    torch::manual_seed(1);
    const torch::Tensor target = torch::randn({8, network.embedding_size()});
    const FinetunePlan plan = plan_finetune(parameters);
    std::optional<Optimiser> optimiser;
    Trace trace;
    network.train();
    for (std::int64_t step = 0; step < plan.steps; ++step) {
        if (prepare_step(network, parameters, plan, step) || !optimiser)
            optimiser.emplace(network, std::vector<torch::Tensor>{}, parameters.recipe, 0.1);
        const torch::Tensor images = torch::randn({8, 3, network.input_size(), network.input_size()});
        CHECK(std::isfinite(optimiser->step(embedding_loss(network.forward(images), target, 128.0))));
        apply_masks(network);
        CHECK(broken_mask_entries(network) == 0);
        trace.masked.push_back(masked_weights(network));
        trace.quantised.push_back(is_quantised(network));
    }
    return trace;
}

}  // namespace

TEST_CASE("Pruned weights are zero after every step in every order, pattern and schedule", "[orders]") {
    for (const char* architecture : {"iresnet10-w16-56", "iresnet10-w16-56-se", "mobilefacenet-w16-56"}) {
        for (const char* order : {"together", "prune-first", "quantise-first"}) {
            for (const char* rule :
                 {"unstructured one-shot", "unstructured cubic", "2:4 one-shot", "channels one-shot", "channels cubic"}) {
                const std::string text = rule, pattern = text.substr(0, text.find(' ')),
                                  schedule = text.substr(text.find(' ') + 1);
                INFO(architecture << ", " << order << ", " << rule);
                const auto network = make_network(architecture, 3);
                const Trace trace = finetune(*network, parameters_of(pattern, schedule, order, 4));
                const std::string word = order;
                for (std::size_t step = 0; step < kSteps; ++step) {
                    INFO("step " << step);
                    CHECK(trace.quantised[step] == (word != "prune-first" || step >= kSteps / 2));
                    if (word == "quantise-first")
                        CHECK((trace.masked[step] > 0) == (step >= kSteps / 2 + (schedule == "cubic" ? 1 : 0)));
                    if (step > 0) CHECK(trace.masked[step] >= trace.masked[step - 1]);
                    // In prune-first the mask is frozen once the network is quantised; in one shot always.
                    const bool frozen = (word == "prune-first" && step > kSteps / 2) ||
                                        (schedule == "one-shot" && word != "quantise-first" && step > 0);
                    if (frozen) CHECK(trace.masked[step] == trace.masked[step - 1]);
                }
                CHECK(trace.masked.back() > 0);
                if (pattern == "unstructured") CHECK(measured_sparsity(*network).share() >= 0.4999);
            }
        }
    }
}

TEST_CASE("A float network is pruned from the start whatever the order", "[orders]") {
    for (const char* order : {"together", "prune-first", "quantise-first"}) {
        const auto network = make_network("mobilefacenet-w16-56", 3);
        const Trace trace = finetune(*network, parameters_of("unstructured", "one-shot", order, 32));
        CHECK(trace.masked.front() == trace.masked.back());
        CHECK(trace.masked.front() > 0);
        CHECK_FALSE(trace.quantised.back());
    }
}

TEST_CASE("Half precision moves a teacher's embedding by less than a two-thousandth of its length", "[teacher]") {
    torch::manual_seed(2);
    for (const double length : {1e-3, 20.0, 1e5}) {  // 1e5 is beyond half precision: units are not
        const torch::Tensor embeddings = torch::randn({500, 128}) * length;
        const torch::Tensor unit = embeddings / embeddings.norm(2, {1}, true);
        const torch::Tensor half = half_units(embeddings);
        CHECK(half.scalar_type() == torch::kHalf);
        // Relative rounding of 11 bits, and the spacing of half precision's smallest numbers.
        const torch::Tensor error = (half.to(torch::kFloat32) - unit).abs();
        CHECK(error.le(unit.abs() * std::ldexp(1.0, -11) + std::ldexp(1.0, -25)).all().item<bool>());
        CHECK((half.to(torch::kFloat32) - unit).norm(2, {1}).max().item<double>() < std::ldexp(1.0, -11));
        CHECK(torch::cosine_similarity(half.to(torch::kFloat32), unit, 1).min().item<double>() > 1.0 - 1e-6);
    }
    CHECK(half_units(torch::zeros({2, 3})).eq(0).all().item<bool>());
    CHECK_THROWS_AS(half_units(torch::full({1, 3}, std::nan(""))), NonFiniteError);
}

TEST_CASE("Every distillation fine-tunes, and a chain's teacher is the compressed network before", "[teacher]") {
    make_small_faces("faces");
    PlanBuilder builder("faces");
    const auto runner = make_stage_runner("artefacts");
    Recipe recipe = small_recipe();
    // Every step sees the whole set, so that losses of different steps compare; a gentle rate, so that six steps go down.
    recipe.finetune_batch_samples = 32;
    recipe.finetune_lr /= 10;
    const StageIndex baseline = builder.baseline("iresnet10-w16-56", 1, recipe);
    const StageIndex teacher = builder.teacher(baseline, "synthetic", recipe);
    for (const StageIndex stage : {baseline, teacher}) REQUIRE(run(*runner, builder.plan, stage).state == StageState::done);
    const auto compress = [&](const std::string& distillation, StageIndex taught_by, int bits) {
        const StageIndex stage =
            builder.compression(baseline, taught_by, "synthetic", {{bits, bits}, 0.0, distillation}, 1, recipe);
        const StageOutcome outcome = run(*runner, builder.plan, stage);
        INFO(distillation << ": " << outcome.message);
        REQUIRE(outcome.state == StageState::done);
        CHECK(outcome.measured[Metric::loss_last] < outcome.measured[Metric::loss_first] * 1.5);
        CHECK(outcome.measured[Metric::teacher_cosine] > 0.3);
        return stage;
    };
    for (const char* distillation : {"embedding", "cosine", "relational"}) (void)compress(distillation, teacher, 8);

    const StageIndex assistant = compress("embedding-chain", teacher, 8);
    const StageIndex second = builder.teacher(assistant, "synthetic", recipe);
    REQUIRE(run(*runner, builder.plan, second).state == StageState::done);
    (void)compress("embedding-chain", second, 6);
    // The second teacher's file holds the assistant's own embeddings.
    const auto file = [&](StageIndex stage, const char* suffix) {
        return SafetensorsFile("artefacts/" + builder.plan.stages[stage].id.hex() + suffix);
    };
    FaceCache faces(open_training_set(builder.plan.data.at("synthetic").source), 56, 1 << 30);
    const auto network = read_network(file(assistant, ".ckpt"));
    const MirroredEmbeddings own = embed_faces(
        *network, faces.size(), true, [&](std::uint64_t i) { return faces.face(i).pixels; }, [](std::uint64_t) { return true; });
    const SafetensorsFile teacher_file = file(second, ".emb");
    const TeacherTargets targets(teacher_file, true, faces.size(), network->embedding_size());
    for (const bool flip : {false, true}) {
        std::vector<Sample> samples;
        for (std::uint32_t image = 0; image < faces.size(); ++image) samples.push_back({image, flip});
        CHECK(torch::equal(targets.of(samples), half_units(flip ? own.mirrored : own.plain).to(torch::kFloat32)));
    }
}

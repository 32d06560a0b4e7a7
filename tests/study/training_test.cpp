// Training steps against Python's PyTorch (golden/make_training_steps.py), and the sham arm against a fine-tune written
// out with nothing of the compress room but its loss.
#include "study/training.hpp"

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "compress/distillation.hpp"
#include "compress/non_finite_error.hpp"
#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "hand_made_plan.hpp"
#include "model/margin_head.hpp"
#include "study/checkpoint.hpp"
#include "study/embedding.hpp"
#include "study/runner.hpp"
#include "study/tensors.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;

namespace {

constexpr std::int64_t kBatch = 6, kSide = 6, kWidth = 8, kDimensions = 5, kClasses = 4;

torch::Tensor wave(std::vector<std::int64_t> shape, double phase, double scale, double offset = 0.0) {
    torch::Tensor tensor = torch::empty(shape);
    for (std::int64_t i = 0; i < tensor.numel(); ++i)
        tensor.data_ptr<float>()[i] = static_cast<float>(offset + scale * std::sin(0.37 * static_cast<double>(i) + phase));
    return tensor;
}

/// The network of the Python script, from the model room's layers.
struct TinyNetwork : torch::nn::Module {
    TinyNetwork()
        : conv(register_module("conv", std::make_shared<Convolution>(ConvolutionShape{
                                           .in = 3, .out = kWidth, .kernel = 3, .stride = 1, .padding = 1, .groups = 1}))),
          bn(register_module("bn", torch::nn::BatchNorm2d(kWidth))),
          prelu(register_module("prelu", std::make_shared<PRelu>(kWidth))),
          fc(register_module("fc", std::make_shared<Linear>(kWidth * kSide * kSide, kDimensions, true))),
          features(register_module("features", torch::nn::BatchNorm1d(kDimensions))) {
        const torch::NoGradGuard no_gradients;
        conv->weight.copy_(wave(conv->weight.sizes().vec(), 1.0, 0.3));
        prelu->weight.copy_(wave({kWidth}, 2.0, 0.1, 0.25));
        fc->weight.copy_(wave(fc->weight.sizes().vec(), 3.0, 0.2));
        fc->bias.copy_(wave({kDimensions}, 4.0, 0.1));
    }
    torch::Tensor forward(const torch::Tensor& x) {
        return features(fc->forward(prelu->forward(bn(conv->forward(x))).flatten(1)));
    }

    std::shared_ptr<Convolution> conv;
    torch::nn::BatchNorm2d bn;
    std::shared_ptr<PRelu> prelu;
    std::shared_ptr<Linear> fc;
    torch::nn::BatchNorm1d features;
};

torch::Tensor images(std::int64_t step) { return wave({kBatch, 3, kSide, kSide}, 5.0 + static_cast<double>(step), 1.0); }

/// name -> numbers, as the script printed them
std::map<std::string, std::vector<double>> golden() {
    std::ifstream file(std::string(FAIRSWEEP_SOURCE_DIR) + "/tests/study/golden/training_steps.txt");
    std::map<std::string, std::vector<double>> values;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name;
        words >> name;
        for (double value = 0.0; words >> value;) values[name].push_back(value);
    }
    return values;
}

/// Largest difference, relative to the largest stored number: float32 sums in another order differ by some 1e-6.
double difference(const std::vector<double>& expected, const torch::Tensor& found) {
    REQUIRE(static_cast<std::int64_t>(expected.size()) == found.numel());
    const torch::Tensor values = found.detach().to(torch::kDouble).contiguous().flatten();
    double worst = 0.0, largest = 1e-3;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        worst = std::max(worst, std::abs(expected[i] - values.const_data_ptr<double>()[i]));
        largest = std::max(largest, std::abs(expected[i]));
    }
    return worst / largest;
}

void check_state(const std::map<std::string, std::vector<double>>& expected, const std::string& prefix,
                 const TinyNetwork& network) {
    int compared = 0;
    for (const auto& [name, tensor] : state_of(network)) {
        const auto found = expected.find(prefix + "." + name);
        if (found == expected.end()) continue;
        INFO(found->first);
        CHECK(difference(found->second, tensor) < 2e-4);
        ++compared;
    }
    CHECK(compared == 9);
}

Recipe recipe_with(double clip_norm) {
    Recipe recipe;
    recipe.baseline_schedule = "cosine";
    recipe.baseline_lr = 0.1;
    recipe.baseline_lr_warmup_fraction = 0.25;
    recipe.margin_rad = 0.3;
    recipe.margin_warmup_fraction = 0.5;
    recipe.clip_norm = clip_norm;
    return recipe;
}

}  // namespace

TEST_CASE("ArcFace steps give Python's losses, gradients and weights", "[training]") {
    const auto expected = golden();
    const Recipe recipe = recipe_with(0.5);
    TinyNetwork network;
    MarginHead head(kDimensions, kClasses, {.scale = 16.0}, 1);
    {
        const torch::NoGradGuard no_gradients;
        head.kernel.copy_(wave({kDimensions, kClasses}, 6.0, 0.5));
    }
    const torch::Tensor labels = torch::arange(kBatch) % kClasses;
    Optimiser optimiser(network, head.parameters(), recipe, recipe.baseline_lr);
    for (std::int64_t step = 0; step < 4; ++step) {
        optimiser.set_learning_rate(baseline_learning_rate(recipe, step, 4));
        const torch::Tensor logits =
            head.forward(network.forward(images(step)), labels, recipe.margin_rad * margin_share(recipe, step, 4));
        const torch::Tensor loss = torch::cross_entropy_loss(logits, labels);
        if (step == 0) {
            const auto gradients = torch::autograd::grad({loss}, {network.conv->weight, head.kernel}, {}, /*retain_graph=*/true);
            CHECK(difference(expected.at("arcface.gradient.conv.weight"), gradients[0]) < 1e-5);
            CHECK(difference(expected.at("arcface.gradient.kernel"), gradients[1]) < 1e-5);
        }
        INFO("step " << step);
        CHECK(optimiser.step(loss) == Approx(expected.at("arcface.losses")[static_cast<std::size_t>(step)]).epsilon(1e-4));
    }
    CHECK(difference(expected.at("arcface.kernel"), head.kernel) < 2e-4);
    check_state(expected, "arcface", network);
}

TEST_CASE("Distillation steps give Python's losses and weights", "[training]") {
    const auto expected = golden();
    TinyNetwork network;
    Optimiser optimiser(network, {}, recipe_with(5.0), 0.1);
    for (std::int64_t step = 0; step < 3; ++step) {
        const torch::Tensor target = wave({kBatch, kDimensions}, 7.0 + static_cast<double>(step), 2.0);
        const double loss = optimiser.step(embedding_loss(network.forward(images(step)), target, 8.0));
        CHECK(loss == Approx(expected.at("distillation.losses")[static_cast<std::size_t>(step)]).epsilon(1e-4));
    }
    check_state(expected, "distillation", network);
}

TEST_CASE("A loss that is not finite changes nothing", "[training]") {
    TinyNetwork network;
    Optimiser optimiser(network, {}, recipe_with(5.0), 0.1);
    const torch::Tensor before = network.conv->weight.detach().clone();
    CHECK_FALSE(std::isfinite(optimiser.step(network.forward(images(0)).sum() * std::nan(""))));
    CHECK(torch::equal(before, network.conv->weight));
}

TEST_CASE("Pruned weights are zero after every step", "[training]") {
    const auto network = make_network("mobilefacenet-w16-56", 3);
    prune_by_magnitude(*network, 0.6);
    network->train();
    Optimiser optimiser(*network, {}, recipe_with(5.0), 0.1);
    for (std::int64_t step = 0; step < 3; ++step) {
        const torch::Tensor embeddings = network->forward(wave({4, 3, 56, 56}, static_cast<double>(step), 1.0));
        CHECK(std::isfinite(optimiser.step(embedding_loss(embeddings, wave({4, network->embedding_size()}, 1.0, 1.0), 64.0))));
        apply_masks(*network);
        CHECK(broken_mask_entries(*network) == 0);
        CHECK(measured_sparsity(*network).share() == Approx(0.6).margin(1e-3));
    }
}

namespace {

/// The sham arm's checkpoint against a fine-tune written out here; BatchNorm's statistics fixed after `live_steps` steps.
void check_sham(const Recipe& recipe, std::int64_t live_steps) {
    INFO(recipe.preset << ", BatchNorm live for " << live_steps << " steps");
    make_small_faces("faces");
    PlanBuilder builder("faces");
    const auto runner = make_stage_runner("artefacts");
    const StageIndex baseline = builder.baseline("iresnet10-w16-56", 1, recipe);
    const StageIndex teacher = builder.teacher(baseline, "synthetic", recipe);
    const StageIndex sham = builder.compression(baseline, teacher, "synthetic", {{32, 32}, 0.0}, 1, recipe);
    for (const StageIndex stage : {baseline, teacher, sham}) REQUIRE(run(*runner, builder.plan, stage).state == StageState::done);
    const auto file = [&](StageIndex stage, const char* suffix) {
        return SafetensorsFile("artefacts/" + builder.plan.stages[stage].id.hex() + suffix);
    };

    const PlannedData& data = builder.plan.data.at("synthetic");
    FaceCache faces(open_training_set(data.source), 56, 1 << 30);
    const auto network = build_network("iresnet10-w16-56");
    NamedTensors state;
    const SafetensorsFile start = file(baseline, ".ckpt");
    for (const auto& [name, tensor] : state_of(*network)) state.emplace_back(name, read_tensor(start, start.tensors().at(name)));
    load_state(*network, state);
    network->train();
    const SafetensorsFile teacher_file = file(teacher, ".emb");
    const TeacherTargets targets(teacher_file, true, faces.size(), network->embedding_size());
    DataOrder order({1, data.id.prefix()}, faces.size(), recipe.finetune_batch_samples, true);
    Optimiser optimiser(*network, {}, recipe, recipe.finetune_lr);
    for (std::int64_t step = 0; step < recipe.finetune_steps; ++step) {
        const std::vector<Sample> samples = order.batch(step);
        if (step == live_steps)
            for (const auto& module : network->modules(false))
                if (module->name().find("BatchNorm") != std::string::npos) module->eval();
        const torch::Tensor embeddings = network->forward(make_batch(faces, samples).images);
        (void)optimiser.step(embedding_loss(embeddings, targets.of(samples), recipe.embedding_loss_scale));
    }
    const SafetensorsFile end = file(sham, ".ckpt");
    CHECK(end.tensors().size() == start.tensors().size());
    for (const auto& [name, tensor] : state_of(*network)) {
        INFO(name);
        CHECK(torch::equal(read_tensor(end, end.tensors().at(name)), tensor));
    }
}

}  // namespace

TEST_CASE("The sham arm is the plain fine-tune bit for bit, under both presets", "[training]") {
    Recipe recipe = small_recipe();
    check_sham(recipe, recipe.finetune_steps);
    recipe.preset = "modern";
    check_sham(recipe, 2);  // a third of six
    recipe.batch_norm = "live";
    check_sham(recipe, recipe.finetune_steps);
}

namespace {

void check_wide_arm(const std::string& preset) {
    INFO(preset);
    make_small_faces("faces");
    PlanBuilder builder("faces");
    const auto runner = make_stage_runner("artefacts");
    Recipe recipe = small_recipe();
    recipe.baseline_epochs = 20;
    recipe.preset = preset;
    // Under "modern": a moving average clips on purpose, at any width; minima and maxima do not.
    recipe.activation_range = "minmax";
    for (const char* architecture : {"iresnet10-w16-56", "mobilefacenet-w16-56"}) {
        INFO(architecture);
        const bool is_loose = preset == "modern" && std::string(architecture).starts_with("mobilefacenet");
        if (is_loose) recipe.finetune_lr /= 10;
        const StageIndex prepare = builder.prepare(56);
        const StageIndex baseline = builder.baseline(architecture, 1, recipe);
        const StageIndex teacher = builder.teacher(baseline, "train", recipe);
        for (const StageIndex stage : {prepare, baseline, teacher})
            REQUIRE(run(*runner, builder.plan, stage).state == StageState::done);
        std::vector<StageOutcome> outcomes;
        std::vector<torch::Tensor> embeddings;
        for (const int bits : {32, 16}) {
            const StageIndex arm = builder.compression(baseline, teacher, "train", {{bits, bits}, 0.0}, 1, recipe);
            REQUIRE(run(*runner, builder.plan, arm).state == StageState::done);
            outcomes.push_back(run(*runner, builder.plan, builder.evaluation(arm, prepare, recipe)));
            const SafetensorsFile file("artefacts/" + builder.plan.stages[arm].id.hex() + ".ckpt");
            FaceCache faces(open_training_set(builder.plan.data.at("train").source), 56, 1 << 30);
            embeddings.push_back(embed_faces(
                                     *read_network(file), faces.size(), false,
                                     [&](std::uint64_t i) { return faces.face(i).pixels; }, [](std::uint64_t) { return true; })
                                     .plain);
        }
        // MobileFaceNet under "modern": a batch is quantised with the range of earlier ones, so that new extremes are clipped,
        // and six steps with BatchNorm frozen amplify that. At the full rate the cosine was 0.83, 0.90 and 0.99 in three orders
        // of the batches, so the rate is a tenth here.
        CHECK(torch::cosine_similarity(embeddings[0], embeddings[1], 1).mean().item<double>() >= (is_loose ? 0.97 : 0.9999));
        std::vector<int> differing(2, 0);
        for (std::size_t i = 0; i < outcomes[0].scores.size(); ++i)
            if ((static_cast<double>(outcomes[0].scores[i]) >= outcomes[0].measured[Metric::pooled_threshold]) !=
                (static_cast<double>(outcomes[1].scores[i]) >= outcomes[0].measured[Metric::pooled_threshold]))
                ++differing[i < 60 ? 0 : 1];
        CHECK(differing[0] <= (is_loose ? 4 : 1));
        CHECK(differing[1] <= (is_loose ? 4 : 1));
    }
}

}  // namespace

TEST_CASE("16 bits fine-tune to next to the sham arm", "[training]") { check_wide_arm("quantface"); }
TEST_CASE("16 bits fine-tune to next to the sham arm under preset modern", "[training]") { check_wide_arm("modern"); }

TEST_CASE("A checkpoint gives back the network, compression included", "[checkpoint]") {
    const torch::NoGradGuard no_gradients;
    for (const char* architecture : {"iresnet10-w16-56", "mobilefacenet-w16-56"}) {
        const auto network = make_network(architecture, 5);
        prune_by_magnitude(*network, 0.4);
        const bool is_modern = std::string(architecture) == "iresnet10-w16-56";
        QuantiserSettings settings;
        settings.preset = is_modern ? Preset::modern : Preset::quantface;
        settings.activation_range = RangeRule::learned;
        set_quantisers(*network, {4, 8}, settings);
        calibrate_weights(*network);
        network->train();
        (void)network->forward(wave({8, 3, 56, 56}, 1.0, 1.0));  // widens ranges, moves BatchNorm's buffers
        update_ranges(*network);
        set_observing(*network, false);
        network->eval();
        (void)write_checkpoint("n.ckpt", *network, {architecture, {4, 8}, 0.4, settings}, {{"kind", "network"}});
        const SafetensorsFile file("n.ckpt");
        CHECK((description_of(file).quantiser.preset == settings.preset));
        CHECK(file.tensors().contains("conv1.weight_quantiser.log_step") == is_modern);
        const auto again = read_network(file);
        const torch::Tensor x = wave({3, 3, 56, 56}, 2.0, 1.0);
        CHECK(torch::equal(network->forward(x), again->forward(x)));
        CHECK(measured_sparsity(*again).share() >= 0.3999);
        CHECK(broken_mask_entries(*again) == 0);
    }
}

TEST_CASE("Scores are cosines of flip-summed embeddings in double precision", "[evaluation]") {
    const MirroredEmbeddings embeddings{torch::tensor({{3.0F, 0.0F}, {0.0F, 1.0F}, {1.0F, 1.0F}}),
                                        torch::tensor({{1.0F, 0.0F}, {0.0F, 9.0F}, {-3.0F, 1.0F}})};
    const std::vector<std::uint32_t> a{0, 0, 1, 2}, b{1, 2, 2, 2};
    const std::vector<float> scores = cosine_scores(embeddings, a, b);
    CHECK(scores[0] == 0.0F);
    CHECK(scores[1] == static_cast<float>(-1.0 / std::sqrt(2.0)));
    CHECK(scores[2] == static_cast<float>(1.0 / std::sqrt(2.0)));
    CHECK(scores[3] == 1.0F);
    const MirroredEmbeddings broken{torch::tensor({{std::nanf(""), 0.0F}}), {}};
    const MirroredEmbeddings cancelled{torch::tensor({{1.0F, 2.0F}}), torch::tensor({{-1.0F, -2.0F}})};  // no direction
    const std::vector<std::uint32_t> first{0};
    CHECK_THROWS_AS(cosine_scores(broken, first, first), NonFiniteError);
    CHECK_THROWS_AS(cosine_scores(cancelled, first, first), NonFiniteError);
}

TEST_CASE("A batch holds pixels in [-1, 1], mirrored where asked", "[batch]") {
    const std::vector<std::uint8_t> face{0, 51, 255, 10, 20, 30, 1, 2, 3, 4, 5, 6};  // two rows of two pixels
    ImageBatch batch(2, 2);
    batch.set(0, face, false);
    batch.set(1, face, true);
    const torch::Tensor x = batch.tensor();
    CHECK(x.is_contiguous(torch::MemoryFormat::ChannelsLast));
    CHECK(x[0][0][0][0].item<float>() == -1.0F);
    CHECK(x[0][2][0][0].item<float>() == 1.0F);
    CHECK(x[0][1][0][0].item<float>() == Approx(51 / 127.5 - 1.0));
    CHECK(torch::equal(x[1], x[0].flip({2})));
}

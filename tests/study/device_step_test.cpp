// A training step asks the device for nothing. Torch's meta device has shapes and no values: every read of a value on the host throws
// there. (So does some use of a tensor that was left on the processor, but not all.) Our own operations are a table that does nothing.
#include <ATen/ExpandUtils.h>
#include <torch/library.h>
#include <torch/torch.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compress/distillation.hpp"
#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "device/device_ops.hpp"
#include "model/margin_head.hpp"
#include "model/network.hpp"
#include "study/tensors.hpp"
#include "study/training.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

using T = const torch::Tensor&;

const DeviceOps kNoOperations{.name = "meta",
                              .observe = [](T, T, T) {},
                              .widen = [](T, T, T) {},
                              .quantise_scaled = [](T, T, T, int, T) {},
                              .quantise_stepped = [](T, T, T, const GridTensors&, T, T) {},
                              .masked_gradient = [](T, T, T) {},
                              .learned_gradient = [](T, T, T, const GridTensors&, T) {},
                              .update_ranges = [](std::span<const RangeUpdate>) {},
                              .quantise_weights = [](std::span<const WeightJob>, T) {},
                              .prelu_forward = [](T, T, T) {},
                              .prelu_backward = [](T, T, T, T, T) {},
                              .images = [](T, T, T) {}};

// Torch has these for the meta device in Python alone.
using Optional = const std::optional<torch::Tensor>&;
using Sizes = c10::SymIntArrayRef;

torch::Tensor convolution(T x, T weight, Optional, Sizes stride, Sizes padding, Sizes, bool, Sizes, c10::SymInt) {
    std::vector<std::int64_t> shape{x.size(0), weight.size(0)};
    for (std::int64_t i = 2; i < x.dim(); ++i) {
        const auto side = static_cast<std::size_t>(i - 2);
        shape.push_back((x.size(i) + 2 * padding[side].expect_int() - weight.size(i)) / stride[side].expect_int() + 1);
    }
    return torch::empty(shape, x.options().memory_format(torch::MemoryFormat::ChannelsLast));
}
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> convolution_gradients(T, T x, T weight, Sizes, Sizes, Sizes, bool, Sizes,
                                                                               c10::SymInt, std::array<bool, 3> wanted) {
    return {wanted[0] ? torch::empty_like(x) : torch::Tensor(), wanted[1] ? torch::empty_like(weight) : torch::Tensor(), {}};
}
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> normalisation(T x, Optional, Optional, Optional, Optional, bool, double, double) {
    const torch::Tensor statistics = torch::empty({x.size(1)}, x.options().dtype(torch::kFloat));
    return {torch::empty_like(x), statistics, torch::empty_like(statistics)};
}
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> normalisation_gradients(T, T x, Optional weight, Optional, Optional, Optional,
                                                                                 Optional, bool, double, std::array<bool, 3> wanted) {
    const bool has_weight = weight && weight->defined();
    const auto of_weight = [&](bool is_wanted) { return is_wanted && has_weight ? torch::empty_like(*weight) : torch::Tensor(); };
    return {wanted[0] ? torch::empty_like(x) : torch::Tensor(), of_weight(wanted[1]), of_weight(wanted[2])};
}

torch::Tensor choice(T condition, T a, T b) {
    return torch::empty(at::infer_size(condition.sizes(), at::infer_size(a.sizes(), b.sizes())), a.options());
}

torch::Tensor squares_gradient(T, T x, T, std::int64_t) { return torch::empty_like(x); }

torch::Tensor& both(T a, T b, torch::Tensor& out) {
    out.resize_(at::infer_size(a.sizes(), b.sizes()));
    return out;
}

TORCH_LIBRARY_IMPL(aten, Meta, library) {
    library.impl("logical_and.out", both);
    library.impl("mse_loss_backward", squares_gradient);
    library.impl("where.self", choice);
    library.impl("convolution_overrideable", convolution);
    library.impl("convolution_backward_overrideable", convolution_gradients);
    library.impl("native_batch_norm", normalisation);
    library.impl("native_batch_norm_backward", normalisation_gradients);
}

constexpr int kImages = 4, kClasses = 10;

/// One step of a compression and, with the same network, of a baseline.
void step(Network& network, Optimiser& optimiser, MarginHead& head, torch::Device device) {
    ImageBatch batch(kImages, network.input_size(), device);
    const torch::Tensor images = batch.tensor();
    network.set_dropout(0.4, 7);
    const torch::Tensor outputs = network.forward(images);
    const torch::Tensor teacher = torch::ones({kImages, network.embedding_size()}, device);
    const torch::Tensor labels = torch::zeros({kImages}, torch::TensorOptions(device).dtype(torch::kLong));
    const torch::Tensor logits = head.forward(outputs, labels, draw_margins(kImages, 0.5, 0.1, 1.0, 1, 2, 3));
    (embedding_loss(outputs, teacher, 1.0) + torch::cross_entropy_loss(logits, labels)).backward();
    optimiser.apply();
    update_ranges(network);
    apply_masks(network);
    for (const torch::Tensor& tensor : optimiser.trained()) tensor.mutable_grad() = torch::Tensor();
}

/// Module::to() refuses this device. The tensors that layers hold are those that the module has.
void move_to_meta(torch::nn::Module& module) {
    const torch::NoGradGuard no_gradients;
    std::vector<torch::Tensor> all = module.parameters();
    for (const torch::Tensor& buffer : module.buffers()) all.push_back(buffer);
    for (const torch::Tensor& tensor : all)
        tensor.unsafeGetTensorImpl()->shallow_copy_from(tensor.detach().to(torch::kMeta).getIntrusivePtr());
}

QuantiserSettings settings(Preset preset, RangeRule weights, RangeRule activations) {
    QuantiserSettings all;
    all.preset = preset;
    all.weight_range = weights;
    all.activation_range = activations;
    return all;
}

void check_without_reads(const std::string& architecture, const QuantiserSettings& quantisers, Precision precision) {
    INFO(architecture << ", " << text_of(quantisers) << (precision == Precision::bf16 ? ", bf16" : ""));
    Recipe recipe;
    recipe.clip_norm = 5.0;
    const std::shared_ptr<Network> network = make_network(architecture, 1);
    network->train();
    set_precision(*network, precision);
    prune_by_magnitude(*network, 0.5);
    set_quantisers(*network, Bits{4, 4}, quantisers);
    calibrate_weights(*network);
    MarginHead head(network->embedding_size(), kClasses, {}, 1);
    {
        // Ranges are learnt on the processor; the first step of a device has to ask whether they are.
        Optimiser optimiser(*network, head.parameters(), recipe, 0.01);
        for (int i = 0; i < 2; ++i) step(*network, optimiser, head, torch::kCPU);
    }
    move_to_meta(*network);
    move_to_meta(head);
    Optimiser optimiser(*network, head.parameters(), recipe, 0.01);
    for (int i = 0; i < 2; ++i) CHECK_NOTHROW(step(*network, optimiser, head, torch::kMeta));
}

}  // namespace

TEST_CASE("The meta device notices a read on the host") {
    const torch::Tensor there = torch::ones({2}, torch::kMeta);
    CHECK_THROWS(there.sum().item<float>());
    CHECK_THROWS(there.cpu());
}

TEST_CASE("A training step reads nothing from its device") {
    install_ops(torch::kMeta, kNoOperations);
    for (const char* architecture : {"iresnet10-w16-56", "mobilefacenet-w16-56"})
        for (const Precision precision : {Precision::fp32, Precision::bf16}) {
            check_without_reads(architecture, settings(Preset::quantface, RangeRule::minmax, RangeRule::minmax), precision);
            check_without_reads(architecture, settings(Preset::modern, RangeRule::minmax, RangeRule::moving_average), precision);
            check_without_reads(architecture, settings(Preset::modern, RangeRule::mse, RangeRule::minmax), precision);
            check_without_reads(architecture, settings(Preset::modern, RangeRule::learned, RangeRule::learned), precision);
        }
}

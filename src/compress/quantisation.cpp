#include "compress/quantisation.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <span>
#include <utility>

#include "compress/fake_quant_kernel.hpp"
#include "fairsweep/check.hpp"

namespace fairsweep {

NonFiniteError::NonFiniteError(const std::string& layer, const std::string& what)
    : Error(ErrorKind::internal, {.attempted = "quantise the " + what,
                                  .where = layer,
                                  .found = "NaN or infinity",
                                  .expected = "finite values",
                                  .hint = "training diverged: a lower learning rate or more bits may help"}) {}

namespace {

constexpr int kFloatBits = 32, kFewestBits = 2, kMostBits = 16;
constexpr std::int64_t kGrain = 1 << 16;  // values per thread below which threads do not pay

/// Same values, in memory without gaps; the order in memory does not matter to a per-tensor quantiser.
torch::Tensor dense(const torch::Tensor& x) { return x.is_non_overlapping_and_dense() ? x : x.contiguous(); }

std::span<const float> values_of(const torch::Tensor& x, std::int64_t begin, std::int64_t end) {
    return {x.const_data_ptr<float>() + begin, static_cast<std::size_t>(end - begin)};
}

ValueRange range_of_tensor(const torch::Tensor& x) {
    ValueRange total{.min = x.const_data_ptr<float>()[0], .max = x.const_data_ptr<float>()[0], .is_finite = true};
    std::mutex mutex;
    at::parallel_for(0, x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
        const ValueRange part = range_of(values_of(x, begin, end));
        const std::lock_guard lock(mutex);
        total = {std::min(total.min, part.min), std::max(total.max, part.max), total.is_finite && part.is_finite};
    });
    return total;
}

/// In place: a fresh tensor for each activation costs more than the arithmetic.
void quantise_in_place(const torch::Tensor& x, const QuantiserScale& scale, const std::string& layer) {
    float* const target = x.data_ptr<float>();
    std::atomic<bool> is_finite{true};
    at::parallel_for(0, x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
        if (!fake_quantise(values_of(x, begin, end), target + begin, scale)) is_finite = false;
    });
    if (!is_finite) throw NonFiniteError(layer, "activation");
}

QuantiserScale scale_of(std::span<const float> values, int bits, const std::string& layer) {
    const ValueRange range = range_of(values);
    if (!range.is_finite) throw NonFiniteError(layer, "weight");
    return quantiser_scale(range.min, range.max, bits);
}

/// `rows` ranges, one per slice of the first dimension (1: one range for the whole tensor).
torch::Tensor quantise_rows(const torch::Tensor& weight, std::int64_t rows, int bits, const std::string& layer) {
    // A dense layout in which the first dimension is outermost (plain or channels-last) holds each row in one piece.
    const bool rows_whole = weight.is_contiguous() || weight.is_contiguous(torch::MemoryFormat::ChannelsLast);
    const torch::Tensor source = rows_whole ? weight : weight.contiguous();
    torch::Tensor out = torch::empty_like(source);
    float* const target = out.data_ptr<float>();
    const std::int64_t row_size = source.numel() / rows;
    for (std::int64_t row = 0; row < rows; ++row) {
        const auto values = values_of(source, row * row_size, (row + 1) * row_size);
        if (!fake_quantise(values, target + row * row_size, scale_of(values, bits, layer))) throw NonFiniteError(layer, "weight");
    }
    return out;
}

/// Quantised forward, gradient passed on unchanged, also outside the range.
struct QuantiseActivation : torch::autograd::Function<QuantiseActivation> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, const QuantiserScale& scale,
                                 const std::string& layer) {
        quantise_in_place(x, scale, layer);
        context->mark_dirty({x});
        return x;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                   const torch::autograd::variable_list& gradients) {
        return {gradients[0], {}, {}};
    }
};

struct QuantiseWeight : torch::autograd::Function<QuantiseWeight> {
    static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& weight, std::int64_t rows, int bits,
                                 const std::string& layer) {
        return quantise_rows(weight, rows, bits, layer);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                   const torch::autograd::variable_list& gradients) {
        return {gradients[0], {}, {}, {}};
    }
};

/// What set_bits() puts on a layer; a named type, so that weight_quantiser() can ask it.
struct QuantisedWeight {
    torch::Tensor operator()(const torch::Tensor& master) const { return QuantiseWeight::apply(master, rows, bits, layer); }
    std::int64_t rows;
    int bits;
    std::string layer;
};

struct ActivationQuantiser : ActivationTransform {
    ActivationQuantiser(std::string layer_name, int width)
        : layer(std::move(layer_name)),
          bits(width),
          x_min(register_buffer("x_min", torch::zeros({1}))),
          x_max(register_buffer("x_max", torch::zeros({1}))) {}

    torch::Tensor forward(torch::Tensor x) override {
        x = dense(x);
        if (observing) {
            widen(range_of_tensor(x));
        } else if (!is_calibrated()) {
            refuse_uncalibrated();
        }
        const QuantiserScale scale = quantiser_scale(low(), high(), bits);
        if (torch::GradMode::is_enabled() && x.requires_grad()) return QuantiseActivation::apply(x, scale, layer);
        quantise_in_place(x, scale, layer);
        return x;
    }

    float& low() { return *x_min.data_ptr<float>(); }
    float& high() { return *x_max.data_ptr<float>(); }

    std::string layer;
    int bits;
    torch::Tensor x_min, x_max;  // [1]
    bool observing = true;

    [[nodiscard]] bool is_calibrated() { return low() != 0.0F || high() != 0.0F; }

    [[noreturn]] void refuse_uncalibrated() const {
        throw Error(ErrorKind::internal, {.attempted = "quantise an activation with a frozen range",
                                          .where = layer,
                                          .found = "the range (0, 0): it was never calibrated",
                                          .expected = "at least one forward pass with observing on",
                                          .hint = "set_observing(network, true) before the first step"});
    }

private:
    void widen(const ValueRange& batch) {
        if (!batch.is_finite) throw NonFiniteError(layer, "activation");
        // As the reference updates it: the stored value may miss the true minimum by its last bit.
        low() += -low() + std::min(low(), batch.min);
        high() += -high() + std::max(high(), batch.max);
    }
};

std::vector<std::pair<std::string, ActivationQuantiser*>> quantisers(torch::nn::Module& network) {
    std::vector<std::pair<std::string, ActivationQuantiser*>> found;
    for (const auto& [name, point] : activation_points(network))
        if (auto* quantiser = dynamic_cast<ActivationQuantiser*>(point->attached().get())) found.emplace_back(name, quantiser);
    return found;
}

void check_bits(int bits, const std::string& which) {
    if (bits == kFloatBits || (bits >= kFewestBits && bits <= kMostBits)) return;
    throw_usage({.attempted = "quantise a network",
                 .where = which,
                 .found = std::to_string(bits) + " bits",
                 .expected = "2 ... 16, or 32 for float",
                 .hint = {}});
}

}  // namespace

void set_bits(torch::nn::Module& network, Bits bits) {
    check_bits(bits.weight, "weight width");
    check_bits(bits.activation, "activation width");
    for (const auto& [name, layer] : weighted_layers(network)) {
        const bool is_prelu = layer->kind == WeightedLayer::Kind::prelu;
        const int width = is_prelu ? bits.activation : bits.weight;
        if (width == kFloatBits) {
            layer->weight_transform = nullptr;
            continue;
        }
        const std::int64_t rows = is_prelu ? 1 : layer->weight.size(0);
        layer->weight_transform = QuantisedWeight{rows, width, name};
    }
    for (const auto& [name, point] : activation_points(network))
        point->attach(bits.activation == kFloatBits ? nullptr : std::make_shared<ActivationQuantiser>(name, bits.activation));
}

void set_observing(torch::nn::Module& network, bool observing) {
    for (const auto& [name, quantiser] : quantisers(network)) quantiser->observing = observing;
}

std::vector<ActivationRange> activation_ranges(torch::nn::Module& network) {
    std::vector<ActivationRange> ranges;
    for (const auto& [name, quantiser] : quantisers(network)) ranges.push_back({name, quantiser->low(), quantiser->high()});
    return ranges;
}

void set_activation_ranges(torch::nn::Module& network, const std::vector<ActivationRange>& ranges) {
    const auto found = quantisers(network);
    FAIRSWEEP_CHECK(found.size() == ranges.size(), "one range for each activation quantiser");
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        FAIRSWEEP_CHECK(found[i].first == ranges[i].name, "ranges in the order of activation_ranges()");
        found[i].second->low() = ranges[i].x_min;
        found[i].second->high() = ranges[i].x_max;
    }
}

std::optional<QuantiserDescription> weight_quantiser(const WeightedLayer& layer) {
    if (!layer.weight_transform) return std::nullopt;
    const QuantisedWeight* const transform = layer.weight_transform.target<QuantisedWeight>();
    FAIRSWEEP_CHECK(transform != nullptr, "a weight transform that set_bits() did not install");
    const torch::Tensor weight = layer.weight.detach().contiguous();
    const std::int64_t row_size = weight.numel() / transform->rows;
    QuantiserDescription description{.bits = transform->bits, .per_channel = transform->rows != 1, .ranges = {}};
    for (std::int64_t row = 0; row < transform->rows; ++row)
        description.ranges.push_back(
            scale_of(values_of(weight, row * row_size, (row + 1) * row_size), transform->bits, transform->layer));
    return description;
}

std::optional<QuantiserDescription> activation_quantiser(const ActivationPoint& point) {
    if (!point.attached()) return std::nullopt;
    auto* const quantiser = dynamic_cast<ActivationQuantiser*>(point.attached().get());
    FAIRSWEEP_CHECK(quantiser != nullptr, "an activation transform that set_bits() did not attach");
    if (!quantiser->is_calibrated()) quantiser->refuse_uncalibrated();
    return QuantiserDescription{.bits = quantiser->bits,
                                .per_channel = false,
                                .ranges = {quantiser_scale(quantiser->low(), quantiser->high(), quantiser->bits)}};
}

}  // namespace fairsweep

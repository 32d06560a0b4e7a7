#include "compress/activation_quantisers.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "compress/non_finite_error.hpp"
#include "compress/range_search.hpp"
#include "compress/tensor_kernels.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kPercentileSample = 1U << 20U;  // values that quantiles are taken of
constexpr std::size_t kLeastErrorSample = 1U << 16U;  // values that 81 ranges are tried on

/// Same values, in memory without gaps; the order in memory does not matter to a per-tensor quantiser.
torch::Tensor dense(const torch::Tensor& x) { return x.is_non_overlapping_and_dense() ? x : x.contiguous(); }

std::span<const float> values_of(const torch::Tensor& x) {
    return {x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

/// The gradient in the memory layout that the activation had.
torch::Tensor laid_out(const torch::Tensor& gradient, const std::vector<std::int64_t>& strides) {
    if (gradient.strides().vec() == strides) return gradient;
    return torch::empty_strided(gradient.sizes(), strides, gradient.options()).copy_(gradient);
}

/// Quantised forward, gradient passed on unchanged, also outside the range.
struct PassActivation : torch::autograd::Function<PassActivation> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, const QuantiserScale& scale,
                                 const std::string& layer) {
        if (!quantise_in_place(x, scale)) throw NonFiniteError(layer, "activation");
        context->mark_dirty({x});
        return x;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                   const torch::autograd::variable_list& gradients) {
        return {gradients[0], {}, {}};
    }
};

/// Quantised in place; the gradient passes where the code lay inside.
struct MaskActivation : torch::autograd::Function<MaskActivation> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, const StepGrid& grid,
                                 ValueRange* range) {
        const torch::Tensor kept =
            torch::empty({static_cast<std::int64_t>(mask_words(static_cast<std::size_t>(x.numel())))}, torch::kShort);
        *range = quantise_into(x, x, kept, grid);
        context->saved_data["kept"] = kept;
        context->saved_data["strides"] = x.strides().vec();
        context->mark_dirty({x});
        return x;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const torch::Tensor gradient = laid_out(gradients[0], context->saved_data["strides"].toIntVector());
        const torch::Tensor kept = context->saved_data["kept"].toTensor(), out = torch::empty_like(gradient);
        masked_gradient_into(gradient, kept, out);
        return {out, {}, {}};
    }
};

/// The step is trained. Its gradient's factor counts the values of the whole tensor, batch included, as torch's and MQBench's
/// implementations do.
struct LearnActivation : torch::autograd::Function<LearnActivation> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, const torch::Tensor&,
                                 const StepGrid& grid, int bits, ValueRange* range) {
        const torch::Tensor out = torch::empty_like(x);
        *range = quantise_into(x, out, {}, grid);
        context->save_for_backward({x});
        context->saved_data["step"] = static_cast<double>(grid.step);
        context->saved_data["zero_point"] = static_cast<double>(grid.zero_point);
        context->saved_data["bits"] = bits;
        return out;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const torch::Tensor x = context->get_saved_variables()[0];
        const StepGrid grid = grid_of_step(static_cast<float>(context->saved_data["step"].toDouble()),
                                           static_cast<float>(context->saved_data["zero_point"].toDouble()),
                                           static_cast<int>(context->saved_data["bits"].toInt()));
        const torch::Tensor gradient = laid_out(gradients[0], x.strides().vec()), out = torch::empty_like(x);
        const LearnedSums sums = learned_gradient_into(x, gradient, out, grid);
        const double step_gradient = log_step_gradient(sums, static_cast<double>(x.numel()), grid);
        return {out, torch::full({1}, step_gradient, torch::kFloat), {}, {}, {}};
    }
};

}  // namespace

void ActivationQuantiser::refuse_uncalibrated() const {
    throw Error(ErrorKind::internal, {.attempted = "quantise an activation with a frozen range",
                                      .where = layer,
                                      .found = "a range that was never calibrated",
                                      .expected = "at least one forward pass with observing on",
                                      .hint = "set_observing(network, true) before the first step"});
}

torch::Tensor QuantfaceActivationQuantiser::forward(torch::Tensor x) {
    x = dense(x);
    if (observing) {
        const ValueRange batch = range_of_tensor(x);
        if (!batch.is_finite) throw NonFiniteError(layer, "activation");
        // As the reference updates it: the stored value may miss the true minimum by its last bit.
        low() += -low() + std::min(low(), batch.min);
        high() += -high() + std::max(high(), batch.max);
        if (low() == 0.0F) low() = -0.0F;
    } else if (!is_calibrated()) {
        refuse_uncalibrated();
    }
    const QuantiserScale scale = quantiser_scale(low(), high(), bits);
    if (torch::GradMode::is_enabled() && x.requires_grad()) return PassActivation::apply(x, scale, layer);
    if (!quantise_in_place(x, scale)) throw NonFiniteError(layer, "activation");
    return x;
}

ModernActivationQuantiser::ModernActivationQuantiser(std::string layer_name, int width, const QuantiserSettings& settings)
    : ActivationQuantiser(std::move(layer_name), width, std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()),
      grid_kind(settings.activation_grid),
      rule(rule_at(settings.activation_range, width)),
      averaging(settings.averaging),
      percentile(settings.percentile) {
    if (rule != RangeRule::learned) return;
    log_step = register_parameter("log_step", torch::zeros({1}));
    zero_point = register_buffer("zero_point", torch::zeros({1}));
}

StepGrid ModernActivationQuantiser::grid() {
    if (rule != RangeRule::learned) return grid_of_range(low(), high(), grid_kind, bits);
    const StepGrid grid = grid_of_step(std::exp(*log_step.const_data_ptr<float>()), *zero_point.const_data_ptr<float>(), bits);
    if (!std::isfinite(grid.step)) throw NonFiniteError(layer, "learned step");
    return grid;
}

void ModernActivationQuantiser::set_range(float min, float max) {
    low() = min, high() = max;
    if (rule != RangeRule::learned || !is_calibrated()) return;
    const StepGrid grid = grid_of_range(min, max, grid_kind, bits);
    *log_step.data_ptr<float>() = std::log(grid.step);
    *zero_point.data_ptr<float>() = grid.zero_point;
}

void ModernActivationQuantiser::update(float min, float max) {
    if (!(min <= max)) return;
    if (!is_calibrated()) return set_range(min, max);
    if (rule == RangeRule::learned) return;
    if (rule == RangeRule::minmax) return set_range(std::min(low(), min), std::max(high(), max));
    const auto c = static_cast<float>(averaging);
    set_range(low() + c * (min - low()), high() + c * (max - high()));
}

void ModernActivationQuantiser::observe(const ValueRange& range) {
    observed_min = std::min(observed_min, range.min);
    observed_max = std::max(observed_max, range.max);
}

ValueRange ModernActivationQuantiser::searched_range(const torch::Tensor& x) const {
    if (!range_of_tensor(x).is_finite) throw NonFiniteError(layer, "activation");
    if (rule == RangeRule::percentile) return percentile_range(sample_of(values_of(x), kPercentileSample), percentile);
    return least_error_range(sample_of(values_of(x), kLeastErrorSample), grid_kind, bits);
}

torch::Tensor ModernActivationQuantiser::forward(torch::Tensor x) {
    x = dense(x);
    const bool calibrated = is_calibrated();
    if (!calibrated && !observing) refuse_uncalibrated();
    if (observing && !observes_all() && !(calibrated && rule == RangeRule::learned)) observe(searched_range(x));
    ValueRange range;
    if (!calibrated) {
        range = range_of_tensor(x);
    } else if (!torch::GradMode::is_enabled() || !x.requires_grad()) {
        range = quantise_into(x, x, {}, grid());
    } else if (rule == RangeRule::learned) {
        x = LearnActivation::apply(x, log_step, grid(), bits, &range);
    } else {
        x = MaskActivation::apply(x, grid(), &range);
    }
    if (!range.is_finite) throw NonFiniteError(layer, "activation");
    if (observing && observes_all()) observe(range);
    return x;
}

QuantiserDescription QuantfaceActivationQuantiser::describe() {
    if (!is_calibrated()) refuse_uncalibrated();
    return {.bits = bits, .per_channel = false, .ranges = {quantiser_scale(low(), high(), bits)}};
}

QuantiserDescription ModernActivationQuantiser::describe() {
    if (!is_calibrated()) refuse_uncalibrated();
    QuantiserDescription description{.bits = bits, .per_channel = false, .ranges = {}};
    add_range(description, grid());
    return description;
}

}  // namespace fairsweep

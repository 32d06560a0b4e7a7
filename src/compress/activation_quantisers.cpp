#include "compress/activation_quantisers.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "compress/non_finite_error.hpp"
#include "compress/range_search.hpp"
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
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, const torch::Tensor& min,
                                 const torch::Tensor& max, int bits, const torch::Tensor& broken) {
        ops_of(x).quantise_scaled(x, min, max, bits, broken);
        context->mark_dirty({x});
        return x;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                   const torch::autograd::variable_list& gradients) {
        return {gradients[0], {}, {}, {}, {}};
    }
};

/// What a pass leaves word of; undefined `seen`: it is not observed. No input of autograd's.
struct Watch {
    torch::Tensor seen, broken;
};

/// Quantised in place; the gradient passes where the code lay inside.
struct MaskActivation : torch::autograd::Function<MaskActivation> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, const GridTensors& grid,
                                 const Watch& watch) {
        const auto words = static_cast<std::int64_t>(mask_words(static_cast<std::size_t>(x.numel())));
        const torch::Tensor kept = torch::empty({1, words}, x.options().dtype(torch::kShort));
        ops_of(x).quantise_stepped(x, x, kept, grid, watch.seen, watch.broken);
        context->saved_data["kept"] = kept;
        context->saved_data["strides"] = x.strides().vec();
        context->mark_dirty({x});
        return x;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const torch::Tensor gradient = laid_out(gradients[0], context->saved_data["strides"].toIntVector());
        const torch::Tensor kept = context->saved_data["kept"].toTensor(), out = torch::empty_like(gradient);
        ops_of(gradient).masked_gradient(gradient, kept, out);
        return {out, {}, {}};
    }
};

/// The step is trained. Its gradient's factor counts the values of the whole tensor, batch included, as torch's and MQBench's
/// implementations do.
struct LearnActivation : torch::autograd::Function<LearnActivation> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, const torch::Tensor& log_step,
                                 const torch::Tensor& zero_point, int bits, const torch::Tensor& broken) {
        const torch::Tensor out = torch::empty_like(x);
        ops_of(x).quantise_stepped(x, out, {}, {GridSource::log_step, bits, log_step, zero_point}, {}, broken);
        context->save_for_backward({x, log_step, zero_point});
        context->saved_data["bits"] = bits;
        return out;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const auto saved = context->get_saved_variables();
        const torch::Tensor& x = saved[0];
        const GridTensors grid{GridSource::log_step, static_cast<int>(context->saved_data["bits"].toInt()), saved[1],
                               saved[2]};
        const torch::Tensor gradient = laid_out(gradients[0], x.strides().vec()), out = torch::empty_like(x);
        const torch::Tensor step_gradient = torch::empty_like(saved[1]);
        ops_of(x).learned_gradient(x, gradient, out, grid, step_gradient);
        return {out, step_gradient, {}, {}, {}};
    }
};

}  // namespace

void ActivationQuantiser::set_range(float min, float max) {
    x_min.fill_(min);
    x_max.fill_(max);
}

bool ActivationQuantiser::is_calibrated() {
    const auto version = static_cast<std::uint32_t>(x_min._version() + x_max._version());
    if (is_known_calibrated_ && version == calibrated_version_) return true;
    is_known_calibrated_ = is_calibrated_range(low(), high());
    calibrated_version_ = version;
    return is_known_calibrated_;
}

void ActivationQuantiser::require_calibrated() {
    if (is_calibrated()) return;
    throw Error(ErrorKind::internal, {.attempted = "quantise an activation with a frozen range",
                                      .where = layer,
                                      .found = "a range that was never calibrated",
                                      .expected = "at least one forward pass with observing on",
                                      .hint = "set_observing(network, true) before the first step"});
}

void ActivationQuantiser::follow(const torch::Tensor& x) {
    if (seen.device() == x.device()) return;
    const c10::InferenceMode ordinary(false);  // what stays is used outside of inference too
    seen = seen.to(x.device());
    broken = broken.to(x.device());
}

void ActivationQuantiser::read_broken() {
    const std::int32_t how = broken.is_cpu() ? *broken.const_data_ptr<std::int32_t>() : broken.item<std::int32_t>();
    if (how == Broken::sound) return;
    broken.fill_(static_cast<std::int32_t>(Broken::sound));
    throw NonFiniteError(layer, how == Broken::broken_step ? "learned step" : "activation");
}

torch::Tensor QuantfaceActivationQuantiser::forward(torch::Tensor x) {
    x = dense(x);
    follow(x);
    const DeviceOps& ops = ops_of(x);
    if (observing) {
        ops.observe(x, seen, broken);
        refuse_broken();
        ops.widen(seen, x_min, x_max);
    } else {
        require_calibrated();
    }
    if (torch::GradMode::is_enabled() && x.requires_grad())
        x = PassActivation::apply(x, x_min, x_max, bits, broken);
    else
        ops.quantise_scaled(x, x_min, x_max, bits, broken);
    refuse_broken();
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

GridTensors ModernActivationQuantiser::grid_tensors() const {
    if (rule == RangeRule::learned) return {GridSource::log_step, bits, log_step, zero_point};
    return {range_source(grid_kind), bits, x_min, x_max};
}

StepGrid ModernActivationQuantiser::grid() {
    const StepGrid grid = grid_at(grid_tensors(), 0);
    if (!std::isfinite(grid.step)) throw NonFiniteError(layer, "learned step");
    return grid;
}

void ModernActivationQuantiser::set_range(float min, float max) {
    ActivationQuantiser::set_range(min, max);
    if (rule != RangeRule::learned || !is_calibrated()) return;
    const torch::NoGradGuard no_gradients;
    const StepGrid grid = grid_of_range(min, max, grid_kind, bits);
    log_step.fill_(std::log(grid.step));
    zero_point.fill_(grid.zero_point);
}

RangeUpdate ModernActivationQuantiser::update() {
    RangeUpdate update{.rule = UpdateRule::set,
                       .share = static_cast<float>(averaging),
                       .seen = seen,
                       .min = x_min,
                       .max = x_max,
                       .log_step = {},
                       .zero_point = {},
                       .grid = grid_kind,
                       .bits = bits};
    const bool is_first = !is_calibrated();
    if (rule == RangeRule::learned && is_first)
        update.log_step = log_step, update.zero_point = zero_point;
    else if (!is_first)
        update.rule = rule == RangeRule::learned  ? UpdateRule::keep
                      : rule == RangeRule::minmax ? UpdateRule::widen
                                                  : UpdateRule::average;
    return update;
}

void ModernActivationQuantiser::observe_searched(const torch::Tensor& x) {
    ops_of(x).observe(x, {}, broken);
    refuse_broken();
    const torch::Tensor host = x.cpu();  // a search waits for the device
    const ValueRange found = rule == RangeRule::percentile
                                 ? percentile_range(sample_of(values_of(host), kPercentileSample), percentile)
                                 : least_error_range(sample_of(values_of(host), kLeastErrorSample), grid_kind, bits);
    const torch::Tensor before = seen.cpu();
    set_observed(torch::tensor({std::min(before[Seen::least].item<float>(), found.min), std::max(before[Seen::most].item<float>(), found.max)}));
}

torch::Tensor ModernActivationQuantiser::forward(torch::Tensor x) {
    x = dense(x);
    follow(x);
    const bool calibrated = is_calibrated(), observes_pass = observing && observes_all();
    if (!observing) require_calibrated();
    if (observing && !observes_pass && !(calibrated && rule == RangeRule::learned)) observe_searched(x);
    const torch::Tensor into = observes_pass ? seen : torch::Tensor();
    if (!calibrated)
        ops_of(x).observe(x, into, broken);
    else if (!torch::GradMode::is_enabled() || !x.requires_grad())
        ops_of(x).quantise_stepped(x, x, {}, grid_tensors(), into, broken);
    else if (rule == RangeRule::learned)
        x = LearnActivation::apply(x, log_step, zero_point, bits, broken);
    else
        x = MaskActivation::apply(x, grid_tensors(), Watch{into, broken});
    refuse_broken();
    return x;
}

QuantiserDescription QuantfaceActivationQuantiser::describe() {
    require_calibrated();
    return {.bits = bits, .per_channel = false, .ranges = {quantiser_scale(low(), high(), bits)}};
}

QuantiserDescription ModernActivationQuantiser::describe() {
    require_calibrated();
    QuantiserDescription description{.bits = bits, .per_channel = false, .ranges = {}};
    add_range(description, grid());
    return description;
}

}  // namespace fairsweep

#include "compress/weight_bank.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <span>
#include <utility>

#include "device/fake_quant_kernel.hpp"
#include "compress/non_finite_error.hpp"
#include "compress/range_search.hpp"
#include "fairsweep/check.hpp"
#include "device/memory_layout.hpp"

namespace fairsweep {
namespace {

/// The same values in the memory layout of `like`.
torch::Tensor laid_out_as(const torch::Tensor& values, const torch::Tensor& like) {
    if (values.strides() == like.strides()) return values;
    return torch::empty_like(like).copy_(values);
}

std::span<const float> row_of(const torch::Tensor& source, std::int64_t row, std::int64_t row_size) {
    return {source.const_data_ptr<float>() + row * row_size, static_cast<std::size_t>(row_size)};
}

std::int64_t words_of(std::int64_t row_size) { return static_cast<std::int64_t>(mask_words(static_cast<std::size_t>(row_size))); }

void check_calibrated(const WeightBank::Rule& rule) {
    if (rule.steps->is_calibrated()) return;
    throw Error(ErrorKind::internal, {.attempted = "quantise weights with a stored step",
                                      .where = rule.layer,
                                      .found = "a step that was never calibrated",
                                      .expected = "calibrate_weights(network), or the state of a calibrated network"});
}

struct PassGradient : torch::autograd::Function<PassGradient> {
    static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor&, const torch::Tensor& quantised) {
        return quantised;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                   const torch::autograd::variable_list& gradients) {
        return {gradients[0], {}};
    }
};

struct MaskGradient : torch::autograd::Function<MaskGradient> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor&, const torch::Tensor& quantised,
                                 const torch::Tensor& kept) {
        context->saved_data["kept"] = kept;
        context->saved_data["strides"] = quantised.strides().vec();
        return quantised;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const torch::Tensor kept = context->saved_data["kept"].toTensor();
        const torch::Tensor out =
            torch::empty_strided(gradients[0].sizes(), context->saved_data["strides"].toIntVector(), gradients[0].options());
        ops_of(out).masked_gradient(laid_out_as(gradients[0], out), kept, out);
        return {out, {}, {}};
    }
};

/// The mask is made again from the weights, which are in memory anyway.
struct LearnStep : torch::autograd::Function<LearnStep> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& source, const torch::Tensor&,
                                 const torch::Tensor& quantised, const torch::Tensor& step_sizes,
                                 const torch::Tensor& zero_points, int bits) {
        context->save_for_backward({source, step_sizes, zero_points});
        context->saved_data["bits"] = bits;
        return quantised;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const auto saved = context->get_saved_variables();
        const torch::Tensor &source = saved[0], &step_sizes = saved[1], &zero_points = saved[2];
        const int bits = static_cast<int>(context->saved_data["bits"].toInt());
        const torch::Tensor gradient = laid_out_as(gradients[0], source);
        const torch::Tensor out = torch::empty_like(source), step_gradient = torch::empty_like(step_sizes);
        ops_of(source).learned_gradient(source, gradient, out, {GridSource::step, bits, step_sizes, zero_points}, step_gradient);
        return {out, step_gradient, {}, {}, {}, {}};
    }
};

}  // namespace

WeightSteps::WeightSteps(std::int64_t rows, int width, const QuantiserSettings& settings)
    : bits(width), grid(settings.weight_grid), rule(settings.weight_range), percentile(settings.percentile) {
    if (is_learned()) {
        log_step = register_parameter("log_step", torch::zeros({rows}));
    } else {
        step = register_buffer("step", torch::ones({rows}));
    }
    if (grid == GridKind::asymmetric) zero_point = register_buffer("zero_point", torch::zeros({rows}));
    calibrated = register_buffer("calibrated", torch::zeros({1}, torch::kBool));
}

bool WeightSteps::is_calibrated() {
    const auto version = static_cast<std::uint32_t>(calibrated._version());
    if (is_known_calibrated_ && version == calibrated_version_) return true;
    calibrated_version_ = version;
    return is_known_calibrated_ = calibrated.item<bool>();
}

torch::Tensor WeightSteps::step_sizes() const { return is_learned() ? log_step.detach().exp() : step; }

void WeightSteps::calibrate(const torch::Tensor& weight, const std::string& layer) {
    const torch::NoGradGuard no_grad;
    const torch::Tensor source = with_whole_rows(weight.detach().cpu());
    const std::int64_t rows = (is_learned() ? log_step : step).numel(), row_size = source.numel() / rows;
    std::vector<StepGrid> grids(static_cast<std::size_t>(rows));
    std::atomic<bool> is_finite{true};
    at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end && is_finite; ++row) {
            const auto values = row_of(source, row, row_size);
            if (!range_of(values).is_finite) {
                is_finite = false;
                return;
            }
            const ValueRange range =
                rule == RangeRule::percentile ? percentile_range(values, percentile) : least_error_range(values, grid, bits);
            grids[static_cast<std::size_t>(row)] = grid_of_range(range.min, range.max, grid, bits);
        }
    });
    if (!is_finite) throw NonFiniteError(layer, "weight");
    const torch::Tensor steps = torch::empty({rows}), zero_points = torch::empty({rows});
    for (std::int64_t row = 0; row < rows; ++row) {
        const StepGrid& found = grids[static_cast<std::size_t>(row)];
        steps.data_ptr<float>()[row] = is_learned() ? std::log(found.step) : found.step;
        zero_points.data_ptr<float>()[row] = found.zero_point;
    }
    (is_learned() ? log_step : step).copy_(steps);
    if (zero_point.defined()) zero_point.copy_(zero_points);
    calibrated.fill_(true);
}

WeightBank::Stamp WeightBank::Slot::stamp_now() const {
    const bool has_mask = rule.kind == Kind::stored_step && !rule.steps->is_learned() && torch::GradMode::is_enabled();
    return {master.unsafeGetTensorImpl(), master.const_data_ptr(), static_cast<std::uint32_t>(master._version()), has_mask};
}

std::size_t WeightBank::add(Rule rule, const torch::Tensor& master) {
    slots_.emplace_back();
    slots_.back().rule = std::move(rule);
    slots_.back().master = master;
    return slots_.size() - 1;
}

torch::Tensor WeightBank::use(std::size_t index, const torch::Tensor& master) {
    Slot& slot = slots_.at(index);
    slot.master = master;
    if (slot.stamp != slot.stamp_now()) prepare_all();
    slot.stamp.reset();  // asked for again, it is computed again: weights may have been changed by way of a plain pointer
    const torch::Tensor out = std::exchange(slot.out, {});
    const torch::Tensor kept = std::exchange(slot.kept, {});
    if (!torch::GradMode::is_enabled()) return out;
    if (slot.rule.kind != Kind::stored_step) return PassGradient::apply(master, out);
    if (slot.rule.steps->is_learned())
        return LearnStep::apply(with_whole_rows(master), slot.rule.steps->log_step, out, slot.step_sizes, slot.zero_points,
                                slot.rule.bits);
    return MaskGradient::apply(master, out, kept);
}

QuantiserDescription WeightBank::describe(std::size_t index, const torch::Tensor& weight) const {
    const Rule& rule = slots_.at(index).rule;
    const torch::Tensor source = weight.detach().cpu().contiguous();
    const std::int64_t rows = rule.per_channel ? source.size(0) : 1, row_size = source.numel() / rows;
    QuantiserDescription description{.bits = rule.bits, .per_channel = rule.per_channel, .ranges = {}};
    if (rule.kind == Kind::stored_step) {
        check_calibrated(rule);
        const torch::Tensor sizes = rule.steps->step_sizes().cpu();
        const torch::Tensor& stored = rule.steps->zero_point;
        const GridTensors grid{GridSource::step, rule.bits, sizes, stored.defined() ? stored.cpu() : torch::zeros({rows})};
        for (std::int64_t row = 0; row < rows; ++row) add_range(description, grid_at(grid, row));
        return description;
    }
    for (std::int64_t row = 0; row < rows; ++row) {
        const ValueRange range = range_of(row_of(source, row, row_size));
        if (!range.is_finite) throw NonFiniteError(rule.layer, "weight");
        if (rule.kind == Kind::quantface)
            description.ranges.push_back(quantiser_scale(range.min, range.max, rule.bits));
        else
            add_range(description, grid_of_range(range.min, range.max, rule.grid, rule.bits));
    }
    return description;
}

void WeightBank::Slot::lay_out(bool with_mask) {
    const torch::NoGradGuard no_grad;
    source = with_whole_rows(master.detach());
    out = torch::empty_like(source);
    kept = with_mask ? torch::empty({rows(), words_of(row_size())}, torch::TensorOptions(torch::kShort).device(source.device())) : torch::Tensor();
    if (rule.kind != Kind::stored_step) return;
    check_calibrated(rule);
    step_sizes = rule.steps->step_sizes();
    FAIRSWEEP_CHECK(step_sizes.numel() == rows(), "one step for each output channel");
    const torch::Tensor& stored = rule.steps->zero_point;
    zero_points = stored.defined() ? stored.clone() : torch::zeros_like(step_sizes);
}

WeightJob WeightBank::Slot::job() const {
    WeightJob job{.grid_source = WeightSource::range,
                  .bits = rule.bits,
                  .grid = rule.grid,
                  .rows = rows(),
                  .source = source,
                  .out = out,
                  .steps = step_sizes,
                  .zero_points = zero_points,
                  .kept = kept};
    if (rule.kind == Kind::quantface) job.grid_source = WeightSource::quantface_range;
    if (rule.kind == Kind::stored_step) job.grid_source = WeightSource::step;
    return job;
}

void WeightBank::prepare_all() {
    std::vector<WeightJob> jobs;
    std::vector<Stamp> stamps;
    for (Slot& slot : slots_) {
        slot.stamp.reset();  // until all are computed: an error leaves none that looks ready
        stamps.push_back(slot.stamp_now());
        slot.lay_out(stamps.back().has_mask);
        jobs.push_back(slot.job());
    }
    const torch::Tensor& any = jobs.front().source;
    const c10::InferenceMode ordinary(false);  // what stays is used outside of inference too
    const auto sound = static_cast<std::int32_t>(slots_.size());
    if (first_broken_.defined() && first_broken_.device() == any.device())
        first_broken_.fill_(sound);
    else
        first_broken_ = torch::full({1}, sound, any.options().dtype(torch::kInt));
    ops_of(any).quantise_weights(jobs, first_broken_);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        slots_[i].source = torch::Tensor();
        slots_[i].stamp = stamps[i];
    }
    if (first_broken_.is_cpu()) read_broken();  // else it is read after the step
}

torch::Tensor WeightBank::broken_mark() const {
    if (!first_broken_.defined()) return {};
    return first_broken_.lt(static_cast<std::int64_t>(slots_.size())).to(torch::kInt);
}

void WeightBank::read_broken() {
    if (!first_broken_.defined()) return;
    const auto first = static_cast<std::size_t>(first_broken_.item<std::int32_t>());
    if (first == slots_.size()) return;
    for (Slot& slot : slots_) slot.stamp.reset();
    throw NonFiniteError(slots_[first].rule.layer, "weight");
}

}  // namespace fairsweep

#pragma once
/// The quantisers that set_quantisers() attaches to activation points. One range per tensor.
#include <torch/torch.h>

#include <cmath>

#include <limits>
#include <string>
#include <utility>

#include "compress/fake_quant_kernel.hpp"
#include "compress/quantiser_description.hpp"
#include "compress/quantiser_settings.hpp"
#include "model/layers.hpp"

namespace fairsweep {

/// Buffers x_min, x_max [1].
struct ActivationQuantiser : ActivationTransform {
    ActivationQuantiser(std::string layer_name, int width, float first_min, float first_max)
        : layer(std::move(layer_name)),
          bits(width),
          x_min(register_buffer("x_min", torch::full({1}, first_min))),
          x_max(register_buffer("x_max", torch::full({1}, first_max))) {}

    [[nodiscard]] float& low() { return *x_min.data_ptr<float>(); }
    [[nodiscard]] float& high() { return *x_max.data_ptr<float>(); }
    virtual void set_range(float min, float max) { low() = min, high() = max; }
    /// The quantiser as numbers. Throws an internal Error naming the layer when the range was never calibrated.
    [[nodiscard]] virtual QuantiserDescription describe() = 0;
    [[noreturn]] void refuse_uncalibrated() const;

    std::string layer;
    int bits;
    torch::Tensor x_min, x_max;
    bool observing = true;
};

/// Preset "quantface": the range starts at (0, 0) and is widened by a batch before the batch is quantised; straight-through
/// gradient without a mask, nothing is kept for it. A range of zeros that were observed (a ReLU that never fires) is stored as
/// (-0, 0), which tells it apart from one that was never calibrated.
struct QuantfaceActivationQuantiser : ActivationQuantiser {
    QuantfaceActivationQuantiser(std::string layer_name, int width)
        : ActivationQuantiser(std::move(layer_name), width, 0.0F, 0.0F) {}
    torch::Tensor forward(torch::Tensor x) override;
    [[nodiscard]] QuantiserDescription describe() override;

private:
    [[nodiscard]] bool is_calibrated() { return low() != 0.0F || high() != 0.0F || std::signbit(low()); }
};

/// Preset "modern". A batch is quantised with the range that the batches before it left, and observed in the same pass; what
/// was observed is held back until update(), so that shards of a batch can be merged first. Before the first update it
/// passes the batch on in float. Clip-masked gradient; kept for it: one bit a value. With a learned step: parameter
/// log_step [1], buffer zero_point [1], set by the first update; the input is kept for the gradient.
struct ModernActivationQuantiser : ActivationQuantiser {
    ModernActivationQuantiser(std::string layer_name, int width, const QuantiserSettings& settings);
    torch::Tensor forward(torch::Tensor x) override;

    [[nodiscard]] bool is_calibrated() { return low() <= high(); }
    [[nodiscard]] StepGrid grid();
    [[nodiscard]] QuantiserDescription describe() override;
    /// Folds an observed range into the one that is used, by the rule; (infinity, -infinity) changes nothing.
    void update(float min, float max);
    void set_range(float min, float max) override;
    void forget_observed() { observed_min = std::numeric_limits<float>::infinity(), observed_max = -observed_min; }

    GridKind grid_kind;
    RangeRule rule;
    double averaging, percentile;
    torch::Tensor log_step, zero_point;
    float observed_min = std::numeric_limits<float>::infinity(), observed_max = -std::numeric_limits<float>::infinity();

private:
    [[nodiscard]] bool observes_all() const { return rule == RangeRule::minmax || rule == RangeRule::moving_average; }
    void observe(const ValueRange& range);
    [[nodiscard]] ValueRange searched_range(const torch::Tensor& x) const;
};

}  // namespace fairsweep

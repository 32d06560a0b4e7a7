#pragma once
/// The quantisers that set_quantisers() attaches to activation points. One range per tensor.
#include <torch/torch.h>

#include <cmath>

#include <cstdint>
#include <string>
#include <utility>

#include "device/device_ops.hpp"
#include "device/fake_quant_kernel.hpp"
#include "compress/quantiser_description.hpp"
#include "compress/quantiser_settings.hpp"
#include "model/layers.hpp"

namespace fairsweep {

/// Buffers x_min, x_max [1]. What a forward pass changes stays on the device of the activations.
struct ActivationQuantiser : ActivationTransform {
    ActivationQuantiser(std::string layer_name, int width, float first_min, float first_max)
        : layer(std::move(layer_name)),
          bits(width),
          x_min(register_buffer("x_min", torch::full({1}, first_min))),
          x_max(register_buffer("x_max", torch::full({1}, first_max))) {}

    /// Of the range, on the host: waits for the device.
    [[nodiscard]] float low() const { return x_min.item<float>(); }
    [[nodiscard]] float high() const { return x_max.item<float>(); }
    virtual void set_range(float min, float max);
    /// The quantiser as numbers. Throws an internal Error naming the layer when the range was never calibrated.
    [[nodiscard]] virtual QuantiserDescription describe() = 0;
    [[nodiscard]] bool is_calibrated();

    /// Of passes on a device: int32 [1], one of Broken.
    [[nodiscard]] const torch::Tensor& broken_mark() const { return broken; }
    /// Throws NonFiniteError where something was broken since the last call. Waits for the device.
    void read_broken();

    std::string layer;
    int bits;
    torch::Tensor x_min, x_max;
    bool observing = true;

protected:
    [[nodiscard]] virtual bool is_calibrated_range(float min, float max) const = 0;
    /// Throws where the range was never calibrated.
    void require_calibrated();
    /// Brings `seen` and `broken` to the device of x.
    void follow(const torch::Tensor& x);
    /// read_broken() on the processor. On another device that is called after the step.
    void refuse_broken() {
        if (broken.is_cpu()) read_broken();
    }

    torch::Tensor seen = Seen::nothing(), broken = torch::zeros({1}, torch::kInt);  ///< no part of the state

private:
    std::uint32_t calibrated_version_ = 0;  ///< torch counts changes in place; those of kernels never uncalibrate a range
    bool is_known_calibrated_ = false;
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
    [[nodiscard]] bool is_calibrated_range(float min, float max) const override {
        return min != 0.0F || max != 0.0F || std::signbit(min);
    }
};

/// Preset "modern". A batch is quantised with the range that the batches before it left, and observed in the same pass; what
/// was observed is held back until update(), so that shards of a batch can be merged first. Before the first update it
/// passes the batch on in float. Clip-masked gradient; kept for it: one bit a value. With a learned step: parameter
/// log_step [1], buffer zero_point [1], set by the first update; the input is kept for the gradient.
struct ModernActivationQuantiser : ActivationQuantiser {
    ModernActivationQuantiser(std::string layer_name, int width, const QuantiserSettings& settings);
    torch::Tensor forward(torch::Tensor x) override;

    /// On the host: waits for the device.
    [[nodiscard]] StepGrid grid();
    [[nodiscard]] QuantiserDescription describe() override;
    /// What was observed since the last update, float32 [2] on its device.
    [[nodiscard]] const torch::Tensor& observed() const { return seen; }
    /// Replaces what was observed.
    void set_observed(const torch::Tensor& range) { seen.copy_(range); }
    /// How what was observed changes the range, by the rule; for DeviceOps::update_ranges.
    [[nodiscard]] RangeUpdate update();
    void set_range(float min, float max) override;

    GridKind grid_kind;
    RangeRule rule;
    double averaging, percentile;
    torch::Tensor log_step, zero_point;

private:
    [[nodiscard]] bool is_calibrated_range(float min, float max) const override { return min <= max; }
    [[nodiscard]] GridTensors grid_tensors() const;
    [[nodiscard]] bool observes_all() const { return rule == RangeRule::minmax || rule == RangeRule::moving_average; }
    void observe_searched(const torch::Tensor& x);
};

}  // namespace fairsweep

#pragma once
/// The fake-quantised weights of a network, computed for all layers in one parallel region when the first of them is asked for.
#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compress/quantiser_description.hpp"
#include "compress/quantiser_settings.hpp"
#include "device/device_ops.hpp"

namespace fairsweep {

/// Steps that do not follow the present weights; the child "weight_quantiser" of its layer. Uncalibrated at first.
/// A learned step is a parameter: log_step [rows], its natural logarithm, so that no update can make a step negative.
/// Otherwise a buffer: step [rows]. An asymmetric grid has the buffer zero_point [rows]. calibrated: bool [1].
struct WeightSteps : torch::nn::Module {
    WeightSteps(std::int64_t rows, int bits, const QuantiserSettings& settings);
    /// float32 [rows], detached; exp(log_step) or step.
    [[nodiscard]] torch::Tensor step_sizes() const;
    [[nodiscard]] bool is_learned() const { return rule == RangeRule::learned; }
    /// Waits for the device where that may have changed.
    [[nodiscard]] bool is_calibrated();
    /// From the present weights: the range of least squared error, or the percentile's. Throws NonFiniteError naming `layer`.
    void calibrate(const torch::Tensor& weight, const std::string& layer);

    int bits;
    GridKind grid;
    RangeRule rule;
    double percentile;
    torch::Tensor log_step, step, zero_point, calibrated;

private:
    std::uint32_t calibrated_version_ = 0;  ///< torch counts changes in place
    bool is_known_calibrated_ = false;
};

/// Shared by the layers of a network. One value per output channel means per slice of the first dimension.
class WeightBank {
public:
    enum class Kind : std::uint8_t {
        quantface,   ///< that preset: the present weights' range, gradient passed on
        minmax,      ///< preset "modern", the present weights' range: nothing is cut off, so nothing of the gradient is either
        stored_step  ///< preset "modern", WeightSteps; clip-masked gradient
    };
    struct Rule {
        std::string layer;  ///< for errors
        Kind kind = Kind::quantface;
        int bits = 8;
        bool per_channel = true;
        GridKind grid = GridKind::asymmetric;
        std::shared_ptr<WeightSteps> steps;  ///< Kind::stored_step
    };
    /// Returns the slot, for use().
    std::size_t add(Rule rule, const torch::Tensor& master);

    /// The quantised weights of a slot, computed from `master` (float32, as large as it ever was). Throws NonFiniteError naming
    /// the first layer with NaN or infinite weights, an internal Error for steps that were never calibrated.
    [[nodiscard]] torch::Tensor use(std::size_t slot, const torch::Tensor& master);

    /// What a slot does to `weight` as it is now. Throws as use() does.
    [[nodiscard]] QuantiserDescription describe(std::size_t slot, const torch::Tensor& weight) const;

    /// Of passes on a device: int32 [1], not 0 where a weight or step is NaN or infinite; undefined before the first.
    [[nodiscard]] torch::Tensor broken_mark() const;
    /// Throws NonFiniteError where one was, of the last time. Waits for the device.
    void read_broken();

private:
    /// What the quantised weights of a slot were computed from, and whether with a mask: they are good for an equal stamp only.
    struct Stamp {
        const void *tensor = nullptr, *data = nullptr;
        std::uint32_t version = 0;  ///< torch counts changes in place
        bool has_mask = false;
        bool operator==(const Stamp&) const = default;
    };
    struct Slot {
        Rule rule;
        torch::Tensor master, source;  ///< source: master, or a copy of it in which every row is in one piece
        torch::Tensor out, kept;       ///< kept: int16 [rows, words], where a gradient will need it
        torch::Tensor step_sizes, zero_points;
        std::optional<Stamp> stamp;  ///< of `out`; nothing while there is none to give
        [[nodiscard]] std::int64_t rows() const { return rule.per_channel ? source.size(0) : 1; }
        [[nodiscard]] std::int64_t row_size() const { return source.numel() / rows(); }
        [[nodiscard]] Stamp stamp_now() const;  ///< of `master` and of whether a gradient is asked for, now
        void lay_out(bool with_mask);
        [[nodiscard]] WeightJob job() const;
    };
    void prepare_all();
    std::vector<Slot> slots_;
    torch::Tensor first_broken_;  ///< int32 [1], on the weights' device
};

}  // namespace fairsweep

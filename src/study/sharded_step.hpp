#pragma once
/// A training step whose batch is cut into parts (recipe.shards), each with BatchNorm statistics of its own, on one rank or on
/// the ranks of a team. The result depends on the number of parts alone, bit for bit: losses and gradients of the parts are added
/// as the balanced binary tree over parts, whoever computed them, and divided by their number.
///
/// On a GPU nothing is read in a step: what the losses were is known a step later, and a training that has diverged notices then.
#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "compress/quantisation.hpp"
#include "model/network.hpp"
#include "study/gradient_buckets.hpp"
#include "study/stage_context.hpp"
#include "study/stage_device.hpp"
#include "study/training.hpp"

namespace fairsweep {

inline constexpr double kTeamPatience_s = 900.0;  ///< for the slowest member of a team to come to the same operation

/// The parts of a batch that this rank computes: `count` from `first` on, of `shards` in all.
struct OwnParts {
    int shards = 1, first = 0, count = 1;
};
/// Rank r of n has the r-th n-th of the parts, a whole part of the tree. Throws a usage error when n is no power of two that
/// divides them.
[[nodiscard]] OwnParts own_parts(int shards, int rank, int ranks);

/// Those of this process's rank in the stage's team.
[[nodiscard]] OwnParts parts_of(const StageContext& context, int shards);

/// Places of a part's samples among those of this rank, which are the samples of its parts one after another. Throws a usage
/// error when they cannot be cut evenly.
struct PartRange {
    std::size_t first = 0, count = 0;
};
[[nodiscard]] PartRange range_of_part(std::size_t own_samples, int part, const OwnParts& own);

/// A key for what a part draws: that of the step where a batch is one part.
[[nodiscard]] inline std::uint64_t key_of_part(std::int64_t step, int part, int shards) {
    return static_cast<std::uint64_t>(step) * static_cast<std::uint64_t>(shards) + static_cast<std::uint64_t>(part);
}

/// What the ranks of a team add up in every step: loss, what else was measured, how many were asked to stop, how many failed, and how
/// many want the state to be kept.
struct StepNumbers {
    enum Place : std::size_t { loss, second, stop, failed, keep, count };
    std::array<double, count> values{};
    [[nodiscard]] double& operator[](Place place) { return values[place]; }
};

class ShardedStep {
public:
    /// `device`: that of the network.
    ShardedStep(const StageContext& context, Network& network, int shards, torch::Device device = torch::kCPU);

    /// What a part gives: its mean loss (with a graph), and what is averaged beside it (undefined: nothing), both 0-dimensional.
    struct PartLoss {
        torch::Tensor loss, second{};
    };
    using LossOfPart = std::function<PartLoss(int part)>;
    /// No part is computed twice from now on: other ranks take part in it.
    void forbid_repeats() { may_repeat_ = false; }
    /// Returns the losses that are known now: of this step, on a GPU of the step before, none in the first. Where a loss is not finite
    /// nothing was changed on a processor. A GPU without memory for the step gives back what torch keeps there and tries once more.
    /// Computes the own parts and changes the network once, as Optimiser::step() does for a batch that is one part. Running
    /// statistics of BatchNorm are those that part 0 left, as rank 0's are in the reference. Every part begins with the ranges
    /// that the step began with; what all parts left of them (quantface) or observed (modern) is merged by minimum and maximum.
    /// Collective.
    [[nodiscard]] std::optional<StepLosses> run(std::int64_t step, Optimiser& optimiser, const LossOfPart& loss_of_part);
    /// Those that run() has left open. Before the state is kept, and at the end. Collective.
    [[nodiscard]] std::optional<StepLosses> settle();

    /// Folds what the modern quantisers observed, of all parts, into their ranges. After run(). Collective.
    void update_ranges();

    /// Whether the state is kept before the next step: `is_due` where one rank trains alone. A team agrees upon it: that its first rank
    /// wants it is told in the next step, and all hear true after that.
    [[nodiscard]] bool agrees_to_keep(bool is_due);
    /// This rank was asked to stop; in a team: some rank was, before the step that ran last, and all end here.
    [[nodiscard]] bool stop_requested() const;
    /// Throws an infrastructure error when the ranks begin with different steps. Collective.
    void check_same_start(std::int64_t step) const;
    [[nodiscard]] const OwnParts& parts() const { return parts_; }

private:
    struct Own;
    void begin(Own& own);
    void compute(int part, const LossOfPart& loss_of_part, Own& own);
    void compute_parts(const LossOfPart& loss_of_part, Own& own);
    /// What is known of the losses when the last part's is, in numbers_: of this step, or of the one before.
    void take_losses(Own& own);
    [[nodiscard]] StepNumbers read_late();
    [[nodiscard]] StepLosses losses_of(std::int64_t step) {
        return {step, numbers_[StepNumbers::loss] / parts_.shards, numbers_[StepNumbers::second] / parts_.shards};
    }
    [[nodiscard]] bool is_late() const { return !device_.is_cpu(); }
    [[nodiscard]] bool is_cut() const { return parts_.count < parts_.shards || parts_.count > 1; }
    [[nodiscard]] GradientBuckets& buckets_of(const Tensors& trained);
    /// Begins the sum of the ranks' numbers.
    void tell_numbers();
    /// The others learn in the sum of the numbers that this rank failed; then the failure goes on.
    [[noreturn]] void end_failed_step(const Tensors& trained, bool has_diverged, const std::exception_ptr& failed);
    /// Ends what the team adds: numbers_, and the gradients.
    [[nodiscard]] Tensors sum_of_team(const Tensors& trained);
    [[nodiscard]] torch::Tensor merged_in_team(torch::Tensor ranges) const;

    const StageContext& context_;
    Network& network_;
    torch::Device device_;
    OwnParts parts_;
    bool may_repeat_ = true, is_stop_agreed_ = false, is_keep_agreed_ = false, wants_keep_ = false;
    StepNumbers numbers_{};
    /// Numbers of the step that ran last, on their way from the device.
    struct Late {
        std::int64_t step;
        LateNumbers numbers;
    };
    std::optional<Late> late_;
    std::optional<Ticket> told_;  ///< of numbers_, in this step
    std::unique_ptr<GradientBuckets> buckets_;
};

}  // namespace fairsweep

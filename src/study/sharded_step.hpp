#pragma once
/// A training step whose batch is cut into parts (recipe.shards), each with BatchNorm statistics of its own, on one rank or on
/// the ranks of a team. The result depends on the number of parts alone, bit for bit: losses and gradients of the parts are added
/// as the balanced binary tree over parts, whoever computed them, and divided by their number.
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
#include "study/training.hpp"

namespace fairsweep {

/// The parts of a batch that this rank computes: `count` from `first` on, of `shards` in all.
struct OwnParts {
    int shards = 1, first = 0, count = 1;
};
/// Rank r of n has the r-th n-th of the parts, a whole part of the tree. Throws a usage error when n is no power of two that
/// divides them.
[[nodiscard]] OwnParts own_parts(int shards, int rank, int ranks);

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

/// Loss, what else was measured, how many ranks were asked to stop, and how many failed.
using StepNumbers = std::array<double, 4>;

class ShardedStep {
public:
    ShardedStep(const StageContext& context, Network& network, int shards);

    struct Losses {
        double loss = 0.0;    ///< mean over the batch; not finite: nothing was changed, the training has diverged
        double second = 0.0;  ///< of what else was measured of the parts
    };
    /// What a part gives: its mean loss (0-dimensional, with a graph), and a number that is averaged beside it.
    using LossOfPart = std::function<std::pair<torch::Tensor, double>(int part)>;
    /// Computes the own parts and changes the network once, as Optimiser::step() does for a batch that is one part. Running
    /// statistics of BatchNorm are those that part 0 left, as rank 0's are in the reference. Every part begins with the ranges
    /// that the step began with; what all parts left of them (quantface) or observed (modern) is merged by minimum and maximum.
    /// Collective.
    [[nodiscard]] Losses run(Optimiser& optimiser, const LossOfPart& loss_of_part);

    /// Folds what the modern quantisers observed, of all parts, into their ranges. After run(). Collective.
    void update_ranges();

    /// This rank was asked to stop; in a team: some rank was, before the step that ran last, and all end here.
    [[nodiscard]] bool stop_requested() const;
    /// Throws an infrastructure error when the ranks begin with different steps. Collective.
    void check_same_start(std::int64_t step) const;
    [[nodiscard]] const OwnParts& parts() const { return parts_; }

private:
    struct Own;
    void compute(int part, const LossOfPart& loss_of_part, Own& own);
    [[nodiscard]] bool is_cut() const { return parts_.count < parts_.shards || parts_.count > 1; }
    [[nodiscard]] GradientBuckets& buckets_of(const Tensors& trained);
    /// Begins the sum of the ranks' numbers.
    void tell_numbers(const StepNumbers& numbers);
    /// The others learn in the sum of the numbers that this rank failed; then the failure goes on.
    [[noreturn]] void end_failed_step(const Tensors& trained, bool has_diverged, const std::exception_ptr& failed);
    /// Ends what the team adds: numbers_, and the gradients.
    [[nodiscard]] Tensors sum_of_team(const Tensors& trained);
    [[nodiscard]] std::vector<ActivationRange> merged_in_team(std::vector<ActivationRange> ranges) const;

    const StageContext& context_;
    Network& network_;
    OwnParts parts_;
    bool is_stop_agreed_ = false;
    StepNumbers numbers_{};
    std::optional<Ticket> told_;  ///< of numbers_, in this step
    std::unique_ptr<GradientBuckets> buckets_;
};

}  // namespace fairsweep

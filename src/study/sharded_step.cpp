#include "study/sharded_step.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <exception>
#include <limits>

#include "compress/non_finite_error.hpp"
#include "compress/quantisation.hpp"
#include "fairsweep/collective.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {

/// Sums of parts that come in order, as a balanced binary tree: complete subtrees wait for their neighbour.
template <class Value, class Add>
class TreeSum {
public:
    explicit TreeSum(Add add_parts) : add_(add_parts) {}
    void add(Value value) {
        int level = 0;
        for (; !waiting_.empty() && waiting_.back().second == level; ++level) value = with_last(std::move(value));
        waiting_.emplace_back(std::move(value), level);
    }
    /// Of all parts, at least one.
    [[nodiscard]] Value sum() {
        Value value = std::move(waiting_.back().first);
        waiting_.pop_back();
        while (!waiting_.empty()) value = with_last(std::move(value));
        return value;
    }

    /// The sums of complete subtrees so far, the nearest last.
    [[nodiscard]] std::vector<Value> take_subtrees() {
        std::vector<Value> subtrees;
        for (auto& [value, height] : waiting_) subtrees.push_back(std::move(value));
        waiting_.clear();
        return subtrees;
    }

private:
    [[nodiscard]] Value with_last(Value value) {
        Value left = std::move(waiting_.back().first);
        waiting_.pop_back();
        add_(left, value);
        return left;
    }
    Add add_;
    std::vector<std::pair<Value, int>> waiting_;  ///< a subtree's sum, and its height
};

namespace {

constexpr double kTeamPatience_s = 900.0;  // for the slowest member of a team to come to the same operation

bool is_power_of_two(int number) { return std::has_single_bit(static_cast<unsigned>(number)); }

void add_tensors(Tensors& to, const Tensors& more) {
    for (std::size_t i = 0; i < to.size(); ++i)
        if (!to[i].defined()) {
            to[i] = more[i];
        } else if (more[i].defined()) {  // not where the part's loss is not finite
            to[i].add_(more[i]);
        }
}

/// Ranges that a batch widens as it passes (preset "quantface"); empty where what is observed is held back.
std::vector<ActivationRange> widening_ranges(Network& network) {
    return observed_ranges(network).empty() ? activation_ranges(network) : std::vector<ActivationRange>{};
}

void add_numbers(StepNumbers& to, const StepNumbers& more) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += more[i];
}

/// Statistics of BatchNorm, which a forward pass in train mode changes.
Tensors running_state(const Network& network) {
    Tensors state;
    for (const auto& item : network.named_buffers())
        for (const char* ending : {"running_mean", "running_var", "num_batches_tracked"})
            if (item.key().ends_with(ending)) state.push_back(item.value());
    return state;
}

Tensors clones_of(const Tensors& tensors) {
    Tensors clones;
    for (const torch::Tensor& tensor : tensors) clones.push_back(tensor.clone());
    return clones;
}

void copy_to(const Tensors& from, const Tensors& to) {
    const torch::NoGradGuard no_gradients;
    for (std::size_t i = 0; i < to.size(); ++i) to[i].data().copy_(from[i]);
}

Tensors take_gradients(const Tensors& trained) {
    Tensors gradients;
    for (const torch::Tensor& tensor : trained) {
        gradients.push_back(tensor.grad());
        tensor.mutable_grad() = torch::Tensor();
    }
    return gradients;
}

class TeamSum {
public:
    explicit TeamSum(const StageContext& context) : team_(*context.monitor.team) {}

    /// The least and the largest of all ranks' numbers.
    std::pair<std::int64_t, std::int64_t> extrema(std::int64_t number) {
        std::int64_t least = number, most = number;
        finish(team_.all_reduce({&least, 1, Scalar::i64}, Reduction::min));
        finish(team_.all_reduce({&most, 1, Scalar::i64}, Reduction::max));
        return {least, most};
    }

    void extrema(std::vector<float>& least, std::vector<float>& most) {
        const Ticket first = team_.all_reduce({least.data(), least.size(), Scalar::f32}, Reduction::min);
        finish(team_.all_reduce({most.data(), most.size(), Scalar::f32}, Reduction::max));
        finish(first);
    }

    /// Of rank 0, to all. Counts of batches are left out: they are equal everywhere.
    void broadcast(const Tensors& tensors) {
        Tensors floats;
        for (const torch::Tensor& tensor : tensors)
            if (tensor.scalar_type() == torch::kFloat) floats.push_back(tensor);
        if (!floats.empty()) as_one(floats, [this](Buffer all) { return team_.broadcast(all, 0); });
    }

private:
    /// One operation on float32 tensors laid side by side.
    template <class Begin>
    void as_one(const Tensors& tensors, const Begin& begin_operation) {
        Tensors rows;
        for (const torch::Tensor& tensor : tensors) rows.push_back(tensor.contiguous().view({-1}));
        torch::Tensor flat = torch::cat(rows);
        finish(begin_operation(Buffer{flat.data_ptr(), static_cast<std::size_t>(flat.numel()), Scalar::f32}));
        std::int64_t begin = 0;
        for (const torch::Tensor& tensor : tensors) {
            tensor.data().copy_(flat.slice(0, begin, begin + tensor.numel()).view(tensor.sizes()));
            begin += tensor.numel();
        }
    }
    void finish(Ticket ticket) {
        wait(team_, ticket, kTeamPatience_s, [] { return true; });  // a stop is agreed upon between steps
    }

    Collective& team_;
};

bool is_team(const StageContext& context) { return context.monitor.team != nullptr && context.monitor.team->size() > 1; }

}  // namespace

OwnParts own_parts(int shards, int rank, int ranks) {
    if (ranks == 1) return {shards, 0, shards};
    if (!is_power_of_two(ranks) || !is_power_of_two(shards) || shards % ranks != 0)
        throw_usage({.attempted = "cannot share a stage among the ranks of a team",
                     .where = "recipe.shards",
                     .found = fmt::format("{} parts for {} ranks", shards, ranks),
                     .expected = "numbers that are powers of two, at least as many parts as ranks",
                     .hint = "the parts of a rank have to be a whole part of the tree in which all are added"});
    return {shards, rank * (shards / ranks), shards / ranks};
}

PartRange range_of_part(std::size_t own_samples, int part, const OwnParts& own) {
    const auto parts = static_cast<std::size_t>(own.count);
    if (own_samples % parts != 0)
        throw_usage({.attempted = "cannot cut a batch into equal parts",
                     .where = "recipe.shards",
                     .found = fmt::format("{} images in {} parts", own_samples, own.count),
                     .expected = "a batch that is a multiple of the parts"});
    const std::size_t count = own_samples / parts;
    return {static_cast<std::size_t>(part - own.first) * count, count};
}

ShardedStep::ShardedStep(const StageContext& context, Network& network, int shards)
    : context_(context),
      network_(network),
      parts_(is_team(context) ? own_parts(shards, context.monitor.team->rank(), context.monitor.team->size())
                              : own_parts(shards, 0, 1)) {}

GradientBuckets& ShardedStep::buckets_of(const Tensors& trained) {
    // A training that goes on to train more (steps of quantisers) has another list from then on.
    if (!buckets_ || !buckets_->are_of(trained)) buckets_ = std::make_unique<GradientBuckets>(*context_.monitor.team, trained);
    return *buckets_;
}

void ShardedStep::tell_numbers(const StepNumbers& numbers) {
    numbers_ = numbers;
    told_ = context_.monitor.team->all_reduce({numbers_.data(), numbers_.size(), Scalar::f64}, Reduction::sum);
}

void ShardedStep::end_failed_step(const Tensors& trained, bool has_diverged, const std::exception_ptr& failed) {
    Collective& team = *context_.monitor.team;
    if (told_) {
        team.abort("a rank failed in the backward pass");
        std::rethrow_exception(failed);
    }
    try {
        tell_numbers({has_diverged ? std::numeric_limits<double>::quiet_NaN() : 0.0, 0.0, 0.0, has_diverged ? 0.0 : 1.0});
        if (has_diverged) {  // the others end the step, and throw it away
            buckets_of(trained).begin({});
            buckets_of(trained).post_rest();
            static_cast<void>(buckets_of(trained).finish(kTeamPatience_s));
        }
        wait(team, *told_, kTeamPatience_s, [] { return true; });
    } catch (const TeamError&) {
        // The team is gone; what this rank has to say is its own failure.
    }
    std::rethrow_exception(failed);
}

/// What the parts of this rank leave, before it is added to what others have.
struct ShardedStep::Own {
    Tensors trained, running;
    Tensors before{}, after_first{};  ///< running statistics that the step begins with, and that the first part leaves
    std::vector<ActivationRange> ranges_before{};
    std::vector<std::vector<ActivationRange>> ranges{};
    TreeSum<Tensors, decltype(&add_tensors)> gradients{&add_tensors};
    TreeSum<StepNumbers, decltype(&add_numbers)> numbers{&add_numbers};
};

void ShardedStep::compute(int part, const LossOfPart& loss_of_part, Own& own) {
    const bool is_first = part == parts_.first, is_last = part + 1 == parts_.first + parts_.count;
    if (!is_first) {
        copy_to(own.before, own.running);
        if (!own.ranges_before.empty()) set_activation_ranges(network_, own.ranges_before);
    }
    const auto [loss, second] = loss_of_part(part);
    const double value = loss.item<double>();
    own.numbers.add({value, second, 0.0, 0.0});
    if (is_first && is_cut()) own.after_first = clones_of(own.running);
    if (!own.ranges_before.empty()) own.ranges.push_back(activation_ranges(network_));
    const bool begins_sums = is_team(context_) && is_last;
    if (begins_sums) {  // the others hear of it while the backward pass runs
        StepNumbers sums = own.numbers.sum();
        sums[2] = context_.stop_requested() ? 1.0 : 0.0;
        tell_numbers(sums);
        buckets_of(own.trained).begin(own.gradients.take_subtrees());
    }
    if (std::isfinite(value)) loss.backward();  // else the step is thrown away, by all ranks
    if (!begins_sums) own.gradients.add(take_gradients(own.trained));
}

ShardedStep::Losses ShardedStep::run(Optimiser& optimiser, const LossOfPart& loss_of_part) {
    Own own{.trained = optimiser.trained(), .running = running_state(network_)};
    if (is_cut()) {
        own.before = clones_of(own.running);
        own.ranges_before = widening_ranges(network_);
    }
    told_.reset();
    try {
        for (int part = parts_.first; part < parts_.first + parts_.count; ++part) compute(part, loss_of_part, own);
    } catch (const NonFiniteError&) {
        if (!is_team(context_)) throw;
        end_failed_step(own.trained, true, std::current_exception());  // diverged for all ranks, as for one alone
    } catch (...) {
        if (!is_team(context_)) throw;
        end_failed_step(own.trained, false, std::current_exception());
    }
    if (is_cut()) copy_to(own.after_first, own.running);
    if (!is_team(context_)) numbers_ = own.numbers.sum();
    const Tensors sum = is_team(context_) ? sum_of_team(own.trained) : own.gradients.sum();
    const Losses losses{numbers_[0] / parts_.shards, numbers_[1] / parts_.shards};
    if (!std::isfinite(losses.loss)) return losses;
    if (is_team(context_)) TeamSum(context_).broadcast(own.running);
    if (!own.ranges.empty()) set_activation_ranges(network_, merged_in_team(merge_ranges(own.ranges)));
    for (std::size_t i = 0; i < own.trained.size(); ++i) {
        if (!sum[i].defined()) continue;
        own.trained[i].mutable_grad() = parts_.shards == 1 ? sum[i] : sum[i].div_(parts_.shards);
    }
    optimiser.apply();
    static_cast<void>(take_gradients(own.trained));  // a backward pass adds to what is there
    return losses;
}

Tensors ShardedStep::sum_of_team(const Tensors& trained) {
    buckets_of(trained).post_rest();
    wait(*context_.monitor.team, *told_, kTeamPatience_s, [] { return true; });
    is_stop_agreed_ = numbers_[2] > 0.0;
    if (numbers_[3] > 0.0)
        throw TeamError({.attempted = "a step of a team cannot be ended",
                         .where = "stage " + context_.order.id.short_hex(),
                         .found = "another rank of the team failed in it"});
    return buckets_of(trained).finish(kTeamPatience_s);
}

bool ShardedStep::stop_requested() const { return is_team(context_) ? is_stop_agreed_ : context_.stop_requested(); }

void ShardedStep::check_same_start(std::int64_t step) const {
    if (!is_team(context_)) return;
    const auto [least, most] = TeamSum(context_).extrema(step);
    if (least == most) return;
    throw_infrastructure({.attempted = "the ranks of a team cannot begin together",
                          .where = "stage " + context_.order.id.short_hex(),
                          .found = fmt::format("some go on from step {}, others from step {}", least, most),
                          .expected = "the same state on all of them",
                          .hint = "does every machine see the same files?"});
}

std::vector<ActivationRange> ShardedStep::merged_in_team(std::vector<ActivationRange> ranges) const {
    if (!is_team(context_) || ranges.empty()) return ranges;
    std::vector<float> least, most;
    for (const ActivationRange& range : ranges) {
        least.push_back(range.x_min);
        most.push_back(range.x_max);
    }
    TeamSum(context_).extrema(least, most);
    for (std::size_t i = 0; i < ranges.size(); ++i) ranges[i].x_min = least[i], ranges[i].x_max = most[i];
    return ranges;
}

void ShardedStep::update_ranges() {
    if (is_team(context_))
        fold_ranges(network_, merged_in_team(observed_ranges(network_)));
    else
        fairsweep::update_ranges(network_);
}

}  // namespace fairsweep

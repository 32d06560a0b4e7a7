#include "study/sharded_step.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <exception>
#include <limits>
#include <utility>

#include "compress/non_finite_error.hpp"
#include "compress/quantisation.hpp"
#include "fairsweep/collective.hpp"
#include "fairsweep/error.hpp"
#include "study/parts_sum.hpp"

namespace fairsweep {

namespace {

bool is_power_of_two(int number) { return std::has_single_bit(static_cast<unsigned>(number)); }

void add_tensors(Tensors& to, const Tensors& more) {
    for (std::size_t i = 0; i < to.size(); ++i)
        if (!to[i].defined()) {
            to[i] = more[i];
        } else if (more[i].defined()) {  // not where the part's loss is not finite
            to[i].add_(more[i]);
        }
}

/// Loss, and what else was measured.
using PartNumbers = std::array<double, 2>;

void add_numbers(PartNumbers& to, const PartNumbers& more) {
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

    /// In place, float32, dense.
    void extrema(const torch::Tensor& least, const torch::Tensor& most) {
        const Ticket first = team_.all_reduce(buffer_of(least), Reduction::min);
        finish(team_.all_reduce(buffer_of(most), Reduction::max));
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
        finish(begin_operation(buffer_of(flat)));
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

OwnParts parts_of(const StageContext& context, int shards) {
    return is_team(context) ? own_parts(shards, context.monitor.team->rank(), context.monitor.team->size()) : own_parts(shards, 0, 1);
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

ShardedStep::ShardedStep(const StageContext& context, Network& network, int shards, torch::Device device)
    : context_(context), network_(network), device_(device), parts_(parts_of(context, shards)) {}

GradientBuckets& ShardedStep::buckets_of(const Tensors& trained) {
    // A training that goes on to train more (steps of quantisers) has another list from then on.
    if (!buckets_ || !buckets_->are_of(trained)) buckets_ = std::make_unique<GradientBuckets>(*context_.monitor.team, trained);
    return *buckets_;
}

void ShardedStep::tell_numbers() {
    told_ = context_.monitor.team->all_reduce({numbers_.values.data(), numbers_.values.size(), Scalar::f64}, Reduction::sum);
}

void ShardedStep::end_failed_step(const Tensors& trained, bool has_diverged, const std::exception_ptr& failed) {
    Collective& team = *context_.monitor.team;
    if (told_ || !may_repeat_) {  // the others are in an operation that this rank does not come to
        team.abort("a rank failed in a step");
        std::rethrow_exception(failed);
    }
    try {
        numbers_ = {};
        numbers_[StepNumbers::loss] = has_diverged ? std::numeric_limits<double>::quiet_NaN() : 0.0;
        numbers_[StepNumbers::failed] = has_diverged ? 0.0 : 1.0;
        tell_numbers();
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
    std::int64_t step;
    Tensors trained, running;
    Tensors before{}, after_first{};  ///< running statistics that the step begins with, and that the first part leaves
    torch::Tensor ranges_before{};    ///< those that a batch widens as it passes (preset "quantface"); undefined where none are
    std::vector<torch::Tensor> ranges{};
    PartsSum<Tensors, decltype(&add_tensors)> gradients{&add_tensors};
    PartsSum<PartNumbers, decltype(&add_numbers)> numbers{&add_numbers};
    std::vector<torch::Tensor> late{};  ///< of every part: loss, what else was measured
};

StepNumbers ShardedStep::read_late() {
    const std::vector<double> read = late_->numbers.read();
    late_.reset();
    if (read.back() != 0.0) refuse_broken(network_);
    PartsSum<PartNumbers, decltype(&add_numbers)> sum(&add_numbers);
    for (std::size_t i = 0; i + 1 < read.size(); i += 2) sum.add({read[i], read[i + 1]});
    const PartNumbers both = sum.sum();
    StepNumbers numbers;
    numbers[StepNumbers::loss] = both[0], numbers[StepNumbers::second] = both[1];
    return numbers;
}

void ShardedStep::take_losses(Own& own) {
    const bool is_repeated = late_ && late_->step == own.step;  // what was known of the step before stays in numbers_
    if (!is_repeated) numbers_ = {};
    if (!is_late()) {
        const PartNumbers both = own.numbers.sum();
        numbers_[StepNumbers::loss] = both[0], numbers_[StepNumbers::second] = both[1];
        return;
    }
    const torch::Tensor mark = broken_mark(network_);
    own.late.push_back(mark.defined() ? mark : torch::zeros({1}, device_));
    Late now{own.step, LateNumbers(torch::cat(own.late))};
    if (late_ && !is_repeated) numbers_ = read_late();
    late_.emplace(std::move(now));
}

void ShardedStep::compute(int part, const LossOfPart& loss_of_part, Own& own) {
    const bool is_first = part == parts_.first, is_last = part + 1 == parts_.first + parts_.count;
    if (!is_first) {
        copy_to(own.before, own.running);
        if (own.ranges_before.defined()) set_widened_ranges(network_, own.ranges_before);
    }
    const PartLoss found = loss_of_part(part);
    double value = 0.0;
    if (is_late()) {
        own.late.push_back(found.loss.detach().to(torch::kFloat).view({1}));
        own.late.push_back(found.second.defined() ? found.second.to(torch::kFloat).view({1}) : torch::zeros({1}, device_));
    } else {
        value = found.loss.item<double>();
        own.numbers.add({value, found.second.defined() ? found.second.item<double>() : 0.0});
    }
    if (is_first && is_cut()) own.after_first = clones_of(own.running);
    if (own.ranges_before.defined()) own.ranges.push_back(widened_ranges(network_));
    const bool begins_sums = is_team(context_) && is_last;
    if (is_last) take_losses(own);
    if (begins_sums) {  // the others hear of it while the backward pass runs
        numbers_[StepNumbers::stop] = context_.stop_requested() ? 1.0 : 0.0;
        numbers_[StepNumbers::keep] = std::exchange(wants_keep_, false) ? 1.0 : 0.0;
        tell_numbers();
        buckets_of(own.trained).begin(own.gradients.take_subtrees());
    }
    if (std::isfinite(value)) found.loss.backward();  // else the step is thrown away, by all ranks
    if (!begins_sums) own.gradients.add(take_gradients(own.trained));
}

void ShardedStep::begin(Own& own) {
    if (!is_cut() && !is_late()) return;
    const auto remember = [&] {
        own.before = clones_of(own.running);
        own.ranges_before = widened_ranges(network_);
    };
    try {
        return remember();
    } catch (const c10::OutOfMemoryError&) {
        release_device_memory();
    }
    remember();
}

void ShardedStep::compute_parts(const LossOfPart& loss_of_part, Own& own) {
    const auto all_parts = [&] {
        for (int part = parts_.first; part < parts_.first + parts_.count; ++part) compute(part, loss_of_part, own);
    };
    if (!is_late() || !may_repeat_) return all_parts();
    const Own begun = own;
    try {
        return all_parts();
    } catch (const c10::OutOfMemoryError&) {
        if (told_) throw;  // the others add up what this rank has no more
    }
    static_cast<void>(take_gradients(own.trained));
    own = begun;
    release_device_memory();
    copy_to(own.before, own.running);
    if (own.ranges_before.defined()) set_widened_ranges(network_, own.ranges_before);
    all_parts();
}

std::optional<StepLosses> ShardedStep::run(std::int64_t step, Optimiser& optimiser, const LossOfPart& loss_of_part) {
    Own own{.step = step, .trained = optimiser.trained(), .running = running_state(network_)};
    begin(own);
    told_.reset();
    const std::optional<std::int64_t> known = !is_late() ? std::optional(step) : late_ ? std::optional(late_->step) : std::nullopt;
    try {
        compute_parts(loss_of_part, own);
    } catch (const NonFiniteError&) {
        if (!is_team(context_)) throw;
        end_failed_step(own.trained, true, std::current_exception());  // diverged for all ranks, as for one alone
    } catch (...) {
        if (!is_team(context_)) throw;
        end_failed_step(own.trained, false, std::current_exception());
    }
    if (is_cut()) copy_to(own.after_first, own.running);
    const Tensors sum = is_team(context_) ? sum_of_team(own.trained) : own.gradients.sum();
    const std::optional<StepLosses> losses = known ? std::optional(losses_of(*known)) : std::nullopt;
    if (losses && !std::isfinite(losses->loss)) return losses;
    if (is_team(context_)) TeamSum(context_).broadcast(own.running);
    if (!own.ranges.empty() && is_cut()) set_widened_ranges(network_, merged_in_team(merge_ranges(own.ranges)));
    for (std::size_t i = 0; i < own.trained.size(); ++i) {
        if (!sum[i].defined()) continue;
        own.trained[i].mutable_grad() = parts_.shards == 1 ? sum[i] : sum[i].div_(parts_.shards);
    }
    optimiser.apply();
    static_cast<void>(take_gradients(own.trained));  // a backward pass adds to what is there
    return losses;
}

std::optional<StepLosses> ShardedStep::settle() {
    if (!late_) return std::nullopt;
    const std::int64_t step = late_->step;
    std::exception_ptr broken;
    try {
        numbers_ = read_late();
    } catch (const NonFiniteError&) {
        broken = std::current_exception();
        numbers_ = {};
        numbers_[StepNumbers::loss] = std::numeric_limits<double>::quiet_NaN();
    }
    if (is_team(context_)) {
        tell_numbers();
        wait(*context_.monitor.team, *told_, kTeamPatience_s, [] { return true; });
    }
    if (broken) std::rethrow_exception(broken);
    return losses_of(step);
}

Tensors ShardedStep::sum_of_team(const Tensors& trained) {
    buckets_of(trained).post_rest();
    wait(*context_.monitor.team, *told_, kTeamPatience_s, [] { return true; });
    is_stop_agreed_ = numbers_[StepNumbers::stop] > 0.0;
    is_keep_agreed_ = numbers_[StepNumbers::keep] > 0.0;
    if (numbers_[StepNumbers::failed] > 0.0)
        throw TeamError({.attempted = "a step of a team cannot be ended",
                         .where = "stage " + context_.order.id.short_hex(),
                         .found = "another rank of the team failed in it"});
    return buckets_of(trained).finish(kTeamPatience_s);
}

bool ShardedStep::agrees_to_keep(bool is_due) {
    if (!is_team(context_)) return is_due;
    if (std::exchange(is_keep_agreed_, false)) return true;
    wants_keep_ = is_due && context_.leaves_files();
    return false;
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

torch::Tensor ShardedStep::merged_in_team(torch::Tensor ranges) const {
    if (!is_team(context_) || !ranges.defined()) return ranges;
    const torch::Tensor least = ranges.select(1, 0).contiguous(), most = ranges.select(1, 1).contiguous();
    TeamSum(context_).extrema(least, most);
    return torch::stack({least, most}, 1);
}

void ShardedStep::update_ranges() {
    const torch::Tensor observed = is_team(context_) ? observed_ranges(network_) : torch::Tensor();
    if (observed.defined())
        fold_ranges(network_, merged_in_team(observed));
    else
        fairsweep::update_ranges(network_);
}

}  // namespace fairsweep

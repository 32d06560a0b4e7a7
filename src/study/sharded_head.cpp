#include "study/sharded_head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "fairsweep/error.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/random.hpp"
#include "model/unit.hpp"
#include "study/parts_sum.hpp"
#include "study/stage_device.hpp"

namespace fairsweep {
namespace {

void add_in_place(torch::Tensor& to, const torch::Tensor& more) { to.add_(more); }
using TensorSum = PartsSum<torch::Tensor, decltype(&add_in_place)>;

torch::Tensor indices(const std::vector<std::int64_t>& values, torch::Device device) {
    const torch::Tensor host = torch::empty({static_cast<std::int64_t>(values.size())}, sent_to(device).dtype(torch::kLong));
    std::copy(values.begin(), values.end(), host.data_ptr<std::int64_t>());
    return on_device(host, device);
}

}  // namespace

/// A part's samples against the classes of a block.
struct ShardedHead::Products {
    torch::Tensor logits;            ///< [samples, taken]; later what becomes of them
    torch::Tensor inside;            ///< bool, cosines that were not cut off at -1 or 1
    torch::Tensor rows, columns;     ///< of the targets that lie in the block; undefined where none does
    torch::Tensor target_logits, target_slopes;
};

/// All is computed on the way forward: the gradient is there when it is asked for.
struct RoundLoss : torch::autograd::Function<RoundLoss> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& unit, ShardedHead* head, int part,
                                 const ShardedHead::MarginsOfPart* margins) {
        auto [loss, gradient] = head->round(unit, part, *margins);
        context->save_for_backward({gradient});
        return loss;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
        return {context->get_saved_variables()[0] * gradients[0], {}, {}, {}};
    }
};

ShardedHead::ShardedHead(const Settings& settings, const OwnParts& blocks, Collective *team) : settings_(settings), parts_(blocks), team_(team) {
    if (settings.classes < blocks.shards)
        throw_data({.attempted = "cannot cut the classes of a training set into blocks",
                    .where = "recipe.head = sharded",
                    .found = fmt::format("{} identities for {} blocks", settings.classes, blocks.shards),
                    .expected = "one identity a block at least",
                    .hint = "recipe.head = whole, or a smaller recipe.shards"});
    for (int number = blocks.first; number < blocks.first + blocks.count; ++number) {
        Block block{.number = number,
                    .begin = begin_of(number),
                    .classes = begin_of(number + 1) - begin_of(number),
                    .weight = {},
                    .momentum = {}};
        block.weight = torch::empty({block.classes, settings.embedding_size});
        block.momentum = torch::zeros_like(block.weight);
        for (std::int64_t c = 0; c < block.classes; ++c) {
            RandomStream random(settings.seed, sha256("kernel").prefix(), "class", static_cast<std::uint64_t>(block.begin + c));
            for (float& value : std::span(block.weight[c].data_ptr<float>(), static_cast<std::size_t>(settings.embedding_size)))
                value = static_cast<float>(kClassDeviation * random.normal());
        }
        blocks_.push_back(std::move(block));
    }
}

std::int64_t ShardedHead::begin_of(int block) const {
    return block * (settings_.classes / parts_.shards) + std::min<std::int64_t>(block, settings_.classes % parts_.shards);
}

void ShardedHead::to(torch::Device device) {
    device_ = device;
    for (Block& block : blocks_) block.weight = block.weight.to(device), block.momentum = block.momentum.to(device);
}

void ShardedHead::finish(Ticket ticket) const {
    wait(*team_, ticket, kTeamPatience_s, [] { return true; });
}

void ShardedHead::all_reduce(const torch::Tensor& values, Reduction reduction) const {
    if (ranks() > 1) finish(team_->all_reduce(buffer_of(values), reduction));
}

torch::Tensor ShardedHead::gathered(const torch::Tensor& unit) const {
    const torch::Tensor own = unit.contiguous();
    if (ranks() == 1) return own.unsqueeze(0);
    torch::Tensor all = torch::empty({ranks(), unit.size(0), unit.size(1)}, unit.options());
    finish(team_->all_gather(buffer_of(own), buffer_of(all)));
    return all;
}

/// The classes of the batch, and as many others as the rate asks for, by a draw that depends on step and block alone.
void ShardedHead::take_classes(Block& block, std::int64_t step) const {
    std::vector<char> is_taken(static_cast<std::size_t>(block.classes), 0);
    auto wanted = static_cast<std::int64_t>(settings_.sampling * static_cast<double>(block.classes));
    for (const std::int64_t label : labels_) {
        const std::int64_t place = label - block.begin;
        if (place >= 0 && place < block.classes && std::exchange(is_taken[static_cast<std::size_t>(place)], 1) == 0) --wanted;
    }
    std::vector<std::int64_t> others;
    for (std::int64_t c = 0; c < block.classes; ++c)
        if (is_taken[static_cast<std::size_t>(c)] == 0) others.push_back(c);
    RandomStream random(settings_.seed, sha256("classes").prefix(), "classes", key_of_part(step, block.number, parts_.shards));
    for (std::size_t i = 0; i < others.size() && wanted > 0; ++i, --wanted) {  // the first of a shuffle
        const std::size_t other = i + static_cast<std::size_t>(random.below(others.size() - i));
        std::swap(others[i], others[other]);
        is_taken[static_cast<std::size_t>(others[i])] = 1;
    }
    if (std::find(is_taken.begin(), is_taken.end(), 1) == is_taken.end()) is_taken[0] = 1;  // a block has one at least
    std::vector<std::int64_t> taken;
    block.places.assign(is_taken.size(), -1);
    for (std::size_t c = 0; c < is_taken.size(); ++c) {
        if (is_taken[c] == 0) continue;
        block.places[c] = static_cast<std::int64_t>(taken.size());
        taken.push_back(static_cast<std::int64_t>(c));
    }
    block.taken = indices(taken, device_);
}

void ShardedHead::begin(std::int64_t step, std::vector<std::int64_t> own_labels) {
    const torch::NoGradGuard no_gradients;
    labels_.resize(own_labels.size() * static_cast<std::size_t>(ranks()));
    const auto buffer = [](std::vector<std::int64_t>& labels) { return Buffer{.data = labels.data(), .count = labels.size(), .type = Scalar::i64}; };
    if (ranks() > 1)
        finish(team_->all_gather(buffer(own_labels), buffer(labels_)));
    else
        labels_ = std::move(own_labels);
    const auto samples = static_cast<std::int64_t>(labels_.size());
    units_ = torch::empty({samples, settings_.embedding_size}, device_);
    for (Block& block : blocks_) {
        if (settings_.sampling < 1.0) take_classes(block, step);
        const torch::Tensor weight = block.taken.defined() ? block.weight.index_select(0, block.taken) : block.weight;
        block.length = weight.norm(2, {1}, true).clamp_min(kSmallestNorm);
        block.unit = weight / block.length;
        block.slopes = torch::empty({samples, block.unit.size(0)}, device_);
    }
}

torch::Tensor ShardedHead::loss(const torch::Tensor& embeddings, int part, const MarginsOfPart& margins) {
    return RoundLoss::apply(fairsweep::unit(embeddings), this, part, &margins);
}

torch::Tensor ShardedHead::target_slopes(const torch::Tensor& cosines, const torch::Tensor& margins, torch::Tensor& shifted) const {
    const torch::AutoGradMode with_gradients(true);
    const torch::Tensor leaf = cosines.detach().requires_grad_(true);
    const torch::Tensor result = shifted_cosine(settings_.loss, leaf, margins);
    shifted = result.detach();
    return torch::autograd::grad({result.sum()}, {leaf})[0];
}

ShardedHead::Products ShardedHead::products_of(const Block& block, const torch::Tensor& unit, int part, const torch::Tensor& margins) const {
    const torch::Tensor cosines = torch::mm(unit, block.unit.t());
    Products products;
    products.logits = cosines.clamp(-1.0, 1.0);
    products.inside = products.logits.eq(cosines);
    std::vector<std::int64_t> rows, columns;
    for (std::int64_t row = 0; row < unit.size(0); ++row) {
        const std::int64_t place = labels_[static_cast<std::size_t>(part * unit.size(0) + row)] - block.begin;
        if (place < 0 || place >= block.classes) continue;
        rows.push_back(row);
        columns.push_back(block.places.empty() ? place : block.places[static_cast<std::size_t>(place)]);
    }
    products.target_logits = torch::zeros({unit.size(0)}, unit.options());
    if (!rows.empty()) {
        products.rows = indices(rows, device_), products.columns = indices(columns, device_);
        torch::Tensor shifted;
        const torch::Tensor own_margins = margins.index_select(0, products.rows);
        products.target_slopes = target_slopes(products.logits.index({products.rows, products.columns}), own_margins, shifted);
        products.logits.index_put_({products.rows, products.columns}, shifted);
        products.target_logits.index_put_({products.rows}, shifted * settings_.loss.scale);
    }
    products.logits.mul_(settings_.loss.scale);
    return products;
}

std::pair<torch::Tensor, torch::Tensor> ShardedHead::round(const torch::Tensor& unit, int part, const MarginsOfPart& margins) {
    const std::int64_t samples = unit.size(0);
    const torch::Tensor all = gathered(unit);  // of every rank's part of this place
    const auto part_of = [&](int rank) { return rank * parts_.count + part - parts_.first; };
    std::vector<std::vector<Products>> products(static_cast<std::size_t>(ranks()));
    torch::Tensor maxima = torch::full({ranks(), samples}, -std::numeric_limits<float>::infinity(), unit.options());
    for (int rank = 0; rank < ranks(); ++rank) {
        const torch::Tensor own_margins = on_device(margins(part_of(rank)), device_);
        const torch::Tensor of_rank = all[rank].clone();  // a product may depend on where in memory its rows begin
        for (const Block& block : blocks_) {
            Products& found = products[static_cast<std::size_t>(rank)].emplace_back(products_of(block, of_rank, part_of(rank), own_margins));
            maxima[rank].copy_(torch::maximum(maxima[rank], found.logits.amax(1)));
        }
    }
    all_reduce(maxima, Reduction::max);
    const torch::Tensor sums = torch::empty({2, ranks(), samples}, unit.options());  // of exponentials; the target's logit
    for (int rank = 0; rank < ranks(); ++rank) {
        TensorSum exponentials(&add_in_place), targets(&add_in_place);
        for (Products& one : products[static_cast<std::size_t>(rank)]) {
            one.logits.sub_(maxima[rank].unsqueeze(1)).exp_();
            exponentials.add(one.logits.sum(1));
            targets.add(one.target_logits);
        }
        sums[0][rank].copy_(exponentials.sum());
        sums[1][rank].copy_(targets.sum());
    }
    all_reduce(sums, Reduction::sum);
    const torch::Tensor gradients = torch::empty_like(all);
    for (int rank = 0; rank < ranks(); ++rank) {
        const std::int64_t first = part_of(rank) * samples;
        units_.slice(0, first, first + samples).copy_(all[rank]);
        TensorSum gradient(&add_in_place);
        for (std::size_t b = 0; b < blocks_.size(); ++b) {
            Products& one = products[static_cast<std::size_t>(rank)][b];
            torch::Tensor slopes = one.logits.div_(sums[0][rank].unsqueeze(1));  // softmax
            if (one.rows.defined()) {
                const torch::Tensor of_targets = slopes.index({one.rows, one.columns}) - 1.0;
                slopes.index_put_({one.rows, one.columns}, of_targets * one.target_slopes);
            }
            slopes.mul_(settings_.loss.scale / static_cast<double>(samples)).mul_(one.inside);
            gradient.add(torch::mm(slopes, blocks_[b].unit));
            blocks_[b].slopes.slice(0, first, first + samples).copy_(slopes);
        }
        gradients[rank].copy_(gradient.sum());
    }
    all_reduce(gradients, Reduction::sum);
    const int own = ranks() == 1 ? 0 : team_->rank();
    const torch::Tensor rows = (maxima[own] - sums[1][own]) + sums[0][own].log();  // the large ones cancel first
    return {rows.mean(), gradients[own]};
}

void ShardedHead::apply(double learning_rate) {
    const torch::NoGradGuard no_gradients;
    for (Block& block : blocks_) {
        const torch::Tensor by_unit = torch::mm(block.slopes.t(), units_).div_(parts_.shards);
        torch::Tensor gradient = (by_unit - block.unit * (by_unit * block.unit).sum(1, true)) / block.length;
        const bool takes_all = !block.taken.defined();
        const torch::Tensor weight = takes_all ? block.weight : block.weight.index_select(0, block.taken);
        const torch::Tensor momentum = takes_all ? block.momentum : block.momentum.index_select(0, block.taken);
        gradient.add_(weight, settings_.weight_decay);
        momentum.mul_(settings_.momentum).add_(gradient);
        weight.sub_(settings_.nesterov ? gradient.add(momentum, settings_.momentum) : momentum, learning_rate);
        block.slopes = block.unit = block.length = torch::Tensor();
        if (takes_all) continue;
        block.weight.index_copy_(0, block.taken, weight);
        block.momentum.index_copy_(0, block.taken, momentum);
    }
}

NamedTensors ShardedHead::state() const {
    NamedTensors state;
    for (const Block& block : blocks_) {
        state.emplace_back(fmt::format("block.{}", block.number), block.weight);
        state.emplace_back(fmt::format("block_momentum.{}", block.number), block.momentum);
    }
    return state;
}

NamedTensors ShardedHead::gathered_state() const {
    const torch::NoGradGuard no_gradients;
    if (ranks() == 1) return state();
    NamedTensors all;
    for (int number = 0; number < parts_.shards; ++number) {
        const int owner = number / parts_.count;
        const std::int64_t classes = begin_of(number + 1) - begin_of(number);
        for (const bool is_momentum : {false, true}) {
            torch::Tensor values = torch::empty({classes, settings_.embedding_size}, device_);
            if (owner == team_->rank()) {
                const Block& block = blocks_[static_cast<std::size_t>(number - parts_.first)];
                values.copy_(is_momentum ? block.momentum : block.weight);
            }
            finish(team_->broadcast(buffer_of(values), owner));
            if (team_->rank() == 0) all.emplace_back(fmt::format("{}.{}", is_momentum ? "block_momentum" : "block", number), values.cpu());
        }
    }
    return all;
}

}  // namespace fairsweep

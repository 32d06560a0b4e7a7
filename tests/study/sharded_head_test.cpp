/// The head in blocks against torch's whole one, over ranks that are threads, and with a part of its classes.
#include <algorithm>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "../collective/thread_messages.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/random.hpp"
#include "study/sharded_head.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

constexpr int kParts = 4, kSamples = 6, kValues = 16, kSteps = 3;  // samples of a part
constexpr std::int64_t kClasses = 37;                              // blocks of 10, 9, 9 and 9
constexpr double kRate = 0.05;

ShardedHead::Settings settings(MarginLoss::Kind kind, double sampling = 1.0, bool falls_to_pi = true) {
    return {.loss = {.kind = kind, .scale = 16.0, .falls_to_pi = falls_to_pi},
            .embedding_size = kValues,
            .classes = kClasses,
            .sampling = sampling,
            .momentum = 0.9,
            .weight_decay = 5e-4,
            .nesterov = true,
            .seed = 7};
}

torch::Tensor embeddings_of(int step, int part) {
    torch::Tensor values = torch::empty({kSamples, kValues});
    RandomStream random(3, 1, "embeddings", static_cast<std::uint64_t>(step * kParts + part));
    for (float& value : std::span(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()))) value = static_cast<float>(random.normal());
    return values;
}
/// Two people of the same block, one of another, some of the rest.
std::vector<std::int64_t> labels_of(int step, int part) {
    std::vector<std::int64_t> labels;
    for (int i = 0; i < kSamples; ++i) labels.push_back((step * 5 + part * 11 + i * 7) % 20);
    return labels;
}
torch::Tensor margins_of(int part) { return torch::full({kSamples}, 0.3 + 0.01 * part); }

/// What a training of a few steps leaves on a rank.
struct Left {
    std::vector<double> losses;
    std::vector<torch::Tensor> gradients;
    NamedTensors state;
};

Left train(const ShardedHead::Settings& of, Collective* team) {
    const OwnParts parts = own_parts(kParts, team != nullptr ? team->rank() : 0, team != nullptr ? team->size() : 1);
    ShardedHead head(of, parts, team);
    Left left;
    for (int step = 0; step < kSteps; ++step) {
        std::vector<std::int64_t> labels;
        for (int part = parts.first; part < parts.first + parts.count; ++part)
            for (const std::int64_t label : labels_of(step, part)) labels.push_back(label);
        head.begin(step, labels);
        for (int part = parts.first; part < parts.first + parts.count; ++part) {
            const torch::Tensor embeddings = embeddings_of(step, part).requires_grad_(true);
            const torch::Tensor loss = head.loss(embeddings, part, margins_of);
            loss.backward();
            left.losses.push_back(loss.item<double>());
            left.gradients.push_back(embeddings.grad());
        }
        head.apply(kRate);
    }
    left.state = head.gathered_state();
    return left;
}

std::vector<Left> train_in_team(const ShardedHead::Settings& of, int size) {
    return contract::on_ranks(size, [&of](int, Collective& team) { return train(of, &team); });
}

/// All class vectors in their order, [classes, values].
torch::Tensor vectors_in(const NamedTensors& state) {
    std::vector<torch::Tensor> blocks;
    for (const auto& [name, tensor] : state)
        if (name.starts_with("block.")) blocks.push_back(tensor);
    return torch::cat(blocks);
}

void check_close(const torch::Tensor& found, const torch::Tensor& expected) {
    const double difference = (found - expected).abs().max().item<double>(), size = expected.abs().max().item<double>();
    CHECK(difference <= 2e-5 * size);  // float32: sums of 37 classes and 24 samples in another order
}

}  // namespace

TEST_CASE("With all classes the blocks train as torch's whole head does", "[sharded head]") {
    using Kind = MarginLoss::Kind;
    for (const auto& [kind, falls] : {std::pair(Kind::arc, true), std::pair(Kind::arc, false), std::pair(Kind::cos, true)}) {
        const ShardedHead::Settings of = settings(kind, 1.0, falls);
        const Left found = train(of, nullptr);
        MarginHead whole(kValues, static_cast<int>(kClasses), of.loss, 1);
        {
            const torch::NoGradGuard no_gradients;
            const ShardedHead fresh(of, own_parts(kParts, 0, 1), nullptr);
            whole.kernel.copy_(vectors_in(fresh.state()).t());
        }
        torch::optim::SGD sgd(whole.parameters(), torch::optim::SGDOptions(kRate).momentum(of.momentum).weight_decay(of.weight_decay).nesterov(true));
        for (int step = 0; step < kSteps; ++step) {
            sgd.zero_grad();
            for (int part = 0; part < kParts; ++part) {
                INFO("step " << step << ", part " << part);
                const torch::Tensor embeddings = embeddings_of(step, part).requires_grad_(true), labels = torch::tensor(labels_of(step, part));
                const torch::Tensor loss = torch::cross_entropy_loss(whole.forward(embeddings, labels, margins_of(part)), labels);
                (loss / kParts).backward();
                const auto place = static_cast<std::size_t>(step * kParts + part);
                CHECK(found.losses[place] == Approx(loss.item<double>()).epsilon(1e-5));
                check_close(found.gradients[place], embeddings.grad() * kParts);
            }
            sgd.step();
        }
        check_close(vectors_in(found.state), whole.kernel.detach().t());
    }
}

TEST_CASE("1, 2 and 4 ranks leave the same bits", "[sharded head]") {
    const ShardedHead::Settings of = settings(MarginLoss::Kind::arc, GENERATE(1.0, 0.5));
    INFO("sampling " << of.sampling);
    const Left alone = train(of, nullptr);
    for (const int size : {2, 4}) {
        INFO(size << " ranks");
        const std::vector<Left> ranks = train_in_team(of, size);
        for (int part = 0; part < kParts; ++part) {
            const int count = kParts / size;
            const Left& left = ranks[static_cast<std::size_t>(part / count)];
            for (int step = 0; step < kSteps; ++step) {
                const auto here = static_cast<std::size_t>(step * count + part % count), there = static_cast<std::size_t>(step * kParts + part);
                CHECK(left.losses[here] == alone.losses[there]);
                CHECK(torch::equal(left.gradients[here], alone.gradients[there]));
            }
        }
        REQUIRE(ranks[0].state.size() == alone.state.size());
        for (std::size_t i = 0; i < alone.state.size(); ++i) {
            CHECK(ranks[0].state[i].first == alone.state[i].first);
            CHECK(torch::equal(ranks[0].state[i].second, alone.state[i].second));
        }
    }
}

TEST_CASE("A step takes the classes of its batch and as many others as the rate asks for", "[sharded head]") {
    const double sampling = GENERATE(0.1, 0.6);
    INFO("sampling " << sampling);
    ShardedHead head(settings(MarginLoss::Kind::arc, sampling), own_parts(kParts, 0, 1), nullptr);
    std::vector<std::int64_t> labels;
    for (int part = 0; part < kParts; ++part)
        for (const std::int64_t label : labels_of(0, part)) labels.push_back(label);
    const torch::Tensor before = vectors_in(head.state()).clone();
    head.begin(0, labels);
    for (int part = 0; part < kParts; ++part) head.loss(embeddings_of(0, part).requires_grad_(true), part, margins_of).backward();
    head.apply(kRate);
    const torch::Tensor changed = (vectors_in(head.state()) != before).any(1);
    std::int64_t begin = 0;
    for (const std::int64_t classes : {10, 9, 9, 9}) {
        std::int64_t of_batch = 0, taken = 0;
        for (std::int64_t c = begin; c < begin + classes; ++c) {
            const bool is_of_batch = std::find(labels.begin(), labels.end(), c) != labels.end();
            of_batch += is_of_batch ? 1 : 0;
            taken += changed[c].item<bool>() ? 1 : 0;
            if (is_of_batch) CHECK(changed[c].item<bool>());
        }
        const auto asked = static_cast<std::int64_t>(sampling * static_cast<double>(classes));
        CHECK(taken == std::max({of_batch, asked, std::int64_t{1}}));
        begin += classes;
    }
}

TEST_CASE("Fewer classes than blocks are refused", "[sharded head]") {
    ShardedHead::Settings few = settings(MarginLoss::Kind::arc);
    few.classes = 3;
    CHECK_THROWS_WITH(ShardedHead(few, own_parts(kParts, 0, 1), nullptr), Catch::Matchers::Contains("3 identities for 4 blocks"));
}

TEST_CASE("Every step takes other classes", "[sharded head]") {
    ShardedHead head(settings(MarginLoss::Kind::arc, 0.5), own_parts(1, 0, 1), nullptr);
    const std::vector<std::int64_t> labels(kSamples, 0);
    std::vector<torch::Tensor> changed;
    for (const int step : {0, 1}) {
        const torch::Tensor before = vectors_in(head.state()).clone();
        head.begin(step, labels);
        head.loss(embeddings_of(0, 0).requires_grad_(true), 0, margins_of).backward();
        head.apply(kRate);
        changed.push_back((vectors_in(head.state()) != before).any(1));
    }
    CHECK_FALSE(torch::equal(changed[0], changed[1]));
}

TEST_CASE("Cosines that rounding pushes out of -1 to 1 pass no gradient on, as in torch", "[sharded head]") {
    ShardedHead::Settings of = settings(MarginLoss::Kind::cos);
    ShardedHead head(of, own_parts(1, 0, 1), nullptr);
    const torch::Tensor vectors = vectors_in(head.state()), units = vectors / vectors.norm(2, {1}, true);
    const torch::Tensor cosines = torch::mm(units, units.t());
    MarginHead whole(kValues, static_cast<int>(kClasses), of.loss, 1);
    {
        const torch::NoGradGuard no_gradients;
        whole.kernel.copy_(vectors.t());
    }
    std::vector<std::int64_t> labels(static_cast<std::size_t>(kClasses));
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i);
    const auto gradient_of = [&](const auto& loss_of) {
        const torch::Tensor embeddings = vectors.detach().clone().requires_grad_(true);
        loss_of(embeddings).backward();
        return embeddings.grad();
    };
    const torch::Tensor margins = torch::zeros({kClasses});
    head.begin(0, labels);
    const torch::Tensor found = gradient_of([&](const torch::Tensor& x) { return head.loss(x, 0, [&](int) { return margins; }); });
    const torch::Tensor expected = gradient_of([&](const torch::Tensor& x) {
        return torch::cross_entropy_loss(whole.forward(x, torch::tensor(labels), margins), torch::tensor(labels));
    });
    CHECK(cosines.diagonal().gt(1.0).any().item<bool>());  // else this shows nothing
    check_close(found, expected);
}

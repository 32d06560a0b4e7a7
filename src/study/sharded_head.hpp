#pragma once
/// A margin head whose classes are cut into as many blocks as a batch has parts, for training sets of many identities: the ranks of a team
/// have a block each, or several, and no rank has all. Partial FC (An et al., CVPR 2022, arXiv 2203.15565): with a sampling rate below 1 a
/// step takes the classes of its batch and a random rest of every block.
///
/// The result depends on the number of blocks alone, bit for bit: products are of the same shapes whoever computes them, rows are added
/// over blocks as the balanced binary tree.
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "fairsweep/collective.hpp"
#include "model/margin_head.hpp"
#include "model/network.hpp"
#include "study/sharded_step.hpp"

namespace fairsweep {

class ShardedHead {
public:
    struct Settings {
        MarginLoss loss{};
        int embedding_size = 0;
        std::int64_t classes = 0;
        double sampling = 1.0;  ///< share of every block's classes that a step takes, in (0, 1]; those of its batch always
        double momentum = 0.0, weight_decay = 0.0;
        bool nesterov = false;
        std::uint64_t seed = 0;
    };
    /// Class vectors [classes, embedding_size], N(0, 0.01) from (seed, "class", class). `blocks`: this rank's, which are the parts that it
    /// computes. `team`: null for one rank; must outlive the head. Throws a data error for fewer classes than blocks.
    ShardedHead(const Settings& settings, const OwnParts& blocks, Collective *team);
    void to(torch::Device device);

    /// Before the parts of a step: the labels of this rank's samples, part after part. Collective.
    void begin(std::int64_t step, std::vector<std::int64_t> own_labels);
    /// Margins of a part's samples, float32 [samples]: every rank draws those of all parts itself.
    using MarginsOfPart = std::function<torch::Tensor(int part)>;
    /// The mean loss of the part's samples, from embeddings [samples, embedding_size]. Parts in their order. Collective.
    [[nodiscard]] torch::Tensor loss(const torch::Tensor& embeddings, int part, const MarginsOfPart& margins);
    /// After the parts: one step of SGD, as torch.optim.SGD does it, on the classes that were taken. Local.
    void apply(double learning_rate);

    /// What this rank's blocks hold, to be kept and restored, named by block. Shares memory with the head.
    [[nodiscard]] NamedTensors state() const;
    /// That of all blocks, on the processor. Collective.
    [[nodiscard]] NamedTensors gathered_state() const;

private:
    struct Block {
        int number = 0;
        std::int64_t begin = 0, classes = 0;   ///< the first, and how many
        torch::Tensor weight, momentum;        ///< [classes, values]
        torch::Tensor taken{};                 ///< of this step: int64 [taken], rising; undefined: all
        std::vector<std::int64_t> places{};    ///< of its classes among those taken, [classes]; -1: not; empty: all, in order
        torch::Tensor unit{}, length{};        ///< of those taken, [taken, values], [taken, 1]
        torch::Tensor slopes{};                ///< of the loss by cosines, [samples of the batch, taken]
    };
    struct Products;
    friend struct RoundLoss;
    /// The part's loss, and its gradient by the unit embeddings. All ranks are at the parts of the same place among their own.
    [[nodiscard]] std::pair<torch::Tensor, torch::Tensor> round(const torch::Tensor& unit, int part, const MarginsOfPart& margins);
    /// The first class of a block; one past the last block: the number of classes.
    [[nodiscard]] std::int64_t begin_of(int block) const;
    void take_classes(Block& block, std::int64_t step) const;
    [[nodiscard]] Products products_of(const Block& block, const torch::Tensor& unit, int part, const torch::Tensor& margins) const;
    [[nodiscard]] torch::Tensor target_slopes(const torch::Tensor& cosines, const torch::Tensor& margins, torch::Tensor& shifted) const;
    void finish(Ticket ticket) const;
    void all_reduce(const torch::Tensor& values, Reduction reduction) const;
    [[nodiscard]] torch::Tensor gathered(const torch::Tensor& unit) const;
    [[nodiscard]] int ranks() const { return parts_.shards / parts_.count; }

    Settings settings_;
    OwnParts parts_;
    Collective* team_;
    torch::Device device_ = torch::kCPU;
    std::vector<Block> blocks_;
    std::vector<std::int64_t> labels_;  ///< of the whole batch, in the order of its parts
    torch::Tensor units_;               ///< unit embeddings of the whole batch, [samples, values]
};

}  // namespace fairsweep

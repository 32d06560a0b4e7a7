#pragma once
/// The computation of a network as a list of operations, without numbers. No torch here.
#include <cstdint>
#include <string>
#include <vector>

#include "export/exported_network.hpp"

namespace fairsweep {

struct GraphNode {
    enum class Op { convolution, batch_norm, prelu, quantiser, add, flatten, linear, mean, relu, sigmoid, multiply };
    Op op{};
    std::string name;                 ///< of the module whose tensors it uses, and of its output; unique
    std::vector<std::string> inputs;  ///< names of earlier nodes, or kGraphInput
};

inline constexpr const char* kGraphInput = "images";

struct Graph {
    std::vector<GraphNode> nodes;            ///< in order of execution; the last one's output is the result
    std::vector<std::int64_t> input_shape;   ///< of one item: [channels, rows, cols]
    std::vector<std::int64_t> output_shape;  ///< of one item: [dimensions]
    const char* output_name = "embeddings";  ///< of a classifier "logits"
};

/// The operations of IResNet or MobileFaceNet. A `quantiser` stands at every activation point, whether quantised or not.
/// Throws an internal Error naming a tensor of `network` that no operation uses, or an operation that finds none.
[[nodiscard]] Graph graph_of(const ExportedNetwork& network);

}  // namespace fairsweep

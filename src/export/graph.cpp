#include "export/graph.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

using Op = GraphNode::Op;

/// Every function takes the name of a value and returns the name of the result.
struct Builder {
    std::vector<GraphNode> nodes;

    std::string add(Op op, std::string name, std::vector<std::string> inputs) {
        nodes.push_back({op, std::move(name), std::move(inputs)});
        return nodes.back().name;
    }
    std::string convolution(const std::string& name, const std::string& x) { return add(Op::convolution, name, {x}); }
    std::string batch_norm(const std::string& name, const std::string& x) { return add(Op::batch_norm, name, {x}); }
    std::string prelu(const std::string& name, const std::string& x) {
        return add(Op::quantiser, name + ".output", {add(Op::prelu, name, {x})});
    }
    /// The sum of two values, then the activation point "<unit>.sum".
    std::string sum(const std::string& unit, const std::string& x, const std::string& y) {
        return add(Op::quantiser, unit + ".sum", {add(Op::add, unit + ".add", {x, y})});
    }
};

/// Squeeze and excitation: every channel times a weight in (0, 1) that the channels' means decide.
std::string squeeze_excitation(Builder& to, const std::string& name, const std::string& x) {
    std::string w = to.convolution(name + ".fc1", to.add(Op::mean, name + ".mean", {x}));
    w = to.add(Op::quantiser, name + ".relu", {to.add(Op::relu, name + ".relu.plain", {w})});
    w = to.add(Op::sigmoid, name + ".sigmoid", {to.convolution(name + ".fc2", w)});
    return to.add(Op::multiply, name + ".scaled", {x, w});
}

std::string iresnet_block(Builder& to, const std::string& name, const std::string& x, bool has_projection, bool use_se) {
    std::string y = to.batch_norm(name + ".bn1", x);
    y = to.prelu(name + ".prelu", to.batch_norm(name + ".bn2", to.convolution(name + ".conv1", y)));
    y = to.batch_norm(name + ".bn3", to.convolution(name + ".conv2", y));
    if (use_se) y = squeeze_excitation(to, name + ".se_block", y);
    if (!has_projection) return to.sum(name, y, x);
    return to.sum(name, y, to.batch_norm(name + ".downsample.1", to.convolution(name + ".downsample.0", x)));
}

void build_iresnet_graph(Builder& to, const ExportedNetwork& network) {
    std::string x = to.prelu("prelu", to.batch_norm("bn1", to.convolution("conv1", kGraphInput)));
    for (std::size_t stage = 0; stage < 4; ++stage) {
        for (int block = 0; block < network.architecture.stage_blocks[stage]; ++block) {
            const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
            const bool has_projection =
                std::any_of(network.weights.begin(), network.weights.end(),
                            [&](const ExportedWeight& weight) { return weight.layer == name + ".downsample.0"; });
            x = iresnet_block(to, name, x, has_projection, network.architecture.use_se);
        }
    }
    x = to.add(Op::flatten, "flatten", {to.batch_norm("bn2", x)});
    to.batch_norm("features", to.add(Op::linear, "fc", {x}));
}

std::string conv_block(Builder& to, const std::string& name, const std::string& x, bool with_prelu) {
    const std::string y = to.batch_norm(name + ".bn", to.convolution(name + ".conv", x));
    return with_prelu ? to.prelu(name + ".prelu", y) : y;
}

std::string depth_wise(Builder& to, const std::string& name, const std::string& x, bool residual) {
    std::string y = conv_block(to, name + ".conv", x, true);
    y = conv_block(to, name + ".conv_dw", y, true);
    y = conv_block(to, name + ".project", y, false);
    return residual ? to.sum(name, x, y) : y;
}

void build_mobilefacenet_graph(Builder& to, const ExportedNetwork& network) {
    std::string x = conv_block(to, "conv1", kGraphInput, true);
    x = conv_block(to, "conv2_dw", x, true);
    const std::pair<const char*, const char*> parts[] = {{"conv_23", "conv_3"}, {"conv_34", "conv_4"}, {"conv_45", "conv_5"}};
    for (std::size_t part = 0; part < 3; ++part) {
        x = depth_wise(to, parts[part].first, x, false);
        for (int i = 0; i < network.architecture.stage_blocks[part]; ++i)
            x = depth_wise(to, std::string(parts[part].second) + ".model." + std::to_string(i), x, true);
    }
    x = conv_block(to, "conv_6_sep", x, true);
    x = to.add(Op::flatten, "flatten", {conv_block(to, "output_layer.conv_6_dw", x, false)});
    to.batch_norm("output_layer.bn", to.add(Op::linear, "output_layer.linear", {x}));
}

[[noreturn]] void refuse(const std::string& name, const std::string& found) {
    throw Error(ErrorKind::internal, {.attempted = "write the graph of a network",
                                      .where = name,
                                      .found = found,
                                      .expected = "an operation for every tensor, and its tensors for every operation",
                                      .hint = "this network has a part that the export does not know yet"});
}

/// Nothing of the network may be left out of the graph, and the graph may need nothing that the network lacks.
void check_complete(const ExportedNetwork& network, const std::vector<GraphNode>& nodes) {
    std::set<std::string> left;
    for (const ExportedWeight& weight : network.weights) left.insert(weight.tensor());
    for (const ExportedConstant& constant : network.constants) left.insert(constant.name);
    for (const ExportedActivation& activation : network.activations) left.insert(activation.point);
    const auto use = [&left](const std::string& name) {
        if (left.erase(name) == 0) refuse(name, "no such tensor");
    };
    for (const GraphNode& node : nodes) {
        const bool has_weight = node.op == Op::convolution || node.op == Op::linear || node.op == Op::prelu;
        if (has_weight || node.op == Op::batch_norm) use(node.name + ".weight");
        if (node.op == Op::batch_norm)
            for (const char* tensor : {".bias", ".running_mean", ".running_var"}) use(node.name + tensor);
        if (node.op == Op::linear) left.erase(node.name + ".bias");  // MobileFaceNet's has none
        if (node.op == Op::quantiser) left.erase(node.name);
    }
    if (!left.empty()) refuse(*left.begin(), "no operation that uses it");
}

}  // namespace

Graph graph_of(const ExportedNetwork& network) {
    Builder builder;
    if (network.architecture.family == NetworkFamily::iresnet) {
        build_iresnet_graph(builder, network);
    } else {
        build_mobilefacenet_graph(builder, network);
    }
    const std::int64_t side = network.architecture.input_size;
    Graph graph{{}, {3, side, side}, {network.architecture.embedding_size}};
    for (const ExportedWeight& weight : network.weights) {
        if (weight.layer != "classifier") continue;
        builder.add(Op::linear, weight.layer, {builder.nodes.back().name});
        graph.output_shape = {weight.shape.front()};
        graph.output_name = "logits";
    }
    check_complete(network, builder.nodes);
    graph.nodes = std::move(builder.nodes);
    return graph;
}

}  // namespace fairsweep

#include "export/export_description.hpp"

#include <cmath>
#include <map>

#include "export/export_point.hpp"
#include "export/graph.hpp"
#include "export/packed_file.hpp"
#include "export/packed_size.hpp"
#include "fairsweep/error.hpp"
#include "networks.hpp"
#include "study/checkpoint.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

struct Kind {
    const char* architecture;
    Bits bits;
    double sparsity;
};
constexpr Kind kKinds[] = {
    {"iresnet10-w16-56", {32, 32}, 0.0},     {"iresnet10-w16-56", {8, 8}, 0.5},     {"iresnet10-w16-56", {4, 6}, 0.0},
    {"mobilefacenet-w16-56", {32, 32}, 0.5}, {"mobilefacenet-w16-56", {3, 8}, 0.0}, {"mobilefacenet-w16-56", {16, 16}, 0.0},
    {"mobilefacenet-w16-56", {32, 8}, 0.0},  {"iresnet10-w16-56-se", {8, 8}, 0.0},
};

/// Runs a graph with LibTorch's operations on the described numbers alone: nothing of the network itself is used.
torch::Tensor run_graph(const ExportedNetwork& network, const Graph& graph, const torch::Tensor& images) {
    std::map<std::string, torch::Tensor> values{{kGraphInput, images}}, constants;
    std::map<std::string, const ExportedWeight*> weights;
    std::map<std::string, QuantiserScale> ranges;
    for (const auto& c : network.constants) constants[c.name] = torch::tensor(c.values);
    for (const auto& w : network.weights) weights[w.layer] = &w;
    for (const auto& a : network.activations) ranges[a.point] = a.quantiser.ranges.front();
    const auto weight = [&](const std::string& layer) {
        return torch::tensor(weights.at(layer)->values).view(weights.at(layer)->shape);
    };
    for (const GraphNode& node : graph.nodes) {
        const torch::Tensor x = values.at(node.inputs.front());
        torch::Tensor& y = values[node.name];
        switch (node.op) {
            case GraphNode::Op::convolution: {
                const ExportedWeight& layer = *weights.at(node.name);
                y = torch::conv2d(x, weight(node.name), {}, layer.stride, layer.padding, 1, layer.groups);
                break;
            }
            case GraphNode::Op::batch_norm:
                y = torch::batch_norm(x, constants.at(node.name + ".weight"), constants.at(node.name + ".bias"),
                                      constants.at(node.name + ".running_mean"), constants.at(node.name + ".running_var"), false,
                                      0.1, 1e-5, false);
                break;
            case GraphNode::Op::prelu:
                y = torch::prelu(x, weight(node.name));
                break;
            case GraphNode::Op::quantiser:
                y = x.contiguous().clone();
                if (ranges.contains(node.name)) {
                    float* data = y.data_ptr<float>();
                    REQUIRE(fake_quantise({data, static_cast<std::size_t>(y.numel())}, data, ranges.at(node.name)));
                }
                break;
            case GraphNode::Op::add:
                y = x + values.at(node.inputs.at(1));
                break;
            case GraphNode::Op::mean:
                y = x.mean({2, 3}, true);
                break;
            case GraphNode::Op::relu:
                y = torch::relu(x);
                break;
            case GraphNode::Op::sigmoid:
                y = torch::sigmoid(x);
                break;
            case GraphNode::Op::multiply:
                y = x * values.at(node.inputs.at(1));
                break;
            case GraphNode::Op::flatten:
                y = x.flatten(1);
                break;
            case GraphNode::Op::linear:
                y = torch::linear(x, weight(node.name),
                                  constants.contains(node.name + ".bias") ? constants.at(node.name + ".bias") : torch::Tensor());
                break;
        }
    }
    return values.at(graph.nodes.back().name);
}

const std::filesystem::path kCheckpoint = "network.ckpt";

/// The network as the sweep would have left it.
void write_network(const Network& network, const Kind& kind) {
    static_cast<void>(write_checkpoint(kCheckpoint, network, {kind.architecture, kind.bits, kind.sparsity},
                                       {{"kind", "network"}, {"stage", "test"}}));
}

std::uint64_t data_bytes(const SafetensorsFile& file) {
    std::uint64_t bytes = 0;
    for (const auto& [name, entry] : file.tensors()) bytes += entry.end - entry.begin;
    return bytes;
}

}  // namespace

TEST_CASE("The described numbers and the graph compute the network's embeddings bit for bit") {
    const torch::NoGradGuard no_grad;
    for (const Kind& kind : kKinds) {
        INFO(kind.architecture << " " << kind.bits.text() << " sparsity " << kind.sparsity);
        const auto network = test::compressed_network(kind.architecture, kind.bits, kind.sparsity);
        const ExportedNetwork described = export_description(*network);
        const torch::Tensor images = test::noise_images(*network, 3, 41);
        CHECK(torch::equal(run_graph(described, graph_of(described), images), network->forward(images)));
    }
}

TEST_CASE("The full networks have a graph, and every tensor has its place in it") {
    for (const char* architecture : {"iresnet18", "iresnet34", "iresnet50", "iresnet100", "mobilefacenet"}) {
        INFO(architecture);
        const auto network = build_network(architecture);
        network->eval();
        const ExportedNetwork described = export_description(*network);
        const Graph graph = graph_of(described);
        CHECK(graph.output_shape == std::vector<std::int64_t>{network->embedding_size()});
        std::size_t convolutions = 0;
        for (const GraphNode& node : graph.nodes) convolutions += node.op == GraphNode::Op::convolution ? 1 : 0;
        // The published numbers of layers.
        const std::map<std::string, std::size_t> expected{
            {"iresnet18", 21}, {"iresnet34", 37}, {"iresnet50", 53}, {"iresnet100", 103}, {"mobilefacenet", 49}};
        CHECK(convolutions == expected.at(architecture));
    }
}

TEST_CASE("A part that the graph does not know is refused by name") {
    const auto network = test::compressed_network("iresnet10-w16-56", {32, 32});
    ExportedNetwork described = export_description(*network);
    SECTION("a tensor too many") {
        described.constants.push_back({"layer1.0.se.weight", {1.0F}});
        CHECK_THROWS_WITH(graph_of(described), ContainsSubstring("layer1.0.se.weight"));
    }
    SECTION("a tensor too few") {
        described.weights.pop_back();
        CHECK_THROWS_WITH(graph_of(described), ContainsSubstring("fc.weight"));
    }
}

TEST_CASE("Quantised activations are described as their points compute them, midpoints included") {
    const torch::NoGradGuard no_grad;
    for (const int bits : {2, 4, 8, 16}) {
        const auto network = test::compressed_network("mobilefacenet-w16-56", {bits, bits});
        const ExportedNetwork described = export_description(*network);
        const auto points = activation_points(*network);
        REQUIRE(described.activations.size() == points.size());
        for (std::size_t i = 0; i < points.size(); ++i) {
            INFO(points[i].first << ", " << bits << " bits");
            CHECK(described.activations[i].point == points[i].first);
            const QuantiserScale range = described.activations[i].quantiser.ranges.front();
            std::vector<float> values;
            const float stride = std::max(1.0F, std::ldexp(1.0F, bits - 10));
            for (float code = range.lowest - 2.0F; code < range.highest + 2.0F; code += stride)
                for (const float part : {0.0F, 0.5F, 0.75F}) values.push_back((code + part + range.zero_point) / range.scale);
            std::vector<float> expected(values.size());
            REQUIRE(fake_quantise(values, expected.data(), range));
            CHECK(torch::equal(points[i].second->forward(torch::tensor(values)), torch::tensor(expected)));
        }
    }
}

TEST_CASE("Codes fill their bits without gaps, least significant bit first") {
    CHECK(pack_codes(std::vector<std::int32_t>{-4, 3, 0}, 3, -4) == std::vector<std::uint8_t>{0b00111000, 0b1});
    CHECK(pack_codes(std::vector<std::int32_t>{-128, 127}, 8, -128) == std::vector<std::uint8_t>{0, 255});
    CHECK(pack_codes(std::vector<std::int32_t>{0x1234}, 16, 0) == std::vector<std::uint8_t>{0x34, 0x12});
    CHECK(pack_codes(std::vector<std::int32_t>{1, 0, 1}, 1, 0) == std::vector<std::uint8_t>{0b101});
    CHECK(pack_codes({}, 5, 0).empty());
}

TEST_CASE("An exported safetensors file is the network again, under the reference's names") {
    const torch::NoGradGuard no_grad;
    for (const Kind& kind : kKinds) {
        INFO(kind.architecture << " " << kind.bits.text() << " sparsity " << kind.sparsity);
        const auto network = test::compressed_network(kind.architecture, kind.bits, kind.sparsity);
        write_network(*network, kind);
        const SafetensorsFile checkpoint(kCheckpoint);
        const ExportSummary summary =
            export_checkpoint(checkpoint, ExportFormat::safetensors, "network.safetensors", {{"point", "0123"}});
        CHECK(summary.file_bytes == std::filesystem::file_size("network.safetensors"));
        const SafetensorsFile exported("network.safetensors");
        CHECK(exported.metadata("point") == "0123");
        CHECK(exported.metadata("bits") == kind.bits.text());
        CHECK(exported.metadata("size_packed_bytes") == std::to_string(packed_size(export_description(*network)).total_bytes()));
        const torch::Tensor images = test::noise_images(*network, 2, 42);
        CHECK(torch::equal(read_network(exported)->forward(images), network->forward(images)));
        // Without ranges and masks exactly the plain network's tensors are left.
        for (const auto& [name, tensor] : state_of(*build_network(kind.architecture))) CHECK(exported.tensors().contains(name));
    }
}

TEST_CASE("The data of a packed file are as long as the packed size says") {
    for (const Kind& kind : kKinds) {
        INFO(kind.architecture << " " << kind.bits.text() << " sparsity " << kind.sparsity);
        const auto network = test::compressed_network(kind.architecture, kind.bits, kind.sparsity);
        write_network(*network, kind);
        const ExportSummary summary = export_checkpoint(SafetensorsFile(kCheckpoint), ExportFormat::packed, "network.packed", {});
        CHECK(data_bytes(SafetensorsFile("network.packed")) == summary.packed_bytes);
        CHECK(summary.packed_bytes == packed_size(export_description(*network)).total_bytes());
        CHECK(summary.float32_bytes == packed_size(export_description(*build_network(kind.architecture))).total_bytes());
        CHECK(summary.packed_sparse_bytes == packed_size(export_description(*network)).sparse_total_bytes());
    }
}

#include "export/onnx_model.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "export/onnx_values.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

/// One linear layer [2, 3] whose second row's range excludes zero: x = (code + zero_point) / scale.
ExportedNetwork small_network(int bits) {
    const auto half = static_cast<float>(1 << (bits - 1));
    ExportedNetwork network;
    ExportedWeight weight;
    weight.layer = "linear";
    weight.kind = ExportedWeight::Kind::linear;
    weight.shape = {2, 3};
    weight.quantiser = QuantiserDescription{
        .bits = bits, .per_channel = true, .ranges = {quantiser_scale(-1.0F, 2.0F, bits), quantiser_scale(0.7F, 0.9F, bits)}};
    const float master[] = {-1.0F, 0.0F, 2.0F, 0.7F, 0.8F, 0.9F};
    for (std::size_t i = 0; i < 6; ++i) {
        const QuantiserScale& range = weight.quantiser->ranges[i / 3];
        CHECK(range.lowest == -half);
        weight.codes.push_back(static_cast<std::int32_t>(quantiser_code(master[i], range)));
        weight.values.push_back((quantiser_code(master[i], range) + range.zero_point) / range.scale);
    }
    network.weights.push_back(weight);
    return network;
}

const Graph kLinearGraph{{{GraphNode::Op::linear, "linear", {kGraphInput}}}, {3}, {2}};

ExportedNetwork small_activation(float x_min, float x_max, int bits) {
    ExportedNetwork network;
    network.activations.push_back(
        {"point", QuantiserDescription{.bits = bits, .per_channel = false, .ranges = {quantiser_scale(x_min, x_max, bits)}}});
    return network;
}

const Graph kPointGraph{{{GraphNode::Op::quantiser, "point", {kGraphInput}}}, {3}, {3}};

onnx::ModelProto parsed(const std::string& bytes) {
    onnx::ModelProto model;
    REQUIRE(model.ParseFromString(bytes));
    return model;
}

std::map<std::string, onnx::TensorProto> initializers(const onnx::ModelProto& model) {
    std::map<std::string, onnx::TensorProto> tensors;
    for (const auto& tensor : model.graph().initializer()) tensors.emplace(tensor.name(), tensor);
    return tensors;
}

template <typename Value>
std::vector<Value> values_of(const onnx::TensorProto& tensor) {
    std::vector<Value> values(tensor.raw_data().size() / sizeof(Value));
    std::memcpy(values.data(), tensor.raw_data().data(), tensor.raw_data().size());
    return values;
}

/// Integers of 4 bits (two a byte, the low half first) or 8, as ONNX stores them.
std::vector<std::int32_t> integers_of(const onnx::TensorProto& tensor) {
    std::vector<std::int32_t> values;
    const auto bytes = values_of<std::int8_t>(tensor);
    if (tensor.data_type() == onnx::TensorProto::INT8) return {bytes.begin(), bytes.end()};
    std::int64_t count = 1;
    for (const std::int64_t side : tensor.dims()) count *= side;
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int32_t half = static_cast<std::uint8_t>(bytes.at(static_cast<std::size_t>(i / 2))) >> (i % 2 * 4) & 0xf;
        values.push_back(half < 8 ? half : half - 16);
    }
    return values;
}

std::vector<std::string> operations(const onnx::ModelProto& model) {
    std::vector<std::string> names;
    for (const auto& node : model.graph().node()) names.push_back(node.op_type());
    return names;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("A weight is integer codes, and what its zero point cannot hold is added") {
    for (const int bits : {2, 4, 7, 8}) {
        INFO(bits << " bits");
        const ExportedNetwork network = small_network(bits);
        const onnx::ModelProto model = parsed(onnx_model(network, kLinearGraph, {}));
        auto tensors = initializers(model);
        const auto codes = integers_of(tensors.at("linear.weight.codes"));
        const auto zero_points = integers_of(tensors.at("linear.weight.zero_point"));
        const auto steps = values_of<float>(tensors.at("linear.weight.step"));
        REQUIRE((codes.size() == 6 && zero_points.size() == 2 && steps.size() == 2));
        const bool is_int4 = bits <= 4 && onnx_bits_max() == 16;
        CHECK(model.opset_import(0).version() == (is_int4 ? 21 : 17));
        // Zero points of the second row: -13, -60, -451, -1020.
        const bool has_offset = tensors.contains("linear.weight.offset");
        CHECK(has_offset == (bits >= 7 || is_int4));
        const Words quantised{"DequantizeLinear", "Gemm", "Identity"}, shifted{"DequantizeLinear", "Add", "Gemm", "Identity"};
        CHECK(operations(model) == (has_offset ? shifted : quantised));
        const auto offsets = has_offset ? values_of<float>(tensors.at("linear.weight.offset")) : std::vector<float>{0.0F, 0.0F};
        CHECK(offsets[0] == 0.0F);
        for (std::size_t i = 0; i < 6; ++i) {
            CHECK(codes[i] == network.weights[0].codes[i]);
            const float less_offset = static_cast<float>(codes[i] - zero_points[i / 3]) * steps[i / 3];
            const float value = less_offset + offsets[i / 3];
            const float expected = network.weights[0].values[i];
            // A reciprocal, two products and a sum, each rounded once.
            CHECK(std::abs(value - expected) <= 4.0F * std::ldexp(1.0F, -24) * std::abs(expected));
        }
        CHECK(static_cast<float>(codes[1] - zero_points[0]) * steps[0] + offsets[0] == 0.0F);  // zero stays exactly zero
    }
}

TEST_CASE("A constant channel keeps its value") {
    ExportedNetwork network = small_network(8);
    ExportedWeight& weight = network.weights[0];
    weight.quantiser->ranges[1] = quantiser_scale(0.3F, 0.3F, 8);
    for (std::size_t i = 3; i < 6; ++i) {
        const QuantiserScale& range = weight.quantiser->ranges[1];
        weight.codes[i] = static_cast<std::int32_t>(quantiser_code(0.3F, range));
        weight.values[i] = (quantiser_code(0.3F, range) + range.zero_point) / range.scale;
    }
    auto tensors = initializers(parsed(onnx_model(network, kLinearGraph, {})));
    const auto codes = values_of<std::int8_t>(tensors.at("linear.weight.codes"));
    const auto zero_points = values_of<std::int8_t>(tensors.at("linear.weight.zero_point"));
    const auto steps = values_of<float>(tensors.at("linear.weight.step"));
    const auto offsets = values_of<float>(tensors.at("linear.weight.offset"));
    for (std::size_t i = 3; i < 6; ++i)
        CHECK(static_cast<float>(codes[i] - zero_points[1]) * steps[1] + offsets[1] == Approx(weight.values[i]).epsilon(1e-6));
}

TEST_CASE("An activation is quantised natively at 8 bits and clipped to its codes below") {
    const Words native{"QuantizeLinear", "DequantizeLinear", "Identity"};
    const Words clipped{"Clip", "QuantizeLinear", "DequantizeLinear", "Identity"};
    CHECK(operations(parsed(onnx_model(small_activation(-1.0F, 2.0F, 8), kPointGraph, {}))) == native);
    const onnx::ModelProto model = parsed(onnx_model(small_activation(-1.0F, 2.0F, 4), kPointGraph, {}));
    CHECK(operations(model) == clipped);
    auto tensors = initializers(model);
    // 4 bits: 16 codes over 3, zero at code -3.
    CHECK(values_of<float>(tensors.at("point.lowest"))[0] == Approx(-1.0));
    CHECK(values_of<float>(tensors.at("point.highest"))[0] == Approx(2.0));
    CHECK(values_of<std::int8_t>(tensors.at("point.zero_point"))[0] == -3);
    CHECK(values_of<float>(tensors.at("point.step"))[0] == Approx(0.2));
}

TEST_CASE("Codes from 0 on are uint8, symmetric ones are clipped int8") {
    ExportedNetwork network = small_activation(-1.0F, 2.0F, 8);
    QuantiserScale& range = network.activations[0].quantiser.ranges[0];
    range = {.scale = 100.0F, .zero_point = -3.0F, .lowest = 0.0F, .highest = 255.0F};
    auto tensors = initializers(parsed(onnx_model(network, kPointGraph, {})));
    CHECK(tensors.at("point.zero_point").data_type() == onnx::TensorProto::UINT8);
    CHECK(values_of<std::uint8_t>(tensors.at("point.zero_point"))[0] == 3);
    range = {.scale = 127.0F, .zero_point = 0.0F, .lowest = -127.0F, .highest = 127.0F};
    const onnx::ModelProto symmetric = parsed(onnx_model(network, kPointGraph, {}));
    CHECK(operations(symmetric).front() == "Clip");
    CHECK(initializers(symmetric).at("point.zero_point").data_type() == onnx::TensorProto::INT8);
}

TEST_CASE("Slopes of a network with symmetric activations leave as the numbers that they are") {
    ExportedNetwork network = small_activation(-1.0F, 1.0F, 8);
    ExportedWeight slopes;
    slopes.layer = "prelu";
    slopes.kind = ExportedWeight::Kind::prelu;
    slopes.shape = {3};
    slopes.quantiser = QuantiserDescription{.bits = 8, .per_channel = false, .ranges = {quantiser_scale(0.0F, 0.25F, 8)}};
    for (const float slope : {0.0F, 0.1F, 0.25F}) {
        const QuantiserScale& range = slopes.quantiser->ranges[0];
        slopes.codes.push_back(static_cast<std::int32_t>(quantiser_code(slope, range)));
        slopes.values.push_back((quantiser_code(slope, range) + range.zero_point) / range.scale);
    }
    network.weights.push_back(slopes);
    const Graph graph{
        {{GraphNode::Op::quantiser, "point", {kGraphInput}}, {GraphNode::Op::prelu, "prelu", {"point"}}}, {3, 4, 4}, {3, 4, 4}};
    const auto nonzero = [&] {
        int count = 0;
        for (const auto& [name, tensor] : initializers(parsed(onnx_model(network, graph, {}))))
            if (name.ends_with(".zero_point"))
                for (const std::int32_t value : integers_of(tensor)) count += value != 0 ? 1 : 0;
        return count;
    };
    QuantiserScale& range = network.activations[0].quantiser.ranges[0];
    range = {.scale = 127.0F, .zero_point = 0.0F, .lowest = -127.0F, .highest = 127.0F};
    CHECK(nonzero() == 0);
    CHECK(values_of<float>(initializers(parsed(onnx_model(network, graph, {}))).at("prelu.weight")) == slopes.values);
    range.zero_point = -3.0F;
    range.lowest = -128.0F;
    CHECK(nonzero() == 2);
    network.activations.clear();  // weights alone are quantised: codes, as ever
    CHECK(nonzero() == 1);
}

TEST_CASE("What ONNX cannot hold is refused by name") {
    CHECK_THROWS_WITH(onnx_model(small_activation(0.5F, 0.6F, 8), kPointGraph, {}),
                      ContainsSubstring("point") && ContainsSubstring("excludes zero"));
    CHECK_THROWS_WITH(onnx_model(small_activation(-0.6F, -0.5F, 8), kPointGraph, {}), ContainsSubstring("excludes zero"));
    if (onnx_bits_max() == 8) {
        CHECK_THROWS_WITH(onnx_model(small_activation(-1.0F, 2.0F, 9), kPointGraph, {}),
                          ContainsSubstring("point") && ContainsSubstring("9 bits") && ContainsSubstring("libonnx 1.16"));
        CHECK_THROWS_WITH(onnx_model(small_network(16), kLinearGraph, {}), ContainsSubstring("linear.weight"));
    } else {
        const onnx::ModelProto model = parsed(onnx_model(small_activation(-1.0F, 2.0F, 9), kPointGraph, {}));
        CHECK(model.opset_import(0).version() == 21);
        CHECK(initializers(model).at("point.zero_point").data_type() == onnx::TensorProto::INT16);
    }
}

TEST_CASE("Operands that do not fit are found before a file is written") {
    Graph graph = kLinearGraph;
    graph.input_shape = {4, 4};
    CHECK_THROWS_WITH(onnx_model(small_network(8), graph, {}), ContainsSubstring("libonnx"));
}

TEST_CASE("A model says what it takes, what it gives and where it comes from, the same way every time") {
    const ExportMetadata metadata{{"point", "0123"}, {"bits", "8"}};
    const std::string bytes = onnx_model(small_network(8), kLinearGraph, metadata);
    CHECK(bytes == onnx_model(small_network(8), kLinearGraph, metadata));
    const onnx::ModelProto model = parsed(bytes);
    CHECK(model.opset_import(0).version() == 17);
    CHECK(model.graph().input(0).name() == "images");
    CHECK(model.graph().input(0).type().tensor_type().shape().dim(0).dim_param() == "batch");
    CHECK(model.graph().output(0).name() == "embeddings");
    CHECK(model.graph().output(0).type().tensor_type().shape().dim(1).dim_value() == 2);
    REQUIRE(model.metadata_props_size() == 2);
    CHECK(model.metadata_props(1).key() == "point");
    CHECK(model.metadata_props(1).value() == "0123");
}

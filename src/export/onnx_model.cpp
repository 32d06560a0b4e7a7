#include "export/onnx_model.hpp"

#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <map>
#include <span>
#include <stdexcept>
#include <utility>

#include "export/onnx_values.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

using Op = GraphNode::Op;

constexpr float kBatchNormEpsilon = 1e-5F;
// Opset 17 with IR version 8 is what ONNX 1.12 knows, and every onnxruntime since 1.12 runs it.
constexpr int kOpset = 17, kIrVersion = 8;
constexpr int kNewerOpset = 21, kNewerIrVersion = 10;

template <typename Part>
std::map<std::string, const Part*> by_name(const std::vector<Part>& parts, std::string Part::*name) {
    std::map<std::string, const Part*> index;
    for (const Part& part : parts) index.emplace(part.*name, &part);
    return index;
}

void add_ints(onnx::NodeProto& node, const char* name, std::initializer_list<std::int64_t> values) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute.add_ints(value);
}

void add_int(onnx::NodeProto& node, const char* name, std::int64_t value) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(value);
}

void add_float(onnx::NodeProto& node, const char* name, float value) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::FLOAT);
    attribute.set_f(value);
}

/// True when every quantised activation, and there is one, has the zero point 0.
bool has_symmetric_activations(const ExportedNetwork& network) {
    return !network.activations.empty() &&
           std::all_of(network.activations.begin(), network.activations.end(), [](const ExportedActivation& activation) {
               const auto& ranges = activation.quantiser.ranges;
               return std::all_of(ranges.begin(), ranges.end(),
                                  [](const QuantiserScale& range) { return range.zero_point == 0.0F; });
           });
}

class GraphWriter {
public:
    GraphWriter(const ExportedNetwork& network, onnx::GraphProto& graph)
        : graph_(graph),
          weights_(by_name(network.weights, &ExportedWeight::layer)),
          activations_(by_name(network.activations, &ExportedActivation::point)),
          constants_(by_name(network.constants, &ExportedConstant::name)),
          symmetric_activations_(has_symmetric_activations(network)) {}

    void write(const Graph& graph) {
        for (const GraphNode& node : graph.nodes) write(node);
        add_node("Identity", graph.output_name, {value(graph.nodes.back().name)}, graph.output_name);
    }
    [[nodiscard]] bool needs_opset_21() const { return needs_opset_21_; }

private:
    void write(const GraphNode& node) {
        switch (node.op) {
            case Op::convolution:
                return write_convolution(node);
            case Op::batch_norm:
                return write_batch_norm(node);
            case Op::prelu:
                add_node("PRelu", node.name, {value(node.inputs[0]), weight(node.name)}, node.name);
                return;
            case Op::quantiser:
                return write_quantiser(node);
            case Op::add:
                add_node("Add", node.name, {value(node.inputs[0]), value(node.inputs[1])}, node.name);
                return;
            case Op::flatten:
                add_int(add_node("Flatten", node.name, {value(node.inputs[0])}, node.name), "axis", 1);
                return;
            case Op::linear:
                return write_linear(node);
            case Op::mean:
                add_node("GlobalAveragePool", node.name, {value(node.inputs[0])}, node.name);
                return;
            case Op::relu:
                add_node("Relu", node.name, {value(node.inputs[0])}, node.name);
                return;
            case Op::sigmoid:
                add_node("Sigmoid", node.name, {value(node.inputs[0])}, node.name);
                return;
            case Op::multiply:
                add_node("Mul", node.name, {value(node.inputs[0]), value(node.inputs[1])}, node.name);
                return;
        }
    }

    void write_convolution(const GraphNode& node) {
        const ExportedWeight& layer = *weights_.at(node.name);
        onnx::NodeProto& proto = add_node("Conv", node.name, {value(node.inputs[0]), weight(node.name)}, node.name);
        add_ints(proto, "kernel_shape", {layer.shape[2], layer.shape[3]});
        add_ints(proto, "strides", {layer.stride, layer.stride});
        add_ints(proto, "pads", {layer.padding, layer.padding, layer.padding, layer.padding});
        add_int(proto, "group", layer.groups);
    }

    void write_batch_norm(const GraphNode& node) {
        std::vector<std::string> inputs{value(node.inputs[0])};
        for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
            inputs.push_back(constant(node.name + part));
        add_float(add_node("BatchNormalization", node.name, inputs, node.name), "epsilon", kBatchNormEpsilon);
    }

    void write_linear(const GraphNode& node) {
        std::vector<std::string> inputs{value(node.inputs[0]), weight(node.name)};
        if (constants_.contains(node.name + ".bias")) inputs.push_back(constant(node.name + ".bias"));
        add_int(add_node("Gemm", node.name, inputs, node.name), "transB", 1);
    }

    /// [Clip ->] QuantizeLinear -> DequantizeLinear; nothing where the point is not quantised.
    void write_quantiser(const GraphNode& node) {
        const auto found = activations_.find(node.name);
        if (found == activations_.end()) {
            aliases_[node.name] = value(node.inputs[0]);
            return;
        }
        const QuantiserDescription& quantiser = found->second->quantiser;
        const QuantiserScale& range = quantiser.ranges.front();
        const IntegerType type = type_for(quantiser, CodeUse::activation, node.name);
        const OnnxRanges ranges = onnx_ranges(quantiser, type);
        if (quantiser.ranges.size() != 1 || ranges.has_offsets()) refuse_activation(node.name, quantiser);
        std::string x = value(node.inputs[0]);
        if (range.lowest > static_cast<float>(type.lowest) || range.highest < static_cast<float>(type.highest)) {
            const float lowest = (range.lowest + range.zero_point) / range.scale;
            const float highest = (range.highest + range.zero_point) / range.scale;
            add_initializer(float_tensor(node.name + ".lowest", {}, std::span(&lowest, 1)));
            add_initializer(float_tensor(node.name + ".highest", {}, std::span(&highest, 1)));
            add_node("Clip", node.name + ".clip", {x, node.name + ".lowest", node.name + ".highest"}, node.name + ".clipped");
            x = node.name + ".clipped";
        }
        add_initializer(float_tensor(node.name + ".step", {}, ranges.steps));
        add_initializer(integer_tensor(node.name + ".zero_point", {}, type, ranges.zero_points));
        add_node("QuantizeLinear", node.name + ".quantize", {x, node.name + ".step", node.name + ".zero_point"},
                 node.name + ".codes");
        add_node("DequantizeLinear", node.name + ".dequantize",
                 {node.name + ".codes", node.name + ".step", node.name + ".zero_point"}, node.name);
    }

    [[noreturn]] static void refuse_activation(const std::string& point, const QuantiserDescription& quantiser) {
        const QuantiserScale& range = quantiser.ranges.front();
        throw_usage({.attempted = "cannot write a quantised activation as ONNX",
                     .where = point,
                     .found = "zero point " + std::to_string(-range.zero_point) + ": its range excludes zero",
                     .expected = "one range that includes zero",
                     .hint = "export it as safetensors"});
    }

    /// The name of the value that holds a layer's float32 weight; its nodes and numbers are added here.
    std::string weight(const std::string& layer) {
        const ExportedWeight& weight = *weights_.at(layer);
        // Slopes [channels] meet activations [batch, channels, rows, cols].
        const bool is_prelu = weight.kind == ExportedWeight::Kind::prelu;
        const Dimensions dims = is_prelu ? Dimensions{weight.channels(), 1, 1} : weight.shape;
        const std::string name = weight.tensor();
        // Slopes are quantised over their present range, whatever the grids are. Engines for symmetric networks (TensorRT) take
        // no zero point but 0: such a network's slopes leave as the numbers that their codes stand for.
        const bool as_numbers = is_prelu && symmetric_activations_;
        if (!weight.quantiser || as_numbers) {
            add_initializer(float_tensor(name, dims, weight.values));
            return name;
        }
        const QuantiserDescription& quantiser = *weight.quantiser;
        const IntegerType type = type_for(quantiser, CodeUse::constant, name);
        const OnnxRanges ranges = onnx_ranges(quantiser, type);
        const Dimensions range_dims = quantiser.per_channel ? Dimensions{weight.channels()} : Dimensions{};
        add_initializer(integer_tensor(name + ".codes", dims, type, weight.codes));
        add_initializer(float_tensor(name + ".step", range_dims, ranges.steps));
        add_initializer(integer_tensor(name + ".zero_point", range_dims, type, ranges.zero_points));
        const std::string dequantised = ranges.has_offsets() ? name + ".less_offset" : name;
        add_int(add_node("DequantizeLinear", name + ".dequantize", {name + ".codes", name + ".step", name + ".zero_point"},
                         dequantised),
                "axis", 0);
        if (ranges.has_offsets()) {
            Dimensions offset_dims = range_dims;
            if (quantiser.per_channel) offset_dims.resize(dims.size(), 1);
            add_initializer(float_tensor(name + ".offset", offset_dims, ranges.offsets));
            add_node("Add", name + ".add_offset", {dequantised, name + ".offset"}, name);
        }
        return name;
    }

    std::string constant(const std::string& name) {
        const ExportedConstant& found = *constants_.at(name);
        add_initializer(float_tensor(name, {static_cast<std::int64_t>(found.values.size())}, found.values));
        return name;
    }

    IntegerType type_for(const QuantiserDescription& quantiser, CodeUse use, const std::string& where) {
        const IntegerType type = integer_type_for(quantiser, use, where);
        needs_opset_21_ = needs_opset_21_ || type.needs_opset_21();
        return type;
    }

    [[nodiscard]] std::string value(const std::string& name) const {
        const auto alias = aliases_.find(name);
        return alias == aliases_.end() ? name : alias->second;
    }

    onnx::NodeProto& add_node(const char* op, const std::string& name, const std::vector<std::string>& inputs,
                              const std::string& output) {
        onnx::NodeProto& node = *graph_.add_node();
        node.set_op_type(op);
        node.set_name(name);
        for (const std::string& input : inputs) node.add_input(input);
        node.add_output(output);
        return node;
    }
    void add_initializer(onnx::TensorProto tensor) { *graph_.add_initializer() = std::move(tensor); }

    onnx::GraphProto& graph_;
    std::map<std::string, const ExportedWeight*> weights_;
    std::map<std::string, const ExportedActivation*> activations_;
    std::map<std::string, const ExportedConstant*> constants_;
    std::map<std::string, std::string> aliases_;  ///< points without a quantiser: the value that goes in
    bool symmetric_activations_;
    bool needs_opset_21_ = false;
};

/// `shape` without the batch, which is free.
void describe_value(onnx::ValueInfoProto& info, const char* name, std::span<const std::int64_t> shape) {
    info.set_name(name);
    onnx::TypeProto::Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(onnx::TensorProto::FLOAT);
    tensor.mutable_shape()->add_dim()->set_dim_param("batch");
    for (const std::int64_t side : shape) tensor.mutable_shape()->add_dim()->set_dim_value(side);
}

/// ONNX's own checker, and shape inference in strict mode, which finds operands that do not fit each other.
void check(onnx::ModelProto& model) {
    try {
        onnx::checker::check_model(model);
        onnx::ShapeInferenceOptions options;
        options.check_type = true;
        options.error_mode = 1;
        onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), options);
    } catch (const std::runtime_error& error) {
        throw Error(ErrorKind::internal, {.attempted = "write a network as ONNX",
                                          .where = "the checker of libonnx",
                                          .found = error.what(),
                                          .expected = "a valid model"});
    }
}

}  // namespace

int onnx_bits_max() { return has_opset_21() ? 16 : 8; }

std::string onnx_model(const ExportedNetwork& network, const Graph& graph, const ExportMetadata& metadata) {
    onnx::ModelProto model;
    model.set_producer_name("fairsweep");
    onnx::GraphProto& proto = *model.mutable_graph();
    proto.set_name("network");
    proto.set_doc_string(
        "images: float32 RGB faces in [-1, 1] (v / 127.5 - 1 of 8-bit pixels); embeddings: not normalised; "
        "logits: of the classes in class_names");
    describe_value(*proto.add_input(), kGraphInput, graph.input_shape);
    describe_value(*proto.add_output(), graph.output_name, graph.output_shape);
    GraphWriter writer(network, proto);
    writer.write(graph);
    onnx::OperatorSetIdProto& opset = *model.add_opset_import();
    opset.set_domain("");
    opset.set_version(writer.needs_opset_21() ? kNewerOpset : kOpset);
    model.set_ir_version(writer.needs_opset_21() ? kNewerIrVersion : kIrVersion);
    for (const auto& [key, text] : metadata) {
        onnx::StringStringEntryProto& entry = *model.add_metadata_props();
        entry.set_key(key);
        entry.set_value(text);
    }
    check(model);
    return model.SerializeAsString();
}

}  // namespace fairsweep

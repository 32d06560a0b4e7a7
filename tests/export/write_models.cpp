// Writes ONNX models, inputs and what fairsweep computes from them into the current folder, for compare_onnxruntime.py.
// Arguments: names of further architectures, each written in float32 and at 8 bits (for measurements by hand).
// models.txt has one line each: KIND NAME (quantiser:SCALE:CODES for single quantisers), the input's shape, the output's shape.
// Values: NAME.in.f32, NAME.out.f32.
#include <torch/torch.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "export/export_description.hpp"
#include "export/onnx_model.hpp"
#include "export/shrink.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "networks.hpp"

using namespace fairsweep;

namespace {

void write_values(const std::string& path, const torch::Tensor& values) {
    const torch::Tensor whole = values.contiguous();
    write_file_atomically(path, std::span(static_cast<const std::byte*>(whole.const_data_ptr()), whole.nbytes()));
}

std::string shape_text(const torch::Tensor& values) {
    std::string text;
    for (const auto side : values.sizes()) {
        if (!text.empty()) text += ',';
        text += std::to_string(side);
    }
    return text;
}

struct Writer {
    std::ofstream list{"models.txt"};

    void write(const std::string& kind, const std::string& name, const std::string& model, const torch::Tensor& in,
               const torch::Tensor& out) {
        write_file_atomically(name + ".onnx", std::string_view(model));
        write_values(name + ".in.f32", in);
        write_values(name + ".out.f32", out);
        list << kind << " " << name << " " << shape_text(in) << " " << shape_text(out) << "\n";
    }
};

void write_network(Writer& writer, const std::string& kind, Network& network, const std::string& name) {
    const ExportedNetwork described = export_description(network);
    const torch::Tensor images = test::noise_images(network, 4, 31);
    writer.write(kind, name, onnx_model(described, graph_of(described), {}), images, network.forward(images));
}

/// The nodes whose names begin with `prefix`; what they take from outside is the input.
Graph part_of(const Graph& graph, const std::string& prefix) {
    Graph part;
    for (GraphNode node : graph.nodes) {
        if (!node.name.starts_with(prefix)) continue;
        for (std::string& input : node.inputs)
            if (!input.starts_with(prefix)) input = kGraphInput;
        part.nodes.push_back(std::move(node));
    }
    return part;
}

std::vector<std::int64_t> item_shape(const torch::Tensor& batch) { return batch.sizes().slice(1).vec(); }

/// A block on its own: shallow, so that rounding differences are not amplified.
void write_block(Writer& writer, Network& network, const std::string& block, std::vector<std::int64_t> in_shape,
                 const std::string& name) {
    const ExportedNetwork described = export_description(network);
    auto* unit = dynamic_cast<Unit*>(network.named_modules().find(block)->get());
    const torch::Tensor in = golden::noise(in_shape, 33);
    const torch::Tensor out = unit->forward(in.clone());
    Graph part = part_of(graph_of(described), block + ".");
    part.input_shape = item_shape(in);
    part.output_shape = item_shape(out);
    writer.write("block", name, onnx_model(described, part, {}), in, out);
}

/// One activation quantiser on its own: values far outside its range, at and around every midpoint between codes.
void write_quantiser(Writer& writer, Network& network, const std::string& point, const std::string& name) {
    const ExportedNetwork described = export_description(network);
    const auto found = std::find_if(described.activations.begin(), described.activations.end(),
                                    [&](const ExportedActivation& activation) { return activation.point == point; });
    const QuantiserScale range = found->quantiser.ranges.front();
    std::vector<float> values;
    const float stride = std::max(1.0F, range.highest / 2048.0F);
    for (float code = range.lowest - 3.0F; code < range.highest + 3.0F; code += stride)
        for (const float part : {0.0F, 0.25F, 0.499F, 0.5F, 0.501F, 0.75F})
            values.push_back((code + part + range.zero_point) / range.scale);
    const auto noise = golden::noise({20000}, 34, 1.2 * static_cast<double>((range.highest - range.lowest) / range.scale));
    const float* random = noise.const_data_ptr<float>();
    values.insert(values.end(), random, random + noise.numel());
    const torch::Tensor in = torch::tensor(values).view({static_cast<std::int64_t>(values.size()), 1});
    const auto points = activation_points(network);
    const auto place = std::find_if(points.begin(), points.end(), [&](const auto& entry) { return entry.first == point; });
    Graph part = part_of(graph_of(described), point);
    part.input_shape = {1};
    part.output_shape = {1};
    const std::string kind = "quantiser:" + exact_number(static_cast<double>(range.scale)) + ":" +
                             std::to_string(static_cast<int>(range.highest - range.lowest) + 1);
    writer.write(kind, name, onnx_model(described, part, {}), in, place->second->forward(in.clone()));
}

void write_reduced(Writer& writer) {
    for (const std::string architecture : {"iresnet10-w16-56", "mobilefacenet-w16-56"}) {
        for (const int bits : {32, 16, 8, 6, 4}) {
            if (bits != 32 && bits > onnx_bits_max()) continue;
            const auto network = test::compressed_network(architecture, {bits, bits});
            const std::string kind = bits == 32 ? "float" : "quantised-" + std::to_string(bits);
            write_network(writer, kind, *network, architecture + "." + std::to_string(bits));
        }
        write_network(writer, "quantised-8", *test::compressed_network(architecture, {8, 8}, 0.5), architecture + ".8-sparse");
        write_network(writer, "float", *test::compressed_network(architecture, {32, 32}, 0.5), architecture + ".32-sparse");
        write_network(writer, "quantised-8", *test::compressed_network(architecture, {4, 8}), architecture + ".w4a8");
        write_network(writer, "weights", *test::compressed_network(architecture, {4, 32}), architecture + ".w4a32");
    }
}

/// Preset "modern" with its defaults, with asymmetric weights and per tensor; and squeeze and excitation.
void write_others(Writer& writer) {
    QuantiserSettings modern;
    modern.preset = Preset::modern;
    QuantiserSettings asymmetric = modern;
    asymmetric.weight_grid = GridKind::asymmetric;
    asymmetric.weight_range = RangeRule::mse;
    QuantiserSettings per_tensor = modern;
    per_tensor.weight_per_channel = false;
    per_tensor.weight_range = RangeRule::minmax;
    per_tensor.activation_grid = GridKind::symmetric;
    for (const std::string architecture : {"iresnet10-w16-56", "mobilefacenet-w16-56"}) {
        write_network(writer, "quantised-8", *test::compressed_network(architecture, {8, 8}, 0.5, modern),
                      architecture + ".modern");
        write_network(writer, "quantised-8", *test::compressed_network(architecture, {4, 8}, 0.0, asymmetric),
                      architecture + ".modern-w4a8-asymmetric");
        write_network(writer, "quantised-8", *test::compressed_network(architecture, {8, 8}, 0.0, per_tensor),
                      architecture + ".modern-per-tensor");
    }
    const std::string se = "iresnet10-w16-56-se";
    write_network(writer, "float", *test::compressed_network(se, {32, 32}), se);
    write_network(writer, "quantised-8", *test::compressed_network(se, {8, 8}), se + ".8");
}

/// The network with channels masked computes; the model has them cut out.
void write_shrunk(Writer& writer) {
    for (const std::string architecture : {"iresnet10-w16-56", "iresnet10-w16-56-se", "mobilefacenet-w16-56"}) {
        for (const int bits : {32, 8}) {
            const auto network = test::compressed_network(architecture, {bits, bits}, 0.5, {}, test::kChannels);
            const ExportedNetwork described = shrink(export_description(*network), kept_channels(*network));
            const torch::Tensor images = test::noise_images(*network, 4, 31);
            writer.write(bits == 32 ? "float" : "quantised-8", architecture + "." + std::to_string(bits) + "-shrunk",
                         onnx_model(described, graph_of(described), {}), images, network->forward(images));
        }
    }
}

void write_parts(Writer& writer) {
    for (const int bits : {16, 12, 8, 6, 4, 2}) {
        if (bits > onnx_bits_max()) continue;
        const std::string suffix = "." + std::to_string(bits);
        const auto iresnet = test::compressed_network("iresnet10-w16-56", {bits, bits});
        write_block(writer, *iresnet, "layer1.0", {2, 16, 28, 28}, "layer1.0" + suffix);
        write_block(writer, *iresnet, "layer3.0", {2, 32, 7, 7}, "layer3.0" + suffix);
        write_quantiser(writer, *iresnet, "layer2.0.sum", "layer2.0.sum" + suffix);
        write_quantiser(writer, *iresnet, "prelu.output", "prelu.output" + suffix);
        const auto mobile = test::compressed_network("mobilefacenet-w16-56", {bits, bits});
        write_block(writer, *mobile, "conv_23", {2, 16, 28, 28}, "conv_23" + suffix);
        write_block(writer, *mobile, "conv_3.model.0", {2, 16, 14, 14}, "conv_3.model.0" + suffix);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const torch::NoGradGuard no_grad;
    Writer writer;
    write_reduced(writer);
    write_others(writer);
    write_shrunk(writer);
    write_parts(writer);
    std::vector<std::string> full{"mobilefacenet"};
    full.insert(full.end(), argv + 1, argv + argc);
    for (const std::string& architecture : full) {
        write_network(writer, "float", *test::compressed_network(architecture, {32, 32}), architecture);
        write_network(writer, "quantised-8", *test::compressed_network(architecture, {8, 8}), architecture + ".8");
    }
    writer.list.close();
    return writer.list ? 0 : 1;
}

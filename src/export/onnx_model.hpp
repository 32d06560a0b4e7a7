#pragma once
/// Networks as ONNX models. No torch and no ONNX header here.
#include <string>

#include "export/exported_network.hpp"
#include "export/graph.hpp"
#include "export/metadata.hpp"

namespace fairsweep {

/// The bytes of an ONNX file: opset 17, or 21 where 4- or 16-bit integers need it. Input "images" float32 [batch, channels, rows,
/// cols] as graph.input_shape, output "embeddings" [batch, dimensions]; the batch is free.
/// Quantised weights are integers with DequantizeLinear (per channel, axis 0), and an Add where a range excludes zero;
/// quantised activations are QuantizeLinear and DequantizeLinear, behind a Clip where the codes do not fill the integer type.
/// The model has passed ONNX's own checker and shape inference.
/// Throws a usage Error naming the tensor whose quantiser the installed libonnx cannot express (docs/export.md).
[[nodiscard]] std::string onnx_model(const ExportedNetwork& network, const Graph& graph, const ExportMetadata& metadata);

/// Most bits of a quantiser that onnx_model() can write with the installed libonnx: 8, or 16 from libonnx 1.16 on.
[[nodiscard]] int onnx_bits_max();

}  // namespace fairsweep

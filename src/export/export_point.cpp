#include "export/export_point.hpp"

#include <string_view>
#include <utility>

#include "export/export_description.hpp"
#include "export/onnx_model.hpp"
#include "export/packed_file.hpp"
#include "export/shrink.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "study/checkpoint.hpp"

namespace fairsweep {
namespace {

[[noreturn]] void refuse_to_shrink(const std::string& found, const std::string& expected) {
    throw_usage({.attempted = "cannot cut channels out of the network", .found = found, .expected = expected});
}

ExportedNetwork shrunk(ExportedNetwork described, Network& network, ExportFormat format) {
    if (format == ExportFormat::safetensors)
        refuse_to_shrink("plain safetensors, with the shapes of the architecture",
                         "--format onnx, or --format safetensors --packed");
    const std::vector<KeptChannels> kept = kept_channels(network);
    if (!can_shrink(kept)) refuse_to_shrink("no channel that is pruned whole", "a point with pruning = channels");
    return shrink(std::move(described), kept);
}

}  // namespace

ExportSummary export_checkpoint(const SafetensorsFile& checkpoint, ExportFormat format, const std::filesystem::path& target,
                                ExportMetadata provenance, bool shrinks) {
    const NetworkDescription description = description_of(checkpoint);
    const std::shared_ptr<Network> network = read_network(checkpoint);
    ExportedNetwork described = export_description(*network);
    const std::uint64_t uncompressed_bytes = float32_bytes(described);
    if (shrinks) described = shrunk(std::move(described), *network, format);
    const PackedSize size = packed_size(described);
    ExportMetadata metadata = std::move(provenance);
    metadata.merge(describe_numbers(described, size));
    metadata["architecture"] = description.architecture;
    metadata["bits"] = description.bits.text();
    metadata["sparsity"] = exact_number(description.sparsity);
    if (shrinks) metadata["shrunk"] = "true";

    ExportSummary summary{.file_bytes = 0,
                          .packed_bytes = size.total_bytes(),
                          .packed_sparse_bytes = size.sparse_total_bytes(),
                          .float32_bytes = uncompressed_bytes};
    switch (format) {
        case ExportFormat::safetensors:
            summary.file_bytes = write_checkpoint(target, *network, description, std::move(metadata)).size_bytes;
            break;
        case ExportFormat::packed:
            summary.file_bytes = write_packed_file(target, described, std::move(metadata)).size_bytes;
            break;
        case ExportFormat::onnx: {
            const std::string model = onnx_model(described, graph_of(described), metadata);
            write_file_atomically(target, std::string_view(model));
            summary.file_bytes = model.size();
            break;
        }
    }
    return summary;
}

}  // namespace fairsweep

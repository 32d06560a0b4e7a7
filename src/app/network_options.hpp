#pragma once
/// The options by which `embed` and `evaluate` name a network and say how it is run.
#include <boost/program_options.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "fairsweep/sweep.hpp"
#include "study/image_embedding.hpp"

namespace fairsweep {

struct NetworkOptions {
    std::string architecture;  ///< empty: the weights say it
    std::filesystem::path weights;
    std::optional<Bits> bits;
    Precision precision = Precision::fp32;
    int batch_images = 32;
    int threads = 1;
    bool flip = false;
};

/// --architecture, --weights, --bits, --precision, --batch, --threads and, for `embed`, --flip.
void add_network_options(boost::program_options::options_description& description, bool with_flip);
/// Throws a usage error for values out of range.
[[nodiscard]] NetworkOptions network_options(const boost::program_options::variables_map& values);
/// Throws a usage error when --bits asks for other widths than the weights carry ranges for.
void check_bits(const NetworkOptions& options, const FaceEmbedder& embedder);

}  // namespace fairsweep

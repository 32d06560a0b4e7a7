#pragma once
/// The deterministic numbers of tests/golden/quantface/README.md: weights, images, and the files' JSON.
#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/network.hpp"

namespace fairsweep::golden {

using Json = nlohmann::json;

inline constexpr std::uint64_t kSeed = 1;

inline Json read(const std::string& name) {
    std::ifstream file(std::string(FAIRSWEEP_SOURCE_DIR) + "/tests/golden/quantface/" + name);
    return Json::parse(file);
}

inline std::uint32_t hash(std::uint64_t j, std::uint64_t k, std::uint64_t seed) {
    auto h = static_cast<std::uint32_t>(j * 2654435761U + k * 40503U + seed * 9176U + 12345U);
    h = (h ^ (h >> 16)) * 0x85EBCA6BU;
    h = (h ^ (h >> 13)) * 0xC2B2AE35U;
    return h ^ (h >> 16);
}

/// In [0, 1), for element j of stream k.
inline double uniform(std::uint64_t j, std::uint64_t k, std::uint64_t seed = kSeed) { return hash(j, k, seed) / 4294967296.0; }

/// offset + amplitude * (2 U - 1), float32 of the given shape.
inline torch::Tensor noise(const std::vector<std::int64_t>& shape, std::uint64_t k, double amplitude = 1.0, double offset = 0.0) {
    torch::Tensor out = torch::empty(shape);
    float* values = out.data_ptr<float>();
    for (std::int64_t j = 0; j < out.numel(); ++j)
        values[j] = static_cast<float>(amplitude * (2.0 * uniform(static_cast<std::uint64_t>(j), k) - 1.0) + offset);
    return out;
}

inline torch::Tensor images(std::int64_t batch, std::uint64_t k) { return noise({batch, 3, 112, 112}, k); }

inline double golden_value(const std::string& name, const torch::Tensor& tensor, double u) {
    if (name == "features.weight") return 1.0;
    if (tensor.dim() >= 2) {
        const double fan_in = static_cast<double>(tensor.numel()) / static_cast<double>(tensor.size(0));
        return (u - 0.5) * 2.0 * std::sqrt(3.0 / fan_in);
    }
    if (name.ends_with("running_mean") || name.ends_with("bias")) return 0.1 * (u - 0.5);
    if (name.ends_with("running_var")) return 1.0 + 0.2 * (u - 0.5);
    if (name.ends_with("prelu.weight")) return 0.25 + 0.1 * (u - 0.5);
    return (1.0 + 0.2 * (u - 0.5)) * (name.ends_with(".bn3.weight") ? 0.3 : 1.0);
}

/// Call it before compression is set: it numbers the tensors of the plain network.
inline void fill(Network& network) {
    const torch::NoGradGuard no_grad;
    std::uint64_t k = 0;
    for (const auto& [name, tensor] : state_of(network)) {
        if (!tensor.is_floating_point()) continue;
        float* values = tensor.data_ptr<float>();
        for (std::int64_t j = 0; j < tensor.numel(); ++j)
            values[j] = static_cast<float>(golden_value(name, tensor, uniform(static_cast<std::uint64_t>(j), k)));
        ++k;
    }
}

inline std::shared_ptr<Network> filled_network(const std::string& architecture) {
    auto network = build_network(architecture);
    fill(*network);
    return network;
}

/// L2 norm accumulated in double.
inline double l2(const torch::Tensor& x) { return x.detach().to(torch::kFloat64).norm().item<double>(); }

inline double relative_difference(double found, double expected) {
    return std::abs(found - expected) / std::max(std::abs(expected), 1e-30);
}

/// Sum of value * cos(index), in double.
inline double checksum(const torch::Tensor& x) {
    const torch::Tensor flat = x.detach().contiguous().flatten();
    const float* values = flat.data_ptr<float>();
    double sum = 0.0;
    for (std::int64_t j = 0; j < flat.numel(); ++j) sum += static_cast<double>(values[j]) * std::cos(static_cast<double>(j));
    return sum;
}

inline torch::Tensor tensor_of(const Json& values) {
    const auto numbers = values.get<std::vector<double>>();
    return torch::tensor(numbers, torch::kFloat64).to(torch::kFloat32);
}

}  // namespace fairsweep::golden

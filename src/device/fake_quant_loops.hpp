#pragma once
/// The loops of fake_quant_kernel.hpp, once per instruction set of this machine: for the kernel, its tests and its benchmark.
#include <cstddef>
#include <cstdint>
#include <span>

#include "device/fake_quant_kernel.hpp"

namespace fairsweep {

struct FakeQuantLoops {
    const char* instruction_set;
    bool (*quantise_scaled)(const float* in, float* out, std::size_t count, const QuantiserScale& scale);
    ValueRange (*range)(const float* values, std::size_t count);
    ValueRange (*quantise_stepped)(const float* in, float* out, std::uint16_t* kept, std::size_t count, const StepGrid& grid);
    void (*masked_gradient)(const float* gradient, const std::uint16_t* kept, float* out, std::size_t count);
    LearnedSums (*learned_gradient)(const float* in, const float* gradient, float* out, std::size_t count, const StepGrid& grid);
    double (*squared_error)(const float* values, std::size_t count, const StepGrid& grid);
};

/// Those that this machine can run, slowest first. The kernel uses the last one.
[[nodiscard]] std::span<const FakeQuantLoops> available_loops();

}  // namespace fairsweep

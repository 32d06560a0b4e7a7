// The GPU's kernels, run on the processor by a double of CUDA (tests/support/cuda_on_host.hpp).
#include <array>
#include <cstring>
#include <vector>

#include "collective/tree_sum.hpp"
#include "cuda/tensor_ops.hpp"
#include "device_cases.hpp"
#include "support/catch.hpp"

namespace fairsweep {

cuda::Stream cuda::stream_of(const torch::Tensor&) { return nullptr; }
const char* cuda::error_text(int) { return "an error of the double"; }

}  // namespace fairsweep

using namespace fairsweep;

TEST_CASE("The kernels of GPUs give the processor's bits") { compare_with_processor(cuda::ops(), torch::kCPU, true); }

TEST_CASE("The kernels of GPUs combine parts as the collectives do") {
    constexpr std::size_t count = 700;
    std::vector<std::uint64_t> any(2 * count), numbers(2 * count);  // any bits: infinities, NaNs; ordinary numbers of every type
    std::uint64_t state = 1;
    for (std::size_t i = 0; i < any.size(); ++i) {
        any[i] = state = state * 6364136223846793005U + 1442695040888963407U;
        numbers[i] = 0x3c003c003c003c00U | (state & 0x82ff02ff02ff02ffU);
    }
    for (const Scalar type : {Scalar::f32, Scalar::f64, Scalar::f16, Scalar::bf16, Scalar::i64})
        for (const Reduction reduction : {Reduction::sum, Reduction::min, Reduction::max}) {
            // Which NaN a sum of two gives is the machine's.
            std::vector<std::uint64_t> ours = reduction == Reduction::sum && type != Scalar::i64 ? numbers : any, theirs = ours;
            const std::array<const void*, 2> parts{ours.data(), ours.data() + count};
            reduce_parts(type, reduction, parts, count, ours.data());
            CHECK(cuda::combine(theirs.data(), theirs.data() + count, count, type, reduction, nullptr) == 0);
            INFO(static_cast<int>(type) << " " << static_cast<int>(reduction));
            CHECK(ours == theirs);
        }
}

// The plugin of this build: as far as its libraries and this machine go. What is missing is told as a skip, with the reason.
#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "collective/nccl_device.hpp"
#include "collective/tree_sum.hpp"
#include "device/plugin.hpp"
#include "device_cases.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

/// Null where there is no GPU.
const DevicePlugin* usable_plugin() {
    // In a parcel it lies beside this program.
    const OpenedPlugin opened = open_plugin(std::filesystem::exists(FAIRSWEEP_BUILT_PLUGIN) ? FAIRSWEEP_BUILT_PLUGIN : cuda_plugin_path());
    if (opened.plugin == nullptr) {
        INFO(opened.why_not);
        REQUIRE(opened.why_not.find("cannot open shared object file") != std::string::npos);  // of LibTorch's own needs
        WARN("SKIPPED 1: " << opened.why_not);
        return nullptr;
    }
    const FoundDevices found = found_devices(*opened.plugin);
    REQUIRE(found.runtime_version >= 12000);
    if (found.why_none.empty()) return opened.plugin;
    WARN("SKIPPED 1: " << found.why_none);
    return nullptr;
}

}  // namespace

TEST_CASE("Kernels of the GPU give the processor's bits") {
    const DevicePlugin* const plugin = usable_plugin();
    if (plugin == nullptr) return;
    compare_with_processor(*plugin->ops, torch::kCUDA, false);
    compare_large(*plugin->ops, torch::kCUDA);
}

TEST_CASE("The GPU combines parts as the collectives do") {
    const DevicePlugin* const plugin = usable_plugin();
    if (plugin == nullptr) return;
    constexpr std::size_t count = 100'003;
    const DeviceCalls& calls = *plugin->calls;
    for (const Scalar type : {Scalar::f32, Scalar::f64, Scalar::f16, Scalar::bf16, Scalar::i64})
        for (const Reduction reduction : {Reduction::sum, Reduction::min, Reduction::max}) {
            INFO(static_cast<int>(type) << " " << static_cast<int>(reduction));
            std::vector<std::uint64_t> left(count), right(count), theirs(count);
            std::uint64_t state = 1;
            const auto number = [&state] {  // an ordinary one of every type
                state = state * 6364136223846793005U + 1442695040888963407U;
                return 0x3c003c003c003c00U | (state & 0x82ff02ff02ff02ffU);
            };
            std::generate(left.begin(), left.end(), number);
            std::generate(right.begin(), right.end(), number);
            void *stream = nullptr, *a = nullptr, *b = nullptr;
            const std::size_t bytes = count * sizeof(std::uint64_t);
            REQUIRE(calls.stream_create(&stream) == 0);
            REQUIRE(calls.allocate(&a, bytes) == 0);
            REQUIRE(calls.allocate(&b, bytes) == 0);
            CHECK(calls.copy(a, left.data(), bytes, stream) == 0);
            CHECK(calls.copy(b, right.data(), bytes, stream) == 0);
            CHECK(calls.combine(a, b, count, type, reduction, stream) == 0);
            CHECK(calls.copy(theirs.data(), a, bytes, stream) == 0);
            CHECK(calls.stream_drain(stream) == 0);
            const std::array<const void*, 2> parts{left.data(), right.data()};
            reduce_parts(type, reduction, parts, count, left.data());
            CHECK(left == theirs);
            CHECK(calls.release(a) + calls.release(b) + calls.stream_destroy(stream) == 0);
        }
}

#include "export/packed_size.hpp"

#include <algorithm>

namespace fairsweep {
namespace {

constexpr int kFloatBits = 32;
constexpr std::uint64_t kFloatBytes = 4;
constexpr std::uint64_t kRangeBytes = 2 * kFloatBytes;  // scale and zero point

void add_weight(const ExportedWeight& weight, PackedSize& size) {
    const int bits = weight.quantiser ? weight.quantiser->bits : kFloatBits;
    if (weight.quantiser) size.range_bytes += kRangeBytes * weight.quantiser->ranges.size();
    const std::uint64_t all = weight.values.size();
    if (weight.kind == ExportedWeight::Kind::prelu) {
        size.slope_bytes += packed_bytes(all, bits);
        return;
    }
    const auto pruned = static_cast<std::uint64_t>(std::count(weight.pruned.begin(), weight.pruned.end(), 1));
    size.weight_bytes += packed_bytes(all, bits);
    size.kept_weight_bytes += packed_bytes(all - pruned, bits);
    if (!weight.pruned.empty()) size.mask_bytes += packed_bytes(all, 1);
}

}  // namespace

PackedSize packed_size(const ExportedNetwork& network) {
    PackedSize size;
    for (const ExportedWeight& weight : network.weights) add_weight(weight, size);
    for (const ExportedActivation& activation : network.activations)
        size.range_bytes += kRangeBytes * activation.quantiser.ranges.size();
    for (const ExportedConstant& constant : network.constants) size.float_bytes += kFloatBytes * constant.values.size();
    return size;
}

}  // namespace fairsweep

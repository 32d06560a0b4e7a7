#pragma once
#include <torch/torch.h>

namespace fairsweep {

/// The tensor itself when it lies in memory without gaps, first dimension outermost (plain or channels-last), so that every slice
/// of that dimension is in one piece; else a plain copy.
[[nodiscard]] inline torch::Tensor with_whole_rows(const torch::Tensor& x) {
    const bool whole = x.is_contiguous() || (x.dim() == 4 && x.is_contiguous(torch::MemoryFormat::ChannelsLast));
    return whole ? x : x.contiguous();
}

}  // namespace fairsweep

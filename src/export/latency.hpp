#pragma once
#include "study/stage_context.hpp"

namespace fairsweep {

/// The latency stage: what a network costs where it is used. Metric::image_time_s is the median over 50 faces of the time from
/// pixels in memory to the embedding, one face a pass, on the stage's threads, after 10 passes that are not counted; it depends
/// on the machine and on what else runs there. Metric::packed_bytes is PackedSize::total_bytes(), exact.
/// Quantisation is simulated in float32: fewer bits change the bytes, not the time.
[[nodiscard]] StageOutcome run_latency(const StageContext& context);

}  // namespace fairsweep

#include "export/latency.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "export/export_description.hpp"
#include "export/metadata.hpp"
#include "export/packed_size.hpp"
#include "model/inference.hpp"
#include "study/checkpoint.hpp"
#include "study/prepared_faces.hpp"
#include "study/tensors.hpp"

namespace fairsweep {
namespace {

constexpr int kUncounted = 10;  // caches, first touches of memory
constexpr int kTimed = 50;

double pass_s(Network& network, const torch::Tensor& image) {
    const auto begin = std::chrono::steady_clock::now();
    static_cast<void>(network.outputs(image));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

}  // namespace

StageOutcome run_latency(const StageContext& context) {
    const SafetensorsFile checkpoint(context.artefact_of(context.network()));
    check_artefact(checkpoint, "network", context.network().id);
    const PreparedFaces faces(context.artefact_of(context.need(StageKind::prepare)), context.parameters.task);
    const std::shared_ptr<Network> network = read_network(checkpoint);
    const ExportedNetwork described = export_description(*network);
    StageOutcome outcome;
    outcome.measured[Metric::packed_bytes] = static_cast<double>(packed_size(described).total_bytes());
    outcome.measured[Metric::float32_bytes] = static_cast<double>(float32_bytes(described));

    prepare_for_inference(*network, Precision::fp32);
    const torch::InferenceMode no_gradients;
    std::vector<double> times_s;
    for (int pass = 0; pass < kUncounted + kTimed; ++pass) {
        if (context.stop_requested()) return preempted_outcome();
        ImageBatch batch(1, network->input_size());
        batch.set(0, faces.face(static_cast<std::uint64_t>(pass) % faces.images()), false);
        const double time_s = pass_s(*network, batch.tensor());
        if (pass >= kUncounted) times_s.push_back(time_s);
        context.progress(pass + 1, kUncounted + kTimed);
    }
    outcome.measured[Metric::image_time_s] = median(times_s);
    outcome.state = StageState::done;
    return outcome;
}

}  // namespace fairsweep

#pragma once
/// What a training that was stopped goes on from: its state between two steps, in <stage id>.resume beside the artefact.
#include <torch/torch.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/network.hpp"
#include "study/schedule.hpp"
#include "study/stage_context.hpp"
#include "study/training.hpp"

namespace fairsweep {

/// All that a training changes. What it draws it draws by step, so that nothing else has to be kept.
struct TrainingParts {
    Network& network;
    NamedTensors head;  ///< trained beside the network
    const Optimiser* optimiser = nullptr;
    std::vector<LossTrace*> traces;
};

class StageCheckpoints {
public:
    /// Looks for the state that an earlier attempt of this stage left. One that is damaged, or of another build of the program,
    /// is removed with a warning: the stage then begins anew.
    explicit StageCheckpoints(const StageContext& context);

    /// Steps that are done in the state that was found; 0: there is none.
    [[nodiscard]] std::int64_t steps_done() const { return steps_done_; }
    /// Whether the state that was found has this tensor of the network.
    [[nodiscard]] bool has_network_tensor(const std::string& name) const;
    /// Copies what was found into the parts, which must have the structure that they had. Throws data errors. Once.
    void restore(const TrainingParts& parts, Optimiser& optimiser);

    /// Whether a state is due by [run] checkpoint_s before step `step`. Writing takes at most a twentieth of the time, unless checkpoint_s
    /// is 0.
    [[nodiscard]] bool is_due(std::int64_t step) const;
    /// Before step `step`: leaves the state. The runner removes it when the stage has ended for good.
    void keep(std::int64_t step, const TrainingParts& parts, bool is_stopping);

private:
    using Clock = std::chrono::steady_clock;
    void remove() const;
    void copy_into(const TrainingParts& parts, Optimiser& optimiser) const;
    void write(std::int64_t step, const TrainingParts& parts) const;

    const StageContext& context_;
    std::filesystem::path path_;
    std::optional<SafetensorsFile> found_;
    std::int64_t steps_done_ = 0, steps_kept_ = 0;
    Clock::time_point kept_at_ = Clock::now();
    Clock::duration writing_took_{};
};

}  // namespace fairsweep

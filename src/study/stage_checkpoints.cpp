#include "study/stage_checkpoints.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <system_error>
#include <utility>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/log.hpp"
#include "study/checkpoint.hpp"

namespace fairsweep {
namespace {

constexpr const char* kKind = "training state";
constexpr const char *kStepKey = "steps_done", *kIdentityKey = "state";
constexpr const char *kNetwork = "network.", *kHead = "head.", *kMomentum = "momentum.", *kTrace = "trace.";
constexpr int kShareOfWriting = 20;  // a twentieth of the time

torch::Tensor as_tensor(const LossTrace& trace) {
    const std::array<double, 3> sums = trace.sums();
    return torch::tensor(std::vector<double>(sums.begin(), sums.end()), torch::kDouble);
}

NamedTensors tensors_of(const TrainingParts& parts) {
    NamedTensors all;
    for (const auto& [name, tensor] : state_of(parts.network)) all.emplace_back(kNetwork + name, tensor);
    for (const auto& [name, tensor] : parts.head) all.emplace_back(kHead + name, tensor);
    if (parts.optimiser != nullptr)
        for (const auto& [name, tensor] : parts.optimiser->momentum()) all.emplace_back(kMomentum + name, tensor);
    for (std::size_t i = 0; i < parts.traces.size(); ++i)
        all.emplace_back(kTrace + std::to_string(i), as_tensor(*parts.traces[i]));
    return all;
}

/// Those whose names begin so, without it.
NamedTensors read_tensors(const SafetensorsFile& file, const std::string& beginning) {
    NamedTensors found;
    for (const auto& [name, entry] : file.tensors())
        if (name.starts_with(beginning)) found.emplace_back(name.substr(beginning.size()), read_tensor(file, entry));
    return found;
}

[[noreturn]] void refuse(const SafetensorsFile& file, const std::string& found, const std::string& expected) {
    throw_data({.attempted = "cannot go on from the state of a training",
                .where = file.path().string(),
                .found = found,
                .expected = expected,
                .hint = "delete the file, and the stage begins anew"});
}

std::int64_t read_step(const SafetensorsFile& file) {
    const auto step = file.read<std::int64_t>(kStepKey, "I64");
    if (step.size() != 1 || step[0] < 1) refuse(file, "no number of steps", "at least one step");
    return step[0];
}

}  // namespace

StageCheckpoints::StageCheckpoints(const StageContext& context)
    : context_(context), path_(context.folder / (context.order.id.hex() + kTrainingStateSuffix)) {
    std::error_code none;
    if (!std::filesystem::exists(path_, none)) return;
    try {
        SafetensorsFile file(path_);
        check_artefact(file, kKind, context.order.id);
        if (file.metadata(kIdentityKey) != context.state_identity().hex())
            refuse(file, "the state of version " + file.metadata("code").substr(0, 80),
                   context.order.code_version + ", and the same files to begin with");
        steps_done_ = read_step(file);
        found_.emplace(std::move(file));
    } catch (const Error& error) {
        // What the system could not do now it may do later: the state stays, and the stage is tried again.
        if (error.kind() != ErrorKind::data || dynamic_cast<const SystemError*>(&error) != nullptr) throw;
        steps_done_ = 0;
        log_warning(fmt::format("{}; the stage begins anew", error.what()));
        remove();
    }
    steps_kept_ = steps_done_;
}

bool StageCheckpoints::has_network_tensor(const std::string& name) const {
    return found_ && found_->tensors().contains(kNetwork + name);
}

void StageCheckpoints::restore(const TrainingParts& parts, Optimiser& optimiser) {
    try {
        copy_into(parts, optimiser);
    } catch (const Error&) {
        remove();  // another attempt would find it again
        throw;
    }
    found_.reset();
}

void StageCheckpoints::copy_into(const TrainingParts& parts, Optimiser& optimiser) const {
    const torch::NoGradGuard no_gradients;
    load_state(parts.network, read_tensors(*found_, kNetwork));
    for (const auto& [name, tensor] : parts.head) {  // of a sharded head this rank's
        const auto entry = found_->tensors().find(kHead + name);
        if (entry == found_->tensors().end()) refuse(*found_, "no tensor head." + name, "the head's");
        const torch::Tensor saved = read_tensor(*found_, entry->second);
        if (saved.sizes() != tensor.sizes()) refuse(*found_, "a head of another shape", "the head's");
        tensor.data().copy_(saved);
    }
    optimiser.set_momentum(read_tensors(*found_, kMomentum));
    for (std::size_t i = 0; i < parts.traces.size(); ++i) {
        const auto sums = found_->read<double>(kTrace + std::to_string(i), "F64");
        if (sums.size() != 3) refuse(*found_, fmt::format("{} sums of a trace", sums.size()), "3");
        parts.traces[i]->set_sums({sums[0], sums[1], sums[2]});
    }
}

bool StageCheckpoints::is_due(std::int64_t step) const {
    if (step <= steps_kept_) return false;
    const auto passed = Clock::now() - kept_at_;
    const double pause_s = context_.order.run.checkpoint_s;
    return passed >= std::chrono::duration<double>(pause_s) && (pause_s == 0.0 || passed >= writing_took_ * kShareOfWriting);
}

void StageCheckpoints::keep(std::int64_t step, const TrainingParts& parts, bool is_stopping) {
    if (step <= steps_kept_) return;
    const auto now = Clock::now();
    try {
        write(step, parts);
    } catch (const Error& error) {  // a training that cannot leave its state may still leave its network
        if (is_stopping) throw;
        log_warning(error.what());
        kept_at_ = Clock::now();
        return;
    }
    steps_kept_ = step;
    kept_at_ = Clock::now();
    writing_took_ = kept_at_ - now;
}

void StageCheckpoints::write(std::int64_t step, const TrainingParts& parts) const {
    NamedTensors tensors = tensors_of(parts);
    tensors.emplace_back(kStepKey, torch::tensor(std::vector<std::int64_t>{step}, torch::kLong));
    std::map<std::string, std::string> metadata = context_.metadata(kKind);
    metadata[kIdentityKey] = context_.state_identity().hex();
    static_cast<void>(write_tensors(path_, tensors, std::move(metadata)));
}

void StageCheckpoints::remove() const {
    if (context_.leaves_files()) context_.forget_state();
}

}  // namespace fairsweep

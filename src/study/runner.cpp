#include "study/runner.hpp"

#include <sys/resource.h>
#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "compress/non_finite_error.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/collective.hpp"
#include "fairsweep/failure_class.hpp"
#include "fairsweep/process_memory.hpp"
#include "device/gpu.hpp"
#include "plan/stage_kinds.hpp"
#include "study/gpu_team.hpp"
#include "study/needed_artefacts.hpp"
#include "study/stage_context.hpp"
#include "study/stage_device.hpp"
#include "study/tensors.hpp"
#include "study/training.hpp"

namespace fairsweep {
namespace {

/// Of this process and of the programs that it has waited for.
double cpu_seconds() {
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    double sum = 0.0;
    for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage usage{};
        ::getrusage(who, &usage);
        sum += seconds(usage.ru_utime) + seconds(usage.ru_stime);
    }
    return sum;
}

/// torch says out of memory in two ways: its own type (devices) and the words of its allocator (CPU).
bool is_out_of_memory(const c10::Error& error) {
    return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
           std::string(error.what_without_backtrace()).find("can't allocate memory") != std::string::npos;
}

/// Runs `work`; whatever it throws becomes an outcome.
template <class Work>
StageOutcome guarded(const Work& work) {
    try {
        return work();
    } catch (const NonFiniteError& error) {
        return diverged_outcome(error.what());
    } catch (const DivergedError& error) {
        return diverged_outcome(error.what());
    } catch (const TeamError& error) {
        StageOutcome outcome = failed_outcome(failure_class_of(error), error.what());
        outcome.lost_team = true;
        return outcome;
    } catch (const Error& error) {
        return failed_outcome(failure_class_of(error), error.what());
    } catch (const std::bad_alloc&) {
        return failed_outcome(FailureClass::out_of_memory, "out of memory");
    } catch (const c10::Error& error) {
        return failed_outcome(is_out_of_memory(error) ? FailureClass::out_of_memory : FailureClass::internal,
                              error.what_without_backtrace());
    } catch (const std::exception& error) {
        return failed_outcome(FailureClass::internal, error.what());
    }
}

class Runner final : public StageRunner {
public:
    Runner(std::filesystem::path folder, const StageFunctions& functions, std::uint64_t kept_faces_bytes_max)
        : folder_(std::move(folder)), functions_(functions), needed_(folder_), caches_(kept_faces_bytes_max) {
        make_writable_folder(folder_);
    }

    StageOutcome run(const StageOrder& order, const StageMonitor& monitor) override {
        const auto begin = std::chrono::steady_clock::now();
        const double cpu_begin_s = cpu_seconds();
        reset_peak_memory();
        StageMonitor own_monitor = monitor;
        std::unique_ptr<Collective> gpus;  // of a team
        StageOutcome outcome = guarded([&] {
            // Class config: another attempt would find the same, so there is none.
            if (const auto problem = needed_.problem(order.needs)) return failed_outcome(FailureClass::config, *problem);
            const StageContext context{order, parse_stage_parameters(order.parameters), folder_, own_monitor, caches_};
            make_torch_deterministic(order.kind == StageKind::prepare ? 1 : context.parameters.recipe.threads_per_stage);
            const StageFunction function = functions_[order.kind];
            if (function == nullptr)
                return failed_outcome(FailureClass::config,
                                      std::string("this program runs no stages of the kind ") + name_of(order.kind));
            StageOutcome ended = guarded([&] {
                if (monitor.team != nullptr && monitor.team->size() > 1 && context.parameters.recipe.device != "cpu") {
                    gpus = gpu_teams(context.parameters.recipe).make(*monitor.team, monitor.team_ranks);
                    own_monitor.team = gpus.get();
                }
                return function(context);
            });
            // A rank that goes on with this communicator alone would offer it to the next team.
            if (gpus && ended.state == StageState::failed) gpus->abort("the stage failed here");
            own_monitor.team = monitor.team;
            gpus.reset();
            if (context.parameters.recipe.device != "cpu") is_fit_ = leave_device(ended.state == StageState::failed);
            const bool is_final = ended.state == StageState::done || ended.state == StageState::diverged;
            if (is_final && context.leaves_files()) context.forget_state();
            return ended;
        });
        outcome.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        outcome.cpu_s = cpu_seconds() - cpu_begin_s;
        outcome.peak_memory_bytes = std::max(outcome.peak_memory_bytes, peak_memory_bytes());  // a program has its own
        hand_back_freed_memory();
        return outcome;
    }

    void use_gpu() override { static_cast<void>(own_gpu()); }
    bool is_fit() const override { return is_fit_; }

    bool artefact_present(StageKind kind, const Digest& id, const StageOutcome& outcome) const override {
        if (*info_of(kind).artefact_suffix == '\0') return true;
        std::error_code error;
        const auto size_bytes = std::filesystem::file_size(artefact_path(folder_, kind, id), error);
        return !error && outcome.artefact_bytes > 0 && size_bytes == outcome.artefact_bytes;
    }

private:
    GpuTeams& gpu_teams(const Recipe& recipe) {
        static_cast<void>(open_device(recipe, "fp32"));  // NCCL takes the device that this thread is at
        release_device_memory();                         // and memory beside torch's
        if (!gpu_teams_) gpu_teams_.emplace(*own_gpu().plugin->calls);
        return *gpu_teams_;
    }

    std::optional<GpuTeams> gpu_teams_;
    std::atomic<bool> is_fit_ = true;
    std::filesystem::path folder_;
    StageFunctions functions_;
    NeededArtefacts needed_;
    FaceCaches caches_;
};

}  // namespace

StageFunctions study_functions() {
    StageFunctions functions;
    functions[StageKind::prepare] = run_prepare;
    functions[StageKind::baseline] = run_baseline;
    functions[StageKind::teacher] = run_teacher;
    functions[StageKind::compression] = run_compression;
    functions[StageKind::evaluation] = run_evaluation;
    return functions;
}

std::unique_ptr<StageRunner> make_stage_runner(std::filesystem::path artefact_folder, const StageFunctions& functions,
                                               std::uint64_t kept_faces_bytes_max) {
    return std::make_unique<Runner>(std::move(artefact_folder), functions, kept_faces_bytes_max);
}

}  // namespace fairsweep

// `fairsweep status`: prints what sweep_status.hpp finds.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/text.hpp"
#include "run/sweep_status.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

constexpr std::size_t kReasonsShown = 3;

/// In the order in which the contract names them.
constexpr StageState kStates[] = {StageState::done,    StageState::diverged,  StageState::running,
                                  StageState::waiting, StageState::preempted, StageState::failed,
                                  StageState::lost,    StageState::skipped,   StageState::quarantined};

std::size_t count(const std::vector<StageState>& states, StageState state) {
    return static_cast<std::size_t>(std::count(states.begin(), states.end(), state));
}

nlohmann::ordered_json counts_json(const std::vector<StageState>& states) {
    nlohmann::ordered_json json{{"total", states.size()}};
    for (const StageState state : kStates) json[name_of(state)] = count(states, state);
    return json;
}

std::string to_json(const SweepStatus& status) {
    nlohmann::ordered_json json{{"sweep", status.sweep},
                                {"points", counts_json(status.points)},
                                {"stages", counts_json(status.stages)},
                                {"attempts", status.attempts},
                                {"eta_s", nullptr},
                                {"workers", nlohmann::ordered_json::array()}};
    const bool finished = std::all_of(status.stages.begin(), status.stages.end(), is_final);
    if (finished) json["eta_s"] = {0.0, 0.0};
    json["live_age_s"] = nullptr;
    if (status.live) {
        if (status.live->eta_s && status.phase != RunPhase::silent)
            json["eta_s"] = {status.live->eta_s->first, status.live->eta_s->second};
        json["workers"] = nlohmann::json::parse(live_to_json(*status.live)).value("workers", nlohmann::json::array());
        json["live_age_s"] = status.live_age_s;
    }
    json["state"] = name_of(status.phase);
    json["running"] = status.run_is_at_work() && status.phase != RunPhase::silent;
    json["reasons"] = status.reasons;
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string how(const SweepStatus& status) {
    switch (status.phase) {
        case RunPhase::none:
            return status.can_see_locks ? "no run at work" : "no run at work that shows (this file system has no locks)";
        case RunPhase::starting:
            return "a run is starting";
        case RunPhase::silent:
            return status.live ? fmt::format("held by a run that gives no sign of life: the last one {} ago, by process {} on {}",
                                             human_duration(status.live_age_s), status.live->pid, status.live->host)
                               : std::string("held by a run that gives no sign of life");
        case RunPhase::running:
        case RunPhase::stopping:
            return fmt::format("{} (seen {} ago)", name_of(status.phase), human_duration(status.live_age_s));
    }
    return "";
}

void print_worker(const LiveWorker& worker, const std::string& stage) {
    std::string doing = name_of(worker.state);
    if (worker.state == WorkerState::running) {
        doing = fmt::format("{}, attempt {}, {:.0f} %, {}", stage.empty() ? worker.stage.short_hex() : stage, worker.attempt,
                            100.0 * worker.fraction, human_duration(worker.running_s));
    }
    std::cout << fmt::format("  worker {:<4} {:<16} {}\n", worker.worker, worker.host, doing);
}

void print_reasons(const SweepStatus& status) {
    if (status.reasons.empty()) return;
    std::cout << "\n";
    for (std::size_t i = 0; i < std::min(kReasonsShown, status.reasons.size()); ++i)
        std::cout << "  " << status.reasons[i] << "\n";
    if (status.reasons.size() > kReasonsShown)
        std::cout << fmt::format("  and {} more; all of them: fairsweep status --json, reasons\n",
                                 status.reasons.size() - kReasonsShown);
}

void print_table(const std::filesystem::path& path, const SweepStatus& status) {
    std::cout << fmt::format("{}: sweep {}, {}\n\n  {:<12} {:>8} {:>8}\n", path.string(), status.sweep, how(status), "", "points",
                             "stages");
    for (const StageState state : kStates) {
        const std::size_t points = count(status.points, state);
        const std::size_t stages = count(status.stages, state);
        if (points + stages > 0) std::cout << fmt::format("  {:<12} {:>8} {:>8}\n", name_of(state), points, stages);
    }
    std::cout << fmt::format("  {:<12} {:>8} {:>8}\n\n  attempts {}\n", "total", status.points.size(), status.stages.size(),
                             status.attempts);
    if (status.live && status.phase != RunPhase::silent) {
        if (const auto& eta = status.live->eta_s)
            std::cout << fmt::format("  remaining {} to {}\n", human_duration(eta->first), human_duration(eta->second));
        for (std::size_t i = 0; i < status.live->workers.size(); ++i) print_worker(status.live->workers[i], status.workers_do[i]);
    }
    print_reasons(status);
}

/// A run makes the store after it has read its data; until then there is nothing to count. True while that is so.
bool is_being_made(const std::filesystem::path& path) {
    return !std::filesystem::exists(path) && phase_at(path) != RunPhase::none;
}

[[noreturn]] void refuse_half_made(const std::filesystem::path& path) {
    throw_store({.attempted = "the store is not there yet",
                 .where = path.string(),
                 .found = "a run that is just making it",
                 .expected = "a store",
                 .hint = "look again in a moment, or wait for it with --watch"});
}

}  // namespace

int status_command(const Arguments& arguments) {
    po::options_description options("options");
    options.add_options()("store", po::value<std::string>()->value_name("S"), "store to look at, also without --store")(
        "watch,w", "look again every 2 s until the run ends")("json", "one JSON object on standard output");
    po::positional_options_description positional;
    positional.add("store", 1);
    const CommandHelp help{"fairsweep status S [--watch] [--json]", "Says how far a sweep is, while it runs or afterwards.",
                           "  fairsweep status demo/sweep.h5 --watch\n"
                           "  fairsweep status demo/sweep.h5 --json | jq .points.done"};
    po::variables_map values;
    if (!parse_arguments(arguments, help, options, positional, values)) return 0;
    if (values.count("store") == 0) {
        throw_usage({.attempted = "no store was given", .where = help.usage, .hint = "see --help"});
    }
    if (values.count("json") != 0 && values.count("watch") != 0) {
        throw_usage({.attempted = "--json prints one object, --watch many",
                     .where = help.usage,
                     .found = "both",
                     .expected = "one of them"});
    }
    const std::filesystem::path path = values["store"].as<std::string>();
    const bool watch = values.count("watch") != 0;
    constexpr std::chrono::seconds kPause{2};
    for (bool first = true;; first = false) {
        if (is_being_made(path)) {
            if (!watch) refuse_half_made(path);
            if (first) std::cout << path.string() << ": a run is just making the store\n" << std::flush;
            std::this_thread::sleep_for(kPause);
            continue;
        }
        const SweepStatus status = look_at_sweep(path);
        if (first) {
            for (const std::string& warning : status.warnings) log_warning(warning);
        }
        if (values.count("json") != 0) {
            std::cout << to_json(status) << "\n";
            return 0;
        }
        if (!first && ::isatty(STDOUT_FILENO) != 0) std::cout << "\033[H\033[J";  // home, clear
        print_table(path, status);
        std::cout.flush();
        if (!watch || !status.run_is_at_work()) return 0;
        std::this_thread::sleep_for(kPause);
    }
}

}  // namespace fairsweep

// `fairsweep status`: the store says what is done, the live file what is under way. The live file counts only while the
// store has an owner: a run that was killed leaves it behind.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "coordinator/live.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/text.hpp"
#include "store/point_state.hpp"
#include "store/store.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

/// In the order in which the contract names them.
constexpr StageState kStates[] = {StageState::done,    StageState::diverged,  StageState::running,
                                  StageState::waiting, StageState::preempted, StageState::failed,
                                  StageState::lost,    StageState::skipped,   StageState::quarantined};

struct SweepStatus {
    std::string sweep;
    std::vector<StageState> points;
    std::vector<StageState> stages;
    std::uint64_t attempts = 0;
    bool is_live = false;
    std::optional<LiveStatus> live;
    std::vector<std::string> warnings;
};

std::size_t count(const std::vector<StageState>& states, StageState state) {
    return static_cast<std::size_t>(std::count(states.begin(), states.end(), state));
}

SweepStatus look_at(const std::filesystem::path& path) {
    const StoreReader store(path);
    SweepStatus status;
    status.sweep = store.plan().sweep_name;
    status.warnings = store.warnings();
    status.stages = stage_states(store.plan(), store.rows());
    status.is_live = store_is_owned(path);
    if (status.is_live) status.live = read_live(live_path(path));
    std::map<Digest, std::uint32_t> attempts;
    for (const Row& row : store.rows()) attempts[row.stage_id] = row.attempt;
    if (status.live) {
        std::map<Digest, StageIndex> positions;
        for (StageIndex i = 0; i < store.plan().stages.size(); ++i) positions.emplace(store.plan().stages[i].id, i);
        for (const LiveWorker& worker : status.live->workers) {
            const auto stage = positions.find(worker.stage);
            if (worker.state != WorkerState::running || stage == positions.end()) continue;
            auto& attempt = attempts[worker.stage];
            attempt = std::max(attempt, worker.attempt);
            if (status.stages[stage->second] != StageState::done) status.stages[stage->second] = StageState::running;
        }
    }
    for (const auto& [stage, attempt] : attempts) status.attempts += attempt;
    status.points = point_states(store.plan(), status.stages);
    return status;
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
    const bool finished = count(status.stages, StageState::waiting) + count(status.stages, StageState::running) == 0;
    if (finished) json["eta_s"] = {0.0, 0.0};
    if (status.live) {
        if (status.live->eta_s) json["eta_s"] = {status.live->eta_s->first, status.live->eta_s->second};
        json["workers"] = nlohmann::json::parse(live_to_json(*status.live)).value("workers", nlohmann::json::array());
    }
    json["running"] = status.is_live;
    return json.dump();
}

void print_worker(const LiveWorker& worker) {
    std::string doing = name_of(worker.state);
    if (worker.state == WorkerState::running) {
        doing = fmt::format("{} {}, attempt {}, {:.0f} %, {}", name_of(worker.kind), worker.stage.short_hex(), worker.attempt,
                            100.0 * worker.fraction, human_duration(worker.running_s));
    }
    std::cout << fmt::format("  worker {:<4} {:<16} {}\n", worker.worker, worker.host, doing);
}

void print_table(const std::filesystem::path& path, const SweepStatus& status) {
    const std::string how = status.live ? status.live->state : (status.is_live ? "running" : "no run at work");
    std::cout << fmt::format("{}: sweep {}, {}\n\n  {:<12} {:>8} {:>8}\n", path.string(), status.sweep, how, "", "points",
                             "stages");
    for (const StageState state : kStates) {
        const std::size_t points = count(status.points, state);
        const std::size_t stages = count(status.stages, state);
        if (points + stages > 0) std::cout << fmt::format("  {:<12} {:>8} {:>8}\n", name_of(state), points, stages);
    }
    std::cout << fmt::format("  {:<12} {:>8} {:>8}\n\n  attempts {}\n", "total", status.points.size(), status.stages.size(),
                             status.attempts);
    if (!status.live) return;
    if (const auto& eta = status.live->eta_s) {
        std::cout << fmt::format("  remaining {} to {}\n", human_duration(eta->first), human_duration(eta->second));
    }
    for (const LiveWorker& worker : status.live->workers) print_worker(worker);
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
        throw_usage({.attempted = "no store was given", .where = help.usage, .found = {}, .expected = {}, .hint = "see --help"});
    }
    if (values.count("json") != 0 && values.count("watch") != 0) {
        throw_usage({.attempted = "--json prints one object, --watch many",
                     .where = help.usage,
                     .found = "both",
                     .expected = "one of them",
                     .hint = {}});
    }
    const std::filesystem::path path = values["store"].as<std::string>();
    constexpr std::chrono::seconds kPause{2};
    for (bool first = true;; first = false) {
        const SweepStatus status = look_at(path);
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
        if (values.count("watch") == 0 || !status.is_live) return 0;
        std::this_thread::sleep_for(kPause);
    }
}

}  // namespace fairsweep

#include "run/run_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fairsweep/log.hpp"
#include "plan/point_state.hpp"
#include "run/stop_signal.hpp"

namespace fairsweep {
namespace {

/// A word as a shell would need it.
std::string quoted(const std::string& word) {
    if (!word.empty() &&
        word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%") == std::string::npos)
        return word;
    std::string text = "'";
    for (const char letter : word) text += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return text + "'";
}

std::string how_it_stopped(const std::vector<StageBefore>& stages, const RunOptions& options) {
    if (!options.only.empty()) return "more is to do than --only selected; what is done is safe";
    const auto count = [&stages](StageState state) {
        return std::count_if(stages.begin(), stages.end(), [state](const StageBefore& stage) { return stage.state == state; });
    };
    return fmt::format("stopped: {} of {} stages done and safe, {} run again", count(StageState::done), stages.size(),
                       count(StageState::preempted));
}

std::uint64_t bad_points(const StateCounts& points) {
    return points.of(StageState::failed) + points.of(StageState::lost) + points.of(StageState::skipped) +
           points.of(StageState::quarantined);
}

}  // namespace

/// An older --only goes: what waits is not among what it selects. The new one goes before a "--", behind which all words are
/// names.
std::string command_with_only(const RunOptions& options, const std::string& only) {
    std::string text = "fairsweep run";
    std::string added = only.empty() ? "" : " --only " + only;
    for (std::size_t i = 0; i < options.words.size(); ++i) {
        const std::string& word = options.words[i];
        if (word == "--") text += std::exchange(added, "");
        if (word == "--only")
            ++i;
        else if (word.rfind("--only=", 0) != 0)
            text += " " + quoted(word);
    }
    return text + added;
}

StateCounts points_of(const Plan& plan, const std::vector<StageBefore>& stages) {
    StateCounts counts;
    counts.total = plan.points.size();
    std::vector<StageState> states;
    for (const StageBefore& stage : stages) states.push_back(stage.state);
    for (const StageState state : point_states(plan, states)) ++counts.by_state[state];
    return counts;
}

int exit_code_of(const StateCounts& points, bool stopped, bool limited) {
    const std::uint64_t finished = points.of(StageState::done) + points.of(StageState::diverged);
    if (finished == points.total) return 0;
    if (finished + bad_points(points) == points.total) return 1;
    if (stopped) return 75;
    return limited ? 1 : 4;
}

int result_of(const Plan& plan, const std::vector<StageBefore>& stages, const RunOptions& options) {
    const StateCounts points = points_of(plan, stages);
    const bool stopped = stop_signals_seen() != 0 || !options.only.empty();
    const int code = exit_code_of(points, stopped, options.max_failures != 0);
    std::string text = fmt::format("{} points:", points.total);
    for (const StageState state : all_of<StageState>()) {
        if (points.of(state) != 0) text += fmt::format(" {} {}", points.of(state), name_of(state));
    }
    log_info(text);
    const std::string again = command_with_only(options, "");
    if (code == 75) log_info(how_it_stopped(stages, options) + ". To go on: " + again);
    if (code == 4) log_error("the sweep ended before its work was done; what is done is safe. To go on: " + again);
    if (code == 1) log_warning("to try failed stages again: " + command_with_only(options, "failed,lost"));
    return code;
}

}  // namespace fairsweep

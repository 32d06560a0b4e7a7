#include "run_result.hpp"

#include <fmt/format.h>

#include "fairsweep/log.hpp"
#include "store/point_state.hpp"

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

/// The same command, but for --only: what waits is not among what that selects.
std::string command_to_go_on(const RunOptions& options) {
    std::string text = "fairsweep run";
    for (std::size_t i = 0; i < options.words.size(); ++i) {
        const std::string& word = options.words[i];
        if (word == "--only")
            ++i;
        else if (word.rfind("--only=", 0) != 0)
            text += " " + quoted(word);
    }
    return text;
}

std::uint64_t bad_points(const StateCounts& points) {
    return points.of(StageState::failed) + points.of(StageState::lost) + points.of(StageState::skipped) +
           points.of(StageState::quarantined);
}

}  // namespace

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

void tell_result(const StateCounts& points, int code, const RunOptions& options) {
    std::string text = fmt::format("{} points:", points.total);
    for (const StageState state : all_of<StageState>()) {
        if (points.of(state) != 0) text += fmt::format(" {} {}", points.of(state), name_of(state));
    }
    log_info(text);
    const std::string again = command_to_go_on(options);
    if (code == 75) log_info("more is to do; what is done is safe. To go on: " + again);
    if (code == 4) log_error("the sweep ended before its work was done; what is done is safe. To go on: " + again);
    if (code == 1)
        log_warning("to try failed stages again: fairsweep run " + quoted(options.job.string()) + " --store " +
                    quoted(options.store.string()) + " --only failed,lost");
}

}  // namespace fairsweep

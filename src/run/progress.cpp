#include "run/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr double kBar_s = 1.0;
constexpr double kLine_s = 30.0;
/// No rest is guessed from less: the first batch is slow, and its time is not known.
constexpr double kLeastElapsed_s = 3.0;

int terminal_width() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::uint64_t ended(const StateCounts& counts) {
    std::uint64_t sum = 0;
    for (const StageState state : all_of<StageState>()) {
        if (is_final(state)) sum += counts.of(state);
    }
    return sum;
}

std::string details(const LiveStatus& status) {
    const StateCounts& points = status.points;
    std::string text =
        fmt::format("{}/{} points, {}/{} stages", ended(points), points.total, ended(status.stages), status.stages.total);
    const std::uint64_t failed = points.of(StageState::failed) + points.of(StageState::lost) + points.of(StageState::quarantined);
    if (failed != 0) text += fmt::format(", {} failed", failed);
    if (points.of(StageState::skipped) != 0) text += fmt::format(", {} skipped", points.of(StageState::skipped));
    if (points.of(StageState::diverged) != 0) text += fmt::format(", {} diverged", points.of(StageState::diverged));
    text += fmt::format(", {} running", status.stages.of(StageState::running));
    if (status.state == "stopping")
        text += ", stopping";
    else if (status.eta_s && ended(points) < points.total) {
        text += fmt::format(", left {} to {}", human_duration(status.eta_s->first), human_duration(status.eta_s->second));
    }
    return text;
}

}  // namespace

std::string progress_text(const LiveStatus& status, int width) {
    const std::string text = details(status);
    const int bar = std::min(40, width - static_cast<int>(text.size()) - 4);
    if (bar < 10 || status.stages.total == 0) return text.substr(0, static_cast<std::size_t>(std::max(width - 1, 0)));
    // Stages move the bar: points end late and in bunches.
    const auto full = static_cast<std::size_t>(static_cast<std::uint64_t>(bar) * ended(status.stages) / status.stages.total);
    return "[" + std::string(full, '#') + std::string(static_cast<std::size_t>(bar) - full, '.') + "] " + text;
}

std::string count_text(std::uint64_t done, std::uint64_t total, const char* what, double elapsed_s, int width) {
    std::string text = fmt::format("{}/{} {}", done, total, what);
    if (done > 0 && done < total && elapsed_s >= kLeastElapsed_s)
        text +=
            fmt::format(", left {}", human_duration(elapsed_s * static_cast<double>(total - done) / static_cast<double>(done)));
    const int bar = std::min(40, width - static_cast<int>(text.size()) - 4);
    if (bar < 10 || total == 0) return text;
    const auto full = static_cast<std::size_t>(static_cast<std::uint64_t>(bar) * done / total);
    return "[" + std::string(full, '#') + std::string(static_cast<std::size_t>(bar) - full, '.') + "] " + text;
}

Progress::Style progress_style(bool quiet) {
    if (quiet) return Progress::Style::none;
    return ::isatty(STDERR_FILENO) == 1 ? Progress::Style::bar : Progress::Style::lines;
}

Progress::~Progress() { finish(); }

void Progress::draw(const std::string& bar_line, const std::string& plain_line, int tenth, double now_s) {
    if (style_ == Style::bar) {
        if (now_s - last_s_ < kBar_s) return;
        last_s_ = now_s;
        std::fputs(("\r\033[K" + bar_line).c_str(), stderr);
        std::fflush(stderr);
        open_line_ = true;
        return;
    }
    if (tenth == last_tenth_ && now_s - last_s_ < kLine_s) return;
    last_s_ = now_s;
    last_tenth_ = tenth;
    std::fputs((plain_line + "\n").c_str(), stderr);
}

void Progress::show(const LiveStatus& status, double now_s) {
    if (style_ == Style::none) return;
    const int tenth = status.stages.total == 0 ? 10 : static_cast<int>(10 * ended(status.stages) / status.stages.total);
    draw(progress_text(status, terminal_width()), details(status), tenth, now_s);
}

void Progress::show_count(std::uint64_t done, std::uint64_t total, const char* what, double now_s) {
    if (style_ == Style::none) return;
    if (start_s_ < 0.0) {
        start_s_ = now_s;
        first_done_ = done;
    }
    const int tenth = total == 0 ? 10 : static_cast<int>(10 * done / total);
    // Without start() the clock begins with the first report: what was done before it took a time that nobody measured.
    const double share = done > first_done_ ? static_cast<double>(done) / static_cast<double>(done - first_done_) : 0.0;
    const double elapsed_s = share * (now_s - start_s_);
    draw(count_text(done, total, what, elapsed_s, terminal_width()), count_text(done, total, what, elapsed_s, 0), tenth, now_s);
}

void Progress::finish() {
    if (open_line_) std::fputs("\n", stderr);
    open_line_ = false;
}

}  // namespace fairsweep

#pragma once
/// How a run looks to people, on standard error: a bar that is redrawn on a terminal, a plain line now and then elsewhere.
#include <cstdint>
#include <string>

#include "run/live.hpp"

namespace fairsweep {

/// "[#####.....]  12/68 points  2 failed  running 2  left 3 min - 5 min". `width`: columns to fill at most.
[[nodiscard]] std::string progress_text(const LiveStatus& status, int width);

/// "[#####.....] 320/1000 images, left 40 s". `elapsed_s` since the start; under three seconds nothing is guessed from it.
[[nodiscard]] std::string count_text(std::uint64_t done, std::uint64_t total, const char* what, double elapsed_s, int width);

class Progress {
public:
    enum class Style { none, lines, bar };
    explicit Progress(Style style) : style_(style) {}
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Draws when it is time to: a bar at most once a second, a line each tenth of the points or each 30 s.
    void show(const LiveStatus& status, double now_s);
    /// The same for plain counting, such as images. The clock starts with start(), or with the first count.
    void start(double now_s) { start_s_ = now_s; }
    void show_count(std::uint64_t done, std::uint64_t total, const char* what, double now_s);
    void finish();  ///< ends the bar's line

private:
    Style style_;
    void draw(const std::string& bar_line, const std::string& plain_line, int tenth, double now_s);
    double last_s_ = -1e9;
    double start_s_ = -1.0;         ///< of counting
    std::uint64_t first_done_ = 0;  ///< in the first report
    int last_tenth_ = -1;
    bool open_line_ = false;
};

/// A bar on a terminal, lines elsewhere, nothing when quiet.
[[nodiscard]] Progress::Style progress_style(bool quiet);

}  // namespace fairsweep

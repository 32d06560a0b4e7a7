#pragma once
/// How a run looks to people, on standard error: a bar that is redrawn on a terminal, a plain line now and then elsewhere.
#include <string>

#include "coordinator/live.hpp"

namespace fairsweep {

/// "[#####.....]  12/68 points  2 failed  running 2  left 3 min - 5 min". `width`: columns to fill at most.
[[nodiscard]] std::string progress_text(const LiveStatus& status, int width);

class Progress {
public:
    enum class Style { none, lines, bar };
    explicit Progress(Style style) : style_(style) {}
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Draws when it is time to: a bar at most once a second, a line each tenth of the points or each 30 s.
    void show(const LiveStatus& status, double now_s);
    void finish();  ///< ends the bar's line

private:
    Style style_;
    double last_s_ = -1e9;
    int last_tenth_ = -1;
    bool open_line_ = false;
};

/// A bar on a terminal, lines elsewhere, nothing when quiet.
[[nodiscard]] Progress::Style progress_style(bool quiet);

}  // namespace fairsweep

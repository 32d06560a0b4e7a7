#pragma once
/// "A run is starting", for those who look before its coordinator is up: a live status that rank 0 replaces. It goes away with
/// the value when nobody has replaced it.
#include <filesystem>
#include <string>

#include "run/run_options.hpp"

namespace fairsweep {

class StartingNotice {
public:
    explicit StartingNotice(const RunOptions& options);
    ~StartingNotice();
    StartingNotice(const StartingNotice&) = delete;
    StartingNotice& operator=(const StartingNotice&) = delete;

    /// Writes the notice when the store is there. Not over that of a run at work. Never throws: it is a hint.
    void tell() noexcept;

private:
    std::filesystem::path store_;
    double silence_s_;
    bool told_ = false;
};

}  // namespace fairsweep

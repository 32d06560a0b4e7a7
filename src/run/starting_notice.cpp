#include "run/starting_notice.hpp"

#include <exception>

#include "run/clocks.hpp"
#include "run/live.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/process.hpp"
#include "store/store.hpp"

namespace fairsweep {

StartingNotice::StartingNotice(const RunOptions& options)
    : store_(options.store), silence_s_(options.start_s + options.coordinator_silence_s) {}

void StartingNotice::tell() noexcept {
    try {
        if (!std::filesystem::exists(store_) || (!told_ && store_owner(store_) != StoreOwner::none)) return;
        LiveStatus notice;
        notice.state = "starting";
        notice.pid = process_id();
        notice.host = host_name();
        notice.silence_s = silence_s_;
        notice.started_unix_s = notice.updated_unix_s = unix_now_s();
        write_live(live_path(store_), notice);
        told_ = true;
    } catch (const std::exception& error) {
        log_debug(error.what());
    }
}

StartingNotice::~StartingNotice() {
    const auto live = told_ ? read_live(live_path(store_)) : std::nullopt;
    const bool is_ours = live && live->state == "starting" && live->pid == process_id() && live->host == host_name();
    std::error_code ignored;
    if (is_ours) std::filesystem::remove(live_path(store_), ignored);
}

}  // namespace fairsweep

#include "collective/nccl_communicator.hpp"

#include <fmt/format.h>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

bool is_fine(NcclResult result) { return result == kNcclSuccess || result == kNcclInProgress; }

}  // namespace

std::string nccl_error_text(const NcclTable& nccl, NcclResult result, NcclHandle* handle) {
    const char* general = nccl.get_error_string(result);
    const char* last = nccl.get_last_error(handle);
    std::string text = fmt::format("{} ({})", general != nullptr ? general : "unknown error", result);
    if (last != nullptr && *last != '\0') text += fmt::format(": {}", last);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

NcclUniqueId make_unique_id(const NcclTable& nccl) {
    NcclUniqueId id{};
    if (const NcclResult result = nccl.get_unique_id(&id); result != kNcclSuccess) {
        throw_infrastructure({.attempted = "ncclGetUniqueId", .found = nccl_error_text(nccl, result, nullptr)});
    }
    return id;
}

NcclCommunicator::NcclCommunicator(const NcclContext& context, int rank, int size, const NcclUniqueId& id)
    : context_(context), rank_(rank), size_(size), id_(id), stream_(context.device) {
    NcclConfig config;
    const NcclResult result = context_.nccl.init_rank_config(&handle_, size_, id_, rank_, &config);
    if (is_fine(result) && handle_ != nullptr) return;
    // A destructor does not run for what was not constructed: a handle that a failed call left behind is ended here.
    const std::string found = is_fine(result) ? "no communicator" : nccl_error_text(context_.nccl, result, handle_);
    if (handle_ != nullptr && !abort_locked().empty()) stream_.forsake();
    throw_infrastructure({.attempted = "ncclCommInitRankConfig", .where = where(), .found = found});
}

NcclCommunicator::~NcclCommunicator() {
    stop();
    if (abort_failed_) stream_.forsake();
}

std::string NcclCommunicator::where() const { return fmt::format("rank {} of {}", rank_, size_); }

void NcclCommunicator::check(const char* call, NcclResult result) const {
    if (is_fine(result)) return;
    throw_infrastructure({.attempted = call, .where = where(), .found = nccl_error_text(context_.nccl, result, handle_)});
}

void NcclCommunicator::throw_dead() const {
    throw_infrastructure({.attempted = "use a communicator", .where = where(), .found = "it has ended"});
}

bool NcclCommunicator::ready_locked() {
    if (state_ == State::dead) throw_dead();
    NcclResult state = kNcclSuccess;
    const NcclResult result = context_.nccl.get_async_error(handle_, &state);
    check("ncclCommGetAsyncError", result);
    check("a call under way (ncclCommGetAsyncError)", state);
    return result == kNcclSuccess && state == kNcclSuccess;
}

bool NcclCommunicator::ready() {
    const std::lock_guard lock(mutex_);
    return ready_locked();
}

void NcclCommunicator::group(const char* name, const std::function<NcclResult()>& body) {
    const std::lock_guard lock(mutex_);
    FAIRSWEEP_CHECK(state_ != State::finalizing, "a communicator that is not at its end");
    if (state_ == State::dead) throw_dead();
    check("ncclGroupStart", context_.nccl.group_start());
    const NcclResult inside = body();
    // Ended also after a failure: an open group would swallow the next calls of this thread.
    const NcclResult end = context_.nccl.group_end();
    check(name, inside);
    check("ncclGroupEnd", end);
}

void NcclCommunicator::exchange(std::span<const Transfer> transfers) {
    group("ncclSend and ncclRecv", [&] {
        NcclResult result = kNcclSuccess;
        for (const Transfer& each : transfers) {
            // Nothing is not sent: both sides know the lengths.
            if (is_fine(result) && each.from_bytes != 0)
                result = context_.nccl.send(each.from, each.from_bytes, kNcclUint8, each.peer, handle_, stream_.get());
            if (is_fine(result) && each.to_bytes != 0)
                result = context_.nccl.recv(each.to, each.to_bytes, kNcclUint8, each.peer, handle_, stream_.get());
        }
        return result;
    });
}

void NcclCommunicator::all_gather(const void* part, void* all, std::size_t part_bytes) {
    group("ncclAllGather", [&] { return context_.nccl.all_gather(part, all, part_bytes, kNcclUint8, handle_, stream_.get()); });
}

void NcclCommunicator::broadcast(void* data, std::size_t bytes, int root) {
    group("ncclBroadcast", [&] { return context_.nccl.broadcast(data, data, bytes, kNcclUint8, root, handle_, stream_.get()); });
}

std::string NcclCommunicator::abort_locked() {
    if (state_ == State::dead) return "";
    state_ = State::dead;
    // Whatever the call says, the handle is not to be used again.
    NcclHandle* handle = std::exchange(handle_, nullptr);
    const NcclResult result = context_.nccl.abort(handle);
    abort_failed_ = !is_fine(result);
    return abort_failed_ ? fmt::format("ncclCommAbort of {} failed: {}", where(), nccl_error_text(context_.nccl, result, nullptr))
                         : "";
}

std::string NcclCommunicator::stop() {
    const std::lock_guard lock(mutex_);
    return abort_locked();
}

std::string NcclCommunicator::abort_all(std::span<const std::shared_ptr<NcclCommunicator>> all) {
    if (all.empty()) return "";
    const NcclTable& nccl = all.front()->context_.nccl;
    const bool grouped = is_fine(nccl.group_start());
    std::string failures;
    const auto add = [&failures](const std::string& failure) {
        if (!failure.empty()) failures += (failures.empty() ? "" : "; ") + failure;
    };
    for (const auto& one : all) add(one->stop());
    if (!grouped) return failures;
    if (const NcclResult end = nccl.group_end(); !is_fine(end)) {
        add(fmt::format("ncclGroupEnd of aborts failed: {}", nccl_error_text(nccl, end, nullptr)));
        for (const auto& one : all) {
            const std::lock_guard lock(one->mutex_);
            one->abort_failed_ = true;
        }
    }
    return failures;
}

bool NcclCommunicator::is_dead() const {
    const std::lock_guard lock(mutex_);
    return state_ == State::dead;
}

bool NcclCommunicator::was_stopped() const {
    const std::lock_guard lock(mutex_);
    return state_ == State::dead && !abort_failed_;
}

bool NcclCommunicator::end() {
    const std::lock_guard lock(mutex_);
    if (state_ == State::dead) return true;
    if (!ready_locked()) return false;
    if (state_ == State::alive) {
        state_ = State::finalizing;
        check("ncclCommFinalize", context_.nccl.finalize(handle_));
        if (!ready_locked()) return false;
    }
    state_ = State::dead;
    check("ncclCommDestroy", context_.nccl.destroy(std::exchange(handle_, nullptr)));
    return true;
}

}  // namespace fairsweep

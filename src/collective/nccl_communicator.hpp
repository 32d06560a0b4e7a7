#pragma once
/// One communicator of NCCL with its stream and scratch memory. It never blocks: every call leaves it "in progress" until ready()
/// says otherwise, and no other call may come before. One thread owns it; stop() may come from any.
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "collective/nccl_device.hpp"
#include "collective/nccl_table.hpp"

namespace fairsweep {

struct NcclContext {
    NcclTable nccl{};
    DeviceCalls device{};
};

/// Bytes to and from one peer; either may be none.
struct Transfer {
    int peer = 0;
    const void* from = nullptr;
    std::size_t from_bytes = 0;
    void* to = nullptr;
    std::size_t to_bytes = 0;
};

class NcclCommunicator {
public:
    /// Begins to initialise. `context` must outlive it. Throws an infrastructure error where NCCL or the device refuses.
    NcclCommunicator(const NcclContext& context, int rank, int size, const NcclUniqueId& id);
    NcclCommunicator(const NcclCommunicator&) = delete;
    NcclCommunicator& operator=(const NcclCommunicator&) = delete;
    /// Aborts it where it has not ended, then frees stream and memory, which may wait for the device: the cache sees to it that
    /// nothing of this process is under way there by then.
    ~NcclCommunicator();

    [[nodiscard]] int rank() const { return rank_; }
    [[nodiscard]] int size() const { return size_; }
    [[nodiscard]] const NcclUniqueId& id() const { return id_; }
    [[nodiscard]] DeviceStream& stream() { return stream_; }

    /// False while it is in progress. Throws what NCCL reports: a failed call or an asynchronous error.
    [[nodiscard]] bool ready();

    // One group each; only when ready.
    void exchange(std::span<const Transfer> transfers);
    void all_gather(const void* part, void* all, std::size_t part_bytes);
    void broadcast(void* data, std::size_t bytes, int root);

    /// Aborts it. Returns what went wrong with that, if anything did: then its stream and memory are kept for ever, since
    /// something may still use them. Any thread; only the first call does something.
    std::string stop();
    /// All of them in one group: every one is told to stop before any is freed, which could wait for another's kernels.
    static std::string abort_all(std::span<const std::shared_ptr<NcclCommunicator>> all);
    [[nodiscard]] bool is_dead() const;
    /// Whether it was aborted and nothing of NCCL can still run on its stream.
    [[nodiscard]] bool was_stopped() const;

    /// Begins to end in good order with all its ranks, or goes on with it; true when it has ended. Throws like ready().
    [[nodiscard]] bool end();

private:
    enum class State { alive, finalizing, dead };
    /// One group with what `body` puts into it. `name` is of the call, for messages.
    void group(const char* name, const std::function<NcclResult()>& body);
    [[nodiscard]] bool ready_locked();
    void check(const char* call, NcclResult result) const;
    [[noreturn]] void throw_dead() const;
    [[nodiscard]] std::string abort_locked();
    [[nodiscard]] std::string where() const;

    const NcclContext& context_;
    const int rank_;
    const int size_;
    const NcclUniqueId id_;
    DeviceStream stream_;
    mutable std::mutex mutex_;  ///< the handle: an abort frees it, so it waits for the call that another thread is in
    NcclHandle* handle_ = nullptr;
    State state_ = State::alive;
    bool abort_failed_ = false;
};

/// "unhandled cuda error (1): Cuda failure ..."; the second part where NCCL has one.
[[nodiscard]] std::string nccl_error_text(const NcclTable& nccl, NcclResult result, NcclHandle* handle);
[[nodiscard]] NcclUniqueId make_unique_id(const NcclTable& nccl);

}  // namespace fairsweep

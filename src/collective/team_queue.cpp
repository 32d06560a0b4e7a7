#include "collective/team_queue.hpp"

#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "collective/slices.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {

/// What the two sides share. Two locks, since poll() must not wait for a step that adds: `buffers` is held while a step may touch
/// the memory of the stage, `lock` for moments. Who needs both takes `buffers` first.
struct TeamState {
    int rank = 0;
    int size = 1;

    std::mutex buffers;
    bool is_left = false;  ///< under `buffers`: the stage's memory may be gone

    std::mutex lock;  ///< of all below
    std::deque<Operation> queue;
    std::uint64_t begun = 0;
    std::set<std::uint64_t> open;  ///< begun, and not done
    std::optional<std::string> failure;
    std::string waits_for;

    void fail(const std::string& why) {
        const std::lock_guard guard(lock);
        if (failure) return;  // the first reason stays
        failure = waits_for.empty() ? why : why + "; " + waits_for;
        queue.clear();
    }
};

namespace {

class QueuedTeam final : public Collective {
public:
    explicit QueuedTeam(std::shared_ptr<TeamState> state) : state_(std::move(state)) {}
    ~QueuedTeam() override {
        // Messages are not this thread's to end: the next step() does it, and touches no buffer.
        const std::lock_guard guard(state_->buffers);
        state_->is_left = true;
    }
    int rank() const override { return state_->rank; }
    int size() const override { return state_->size; }

    Ticket all_reduce(Buffer buffer, Reduction reduction) override {
        return begin({.kind = Operation::Kind::all_reduce, .buffer = buffer, .reduction = reduction});
    }
    Ticket all_gather(Buffer part, Buffer all) override {
        FAIRSWEEP_CHECK(all.count == part.count * static_cast<std::size_t>(size()) && all.type == part.type,
                        "room for the parts of all ranks");
        return begin({.kind = Operation::Kind::all_gather, .buffer = part, .all = all});
    }
    Ticket broadcast(Buffer buffer, int root) override {
        FAIRSWEEP_CHECK(root >= 0 && root < size(), "a rank of the team");
        return begin({.kind = Operation::Kind::broadcast, .buffer = buffer, .root = root});
    }
    Ticket barrier() override { return begin({.kind = Operation::Kind::barrier}); }

    OperationStatus poll(Ticket ticket) override {
        const std::lock_guard guard(state_->lock);
        FAIRSWEEP_CHECK(ticket.number < state_->begun, "an operation of this team");
        if (!state_->open.contains(ticket.number)) return {.state = OperationStatus::State::done};
        if (state_->failure) return {.state = OperationStatus::State::failed, .why = *state_->failure};
        return {.state = OperationStatus::State::running};
    }

    std::string ended() const override {
        const std::lock_guard guard(state_->lock);
        return state_->failure.value_or("");
    }
    void abort(const std::string& why) override {
        state_->fail(why);
        // A step that is under way may still add: once it is over, no later one touches a buffer, so that whoever has aborted, as
        // wait() does before it throws, may free its memory in any order.
        const std::lock_guard guard(state_->buffers);
    }

private:
    Ticket begin(const Operation& operation) {
        FAIRSWEEP_CHECK(!operation.buffer.on_device && !operation.all.on_device, "memory of the process");
        const std::lock_guard guard(state_->lock);
        if (!state_->failure) state_->queue.push_back(operation);
        state_->open.insert(state_->begun);
        return {state_->begun++};
    }

    std::shared_ptr<TeamState> state_;
};

}  // namespace

TeamDriver::TeamDriver(std::uint64_t team, std::unique_ptr<PointToPoint> messages) : state_(std::make_shared<TeamState>()) {
    state_->rank = messages->rank();
    state_->size = messages->size();
    slices_ = std::make_unique<Slices>(team, std::move(messages));
}

TeamDriver::~TeamDriver() {
    state_->fail("this process sends no more messages of the team");
    slices_.reset();
}

std::unique_ptr<Collective> TeamDriver::collective() { return std::make_unique<QueuedTeam>(state_); }

bool TeamDriver::is_left() const {
    const std::lock_guard guard(state_->buffers);
    return state_->is_left;
}

bool TeamDriver::step() {
    if (!slices_) return false;
    const std::lock_guard buffers(state_->buffers);
    std::deque<Operation> queue;
    bool has_ended = state_->is_left;
    {
        const std::lock_guard guard(state_->lock);
        has_ended = has_ended || state_->failure.has_value();
        queue.swap(state_->queue);
    }
    if (has_ended) {
        slices_.reset();
        return true;
    }
    try {
        for (const Operation& operation : queue) slices_->begin(operation);
        const bool moved = slices_->step();
        const std::vector<std::uint64_t> done = slices_->take_done();
        if (moved) has_told_ = false;
        if (!done.empty() || !has_told_) {
            std::string waits_for = slices_->waits_for();
            const std::lock_guard guard(state_->lock);
            if (!state_->failure)  // what has failed meanwhile stays failed
                for (const std::uint64_t number : done) state_->open.erase(number);
            state_->waits_for = std::move(waits_for);
            has_told_ = !moved;
        }
        return moved;
    } catch (const Error& error) {
        slices_.reset();
        state_->fail(error.what());
        return true;
    }
}

}  // namespace fairsweep

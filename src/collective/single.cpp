#include "collective/single.hpp"

#include <cstring>
#include <mutex>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

/// Nothing is ever under way: an operation is done when it has begun, or failed where the team had ended before.
class Single final : public Collective {
public:
    int rank() const override { return 0; }
    int size() const override { return 1; }

    Ticket all_reduce(Buffer, Reduction) override { return begin(); }
    Ticket all_gather(Buffer part, Buffer all) override {
        FAIRSWEEP_CHECK(all.count == part.count && all.type == part.type, "the parts of one rank");
        FAIRSWEEP_CHECK(!part.on_device && !all.on_device, "memory of the process");
        if (part.data != all.data && part.count != 0) std::memcpy(all.data, part.data, part.count * bytes_of(part.type));
        return begin();
    }
    Ticket broadcast(Buffer, int root) override {
        FAIRSWEEP_CHECK(root == 0, "a rank of the team");
        return begin();
    }
    Ticket barrier() override { return begin(); }

    OperationStatus poll(Ticket ticket) override {
        const std::lock_guard lock(mutex_);
        FAIRSWEEP_CHECK(ticket.number < begun_, "an operation of this team");
        if (ticket.number < done_) return {.state = OperationStatus::State::done};
        return {.state = OperationStatus::State::failed, .why = why_};
    }

    std::string ended() const override {
        const std::lock_guard lock(mutex_);
        return why_;
    }
    void abort(const std::string& why) override {
        const std::lock_guard lock(mutex_);
        if (why_.empty()) why_ = why.empty() ? "it was aborted" : why;
    }

private:
    Ticket begin() {
        const std::lock_guard lock(mutex_);
        if (why_.empty()) ++done_;
        return {begun_++};
    }

    mutable std::mutex mutex_;  ///< abort() may come from another thread
    std::uint64_t begun_ = 0;
    std::uint64_t done_ = 0;
    std::string why_;
};

}  // namespace

std::unique_ptr<Collective> make_single() { return std::make_unique<Single>(); }

}  // namespace fairsweep

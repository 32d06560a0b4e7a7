#include "study/gpu_team.hpp"

#include <array>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "collective/nccl.hpp"
#include "collective/nccl_table.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

constexpr double kJoin_s = 300.0;  // NCCL's first communicator of a node may take a minute

/// A broadcast of the unique id by the team below. Begun at the same place of every rank's order.
class IdBroadcast {
public:
    explicit IdBroadcast(Collective& below) : below_(below) {}
    void hand_out(const NcclUniqueId& id) {
        std::memcpy(words_.data(), &id, sizeof(id));
        begin();
    }
    std::optional<NcclUniqueId> receive() {
        if (!ticket_) begin();
        if (below_.poll(*ticket_).state != OperationStatus::State::done) return std::nullopt;
        NcclUniqueId id;
        std::memcpy(&id, words_.data(), sizeof(id));
        return id;
    }

private:
    void begin() { ticket_ = below_.broadcast({.data = words_.data(), .count = words_.size(), .type = Scalar::i64}, 0); }
    Collective& below_;
    std::array<std::int64_t, sizeof(NcclUniqueId) / sizeof(std::int64_t)> words_{};
    std::optional<Ticket> ticket_;
};

class GpuTeam final : public Collective {
public:
    GpuTeam(CommunicatorCache& cache, const NcclContext& context, Collective& below, NcclTeam team)
        : below_(below),
          id_(below),
          gpus_(make_nccl(cache, context, std::move(team),
                          {.hand_out = [this](const NcclUniqueId& id) { id_.hand_out(id); }, .receive = [this] { return id_.receive(); }})) {}

    int rank() const override { return below_.rank(); }
    int size() const override { return below_.size(); }
    Ticket all_reduce(Buffer buffer, Reduction reduction) override {
        return buffer.on_device ? of_gpus(gpus_->all_reduce(buffer, reduction)) : of_hosts(below_.all_reduce(buffer, reduction));
    }
    Ticket all_gather(Buffer part, Buffer all) override {
        return all.on_device ? of_gpus(gpus_->all_gather(part, all)) : of_hosts(below_.all_gather(part, all));
    }
    Ticket broadcast(Buffer buffer, int root) override {
        return buffer.on_device ? of_gpus(gpus_->broadcast(buffer, root)) : of_hosts(below_.broadcast(buffer, root));
    }
    /// Of the GPUs: what was begun there before is over.
    Ticket barrier() override { return of_gpus(gpus_->barrier()); }

    OperationStatus poll(Ticket ticket) override {
        const Ticket own{ticket.number / 2};
        if (ticket.number % 2 == 0) return below_.poll(own);
        OperationStatus status = gpus_->poll(own);
        // A rank that is gone is no error to NCCL: who watches the team ends the one below.
        if (status.state != OperationStatus::State::running) return status;
        const std::string why = below_.ended();
        return why.empty() ? status : OperationStatus{.state = OperationStatus::State::failed, .why = why};
    }
    std::string ended() const override {
        const std::string why = below_.ended();
        return why.empty() ? gpus_->ended() : why;
    }
    void abort(const std::string& why) override {
        below_.abort(why);
        gpus_->abort(why);
    }

private:
    // A ticket says whose it is by its last bit.
    static Ticket of_hosts(Ticket ticket) { return {2 * ticket.number}; }
    static Ticket of_gpus(Ticket ticket) { return {2 * ticket.number + 1}; }

    Collective& below_;
    IdBroadcast id_;
    std::unique_ptr<Collective> gpus_;  ///< after what it uses
};

constexpr std::size_t kWarmingBytes = std::size_t{25} << 20;  // a bucket of gradients

struct ScratchMemory {
    ScratchMemory(const DeviceCalls& calls, std::size_t bytes) : device(calls) {
        check_device(device, "allocate memory", device.allocate(&data, bytes));
    }
    ~ScratchMemory() { static_cast<void>(device.release(data)); }
    ScratchMemory(const ScratchMemory&) = delete;
    ScratchMemory& operator=(const ScratchMemory&) = delete;
    const DeviceCalls& device;
    void* data = nullptr;
};

NcclTable found_nccl() {
    const OpenedNccl nccl = open_nccl(usual_nccl());
    if (!nccl.library)
        throw_infrastructure({.attempted = "cannot train on a team of GPUs",
                              .where = "NCCL",
                              .found = nccl.why_not,
                              .expected = "libnccl.so.2",
                              .hint = "FAIRSWEEP_NCCL names its file; [run] team_ranks = 1 trains every stage on one GPU"});
    return nccl.library->table;
}

}  // namespace

GpuTeams::GpuTeams(const DeviceCalls& device) : context_{.nccl = found_nccl(), .device = device}, cache_(context_) {}

std::unique_ptr<Collective> GpuTeams::make(Collective& below, const std::vector<int>& ranks) {
    NcclTeam team{.ranks = ranks, .rank = below.rank()};
    if (ranks.empty()) {
        team.ranks.resize(static_cast<std::size_t>(below.size()));
        std::iota(team.ranks.begin(), team.ranks.end(), 0);
    }
    auto gpus = std::make_unique<GpuTeam>(cache_, context_, below, std::move(team));
    // All ways of the communicator and its memory are set up now, not in a backward pass.
    const ScratchMemory first(context_.device, kWarmingBytes);
    const Buffer buffer{.data = first.data, .count = kWarmingBytes / sizeof(float), .type = Scalar::f32, .on_device = true};
    wait(*gpus, gpus->all_reduce(buffer, Reduction::sum), kJoin_s, [] { return true; });
    return gpus;
}

}  // namespace fairsweep

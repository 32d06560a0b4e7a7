#include "collective/nccl.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <deque>
#include <vector>

#include <fmt/format.h>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

using Scratch = DeviceStream::Scratch;

std::byte* bytes_at(void* data, std::size_t offset) { return static_cast<std::byte*>(data) + offset; }
std::size_t bytes_in(const Buffer& buffer) { return buffer.count * bytes_of(buffer.type); }

/// A part of an operation: queues work on the stream, or asks whether something has come; false: not yet, call it again.
using Step = std::function<bool()>;

/// The steps of one operation on a communicator. They outlive the plan, and so capture nothing of it. Each group of NCCL is a
/// step of its own, since NCCL takes nothing more before it has settled; the caller sees to that between steps.
class Plan {
public:
    explicit Plan(NcclCommunicator& communicator) : communicator_(communicator), stream_(communicator.stream()) {}

    void all_reduce(const Buffer& buffer, Reduction reduction) {
        if (size() == 1 || buffer.count == 0) return;
        staged(buffer, Scratch::staged, true, [&](void* data) { reduce(data, buffer, reduction); });
    }
    void all_gather(const Buffer& part, const Buffer& all) {
        const std::size_t bytes = bytes_in(part);
        staged(part, Scratch::staged, false,
               [&](void* from) { staged(all, Scratch::staged_all, true, [&](void* to) { gather(from, to, bytes); }); });
    }
    void broadcast(const Buffer& buffer, int root) {
        staged(buffer, Scratch::staged, true, [&](void* data) {
            const std::size_t bytes = bytes_in(buffer);
            if (bytes != 0) add([c = &communicator_, data, bytes, root] { c->broadcast(data, bytes, root); });
        });
    }
    /// Nobody has the bytes of all before all have come.
    void barrier() {
        constexpr std::size_t kBytes = 8;
        std::byte* all = stream_.scratch(Scratch::gathered, kBytes * size());
        gather(all + kBytes * rank(), all, kBytes);
    }

    [[nodiscard]] std::deque<Step> take() { return std::move(steps_); }

private:
    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(communicator_.size()); }
    [[nodiscard]] std::size_t rank() const { return static_cast<std::size_t>(communicator_.rank()); }

    template <class Body>
    void add(Body body) {
        steps_.emplace_back([body] {
            body();
            return true;
        });
    }

    /// Waits until all that is queued has run.
    void settle() {
        auto event = std::make_shared<std::optional<DeviceEvent>>();
        steps_.emplace_back([this_stream = &stream_, event] {
            if (!*event) {
                event->emplace(this_stream->device());
                (*event)->record(this_stream->get());
            }
            return (*event)->reached();
        });
    }

    /// `body` adds the steps on device memory: the buffer's own, or a copy of it where it is the host's. Copies of pageable host
    /// memory may wait for all that is queued before them: they are made when nothing is, so that they never wait for a peer.
    template <class Body>
    void staged(const Buffer& buffer, Scratch where, bool copy_back, const Body& body) {
        if (buffer.on_device || buffer.count == 0) return body(buffer.data);
        const std::size_t bytes = bytes_in(buffer);
        std::byte* copy = stream_.scratch(where, bytes);
        settle();
        add([this_stream = &stream_, copy, buffer, bytes] { this_stream->copy(copy, buffer.data, bytes); });
        body(copy);
        if (!copy_back) return;
        settle();
        add([this_stream = &stream_, copy, buffer, bytes] { this_stream->copy(buffer.data, copy, bytes); });
        settle();
    }

    void gather(void* part, void* all, std::size_t bytes) {
        if (bytes != 0) add([c = &communicator_, part, all, bytes] { c->all_gather(part, all, bytes); });
    }

    void reduce(void* data, const Buffer& buffer, Reduction reduction);
    [[nodiscard]] std::vector<Transfer> slices_of(void* data, std::size_t bytes, std::size_t slice, std::byte* parts) const;
    void combine_parts(std::byte* parts, std::size_t slice, std::size_t first, std::size_t count, std::size_t elements,
                       Scalar type, Reduction reduction);

    NcclCommunicator& communicator_;
    DeviceStream& stream_;
    std::deque<Step> steps_;
};

/// Every rank gets one slice of all ranks, adds them in the order of the tree, and gives the sum to all.
void Plan::reduce(void* data, const Buffer& buffer, Reduction reduction) {
    const std::size_t element = bytes_of(buffer.type), bytes = bytes_in(buffer);
    const std::size_t slice = (buffer.count + size() - 1) / size() * element;  // the last ones are shorter, or nothing
    std::byte* parts = stream_.scratch(Scratch::parts, slice * size());
    const std::size_t begin = std::min(slice * rank(), bytes), own = std::min(slice, bytes - begin);
    add([this_stream = &stream_, to = parts + slice * rank(), from = bytes_at(data, begin), own] {
        this_stream->copy(to, from, own);
    });
    add([c = &communicator_, transfers = slices_of(data, bytes, slice, parts)] { c->exchange(transfers); });
    combine_parts(parts, slice, 0, size(), own / element, buffer.type, reduction);
    // All slices are equally long in a gathering, so a buffer that they overrun is gathered beside and copied.
    const bool fits = slice * size() == bytes;
    std::byte* gathered = fits ? bytes_at(data, 0) : stream_.scratch(Scratch::gathered, slice * size());
    gather(parts, gathered, slice);
    if (!fits) add([this_stream = &stream_, data, gathered, bytes] { this_stream->copy(data, gathered, bytes); });
}

std::vector<Transfer> Plan::slices_of(void* data, std::size_t bytes, std::size_t slice, std::byte* parts) const {
    const auto length = [&](std::size_t which) { return std::min(slice, bytes - std::min(slice * which, bytes)); };
    std::vector<Transfer> transfers;
    for (std::size_t peer = 0; peer < size(); ++peer) {
        if (peer == rank()) continue;
        transfers.push_back({.peer = static_cast<int>(peer),
                             .from = bytes_at(data, std::min(slice * peer, bytes)),
                             .from_bytes = length(peer),
                             .to = parts + slice * peer,
                             .to_bytes = length(rank())});
    }
    return transfers;
}

/// Adds the steps that leave the tree over `count` parts from `first` on in part `first`.
void Plan::combine_parts(std::byte* parts, std::size_t slice, std::size_t first, std::size_t count, std::size_t elements,
                         Scalar type, Reduction reduction) {
    if (count == 1) return;
    const std::size_t left = std::bit_ceil(count) / 2;
    combine_parts(parts, slice, first, left, elements, type, reduction);
    combine_parts(parts, slice, first + left, count - left, elements, type, reduction);
    add([this_stream = &stream_, a = parts + slice * first, b = parts + slice * (first + left), elements, type, reduction] {
        this_stream->combine(a, b, elements, type, reduction);
    });
}

/// An error of several lines as a reason of one.
std::string reason_of(const Error& error) {
    const ErrorParts& parts = error.parts();
    std::string reason = parts.attempted;
    if (!parts.where.empty()) reason += fmt::format(" ({})", parts.where);
    reason += fmt::format(": {}", parts.found);
    return parts.hint.empty() ? reason : fmt::format("{}; {}", reason, parts.hint);
}

class Nccl final : public Collective {
public:
    Nccl(CommunicatorCache& cache, const NcclContext& context, NcclTeam team, UniqueIdExchange exchange)
        : cache_(cache), context_(context), team_(std::move(team)), exchange_(std::move(exchange)) {
        FAIRSWEEP_CHECK(team_.rank >= 0 && team_.rank < size(), "a rank of the team");
    }
    ~Nccl() override;

    int rank() const override { return team_.rank; }
    int size() const override { return static_cast<int>(team_.ranks.size()); }
    Ticket all_reduce(Buffer buffer, Reduction reduction) override {
        return begin([=](Plan& plan) { plan.all_reduce(buffer, reduction); });
    }
    Ticket all_gather(Buffer part, Buffer all) override {
        FAIRSWEEP_CHECK(all.count == part.count * team_.ranks.size() && all.type == part.type, "the parts of all ranks");
        return begin([=](Plan& plan) { plan.all_gather(part, all); });
    }
    Ticket broadcast(Buffer buffer, int root) override {
        FAIRSWEEP_CHECK(root >= 0 && root < size(), "a rank of the team");
        return begin([=](Plan& plan) { plan.broadcast(buffer, root); });
    }
    Ticket barrier() override {
        return begin([](Plan& plan) { plan.barrier(); });
    }
    OperationStatus poll(Ticket ticket) override;
    std::string ended() const override {
        const std::lock_guard lock(mutex_);
        return why_;
    }
    void abort(const std::string& why) override {
        const std::lock_guard lock(mutex_);
        if (!why_.empty()) return;
        why_ = why.empty() ? "it was aborted" : why;
        if (const char* what = waits_for_) why_ += fmt::format(" (it was waiting for {})", what);
        // Before this collective has one: the team's communicator of before, whose other ends do not come back either.
        const std::string failed = communicator_ ? communicator_->stop() : cache_.drop(team_);
        if (!failed.empty()) why_ += fmt::format("; {}: its memory on the device is kept", failed);
    }

private:
    struct Operation {
        std::function<void(Plan&)> describe;
        std::optional<DeviceEvent> begun;  ///< the caller's stream has written the buffers
        std::optional<DeviceEvent> ended;
        std::optional<std::deque<Step>> steps{};  ///< what is not queued yet; none: not planned yet
        [[nodiscard]] bool is_queued() const { return steps && steps->empty(); }
    };
    Ticket begin(std::function<void(Plan&)> describe);
    void advance();
    void fail(const Error& error);
    [[nodiscard]] bool has_joined();
    void queue();
    void plan(Operation& operation);
    void collect();

    CommunicatorCache& cache_;
    const NcclContext& context_;
    const NcclTeam team_;
    UniqueIdExchange exchange_;
    std::deque<Operation> under_way_;
    std::uint64_t done_ = 0;   ///< operations that are done; those under way follow
    std::uint64_t begun_ = 0;  ///< operations in all

    std::atomic<const char*> waits_for_ = "the unique id of rank 0";  ///< until there is a communicator that is ready
    mutable std::mutex mutex_;                                        ///< of what abort() uses from another thread
    std::shared_ptr<NcclCommunicator> communicator_;
    std::string why_;
};

Nccl::~Nccl() {
    if (!under_way_.empty()) this->abort("the collective was left with operations under way");
    // The caller may use its memory from now on, so what was queued on it must have run; after an abort that is soon. Where the
    // abort failed nothing can be waited for.
    if (under_way_.empty() || !communicator_ || !communicator_->was_stopped()) return;
    try {
        communicator_->stream().drain();
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): a device that fails runs nothing either
    }
}

Ticket Nccl::begin(std::function<void(Plan&)> describe) {
    const Ticket ticket{begun_++};
    if (!ended().empty()) return ticket;
    try {
        Operation operation{
            .describe = std::move(describe), .begun = DeviceEvent(context_.device), .ended = DeviceEvent(context_.device)};
        operation.begun->record_caller();
        under_way_.push_back(std::move(operation));
    } catch (const Error& error) {
        fail(error);
    }
    advance();  // so that it runs beside the caller's work without being polled
    return ticket;
}

void Nccl::advance() {
    if (under_way_.empty() || !ended().empty()) return;
    try {
        if (!has_joined()) return;
        queue();
        collect();
    } catch (const Error& error) {
        fail(error);
    }
}

void Nccl::fail(const Error& error) {
    waits_for_ = nullptr;  // it failed, nobody is missing
    this->abort(reason_of(error));
}

bool Nccl::has_joined() {
    if (communicator_) return true;
    std::optional<NcclUniqueId> id;
    if (team_.rank == 0) {
        id = cache_.id_for(team_);
        exchange_.hand_out(*id);
    } else {
        id = exchange_.receive();
    }
    if (!id) return false;
    waits_for_ = "all ranks to initialise NCCL";
    auto joined = cache_.join(team_, *id);
    const std::lock_guard lock(mutex_);
    communicator_ = std::move(joined);
    if (why_.empty()) return true;
    communicator_->stop();  // somebody ended the team meanwhile
    return false;
}

/// Queues what NCCL takes now. Asynchronous errors come out of ready(), also when nothing is left to queue.
void Nccl::queue() {
    if (!communicator_->ready()) return;
    waits_for_ = nullptr;
    for (Operation& operation : under_way_) {
        if (!operation.steps) plan(operation);
        while (!operation.steps->empty()) {
            if (!operation.steps->front()()) return;
            operation.steps->pop_front();
            if (!communicator_->ready()) return;
        }
    }
}

void Nccl::plan(Operation& operation) {
    Plan plan(*communicator_);
    operation.describe(plan);
    operation.steps = plan.take();
    DeviceStream& stream = communicator_->stream();
    operation.steps->emplace_front([&stream, &operation] {
        stream.wait_for(*operation.begun);
        return true;
    });
    // Its own step, so that it is recorded only when NCCL has queued its kernels: before, it would be reached too early.
    operation.steps->emplace_back([&stream, &operation] {
        operation.ended->record(stream.get());
        return true;
    });
}

/// Operations end in their order, as they do on the stream.
void Nccl::collect() {
    while (!under_way_.empty() && under_way_.front().is_queued() && under_way_.front().ended->reached()) {
        under_way_.pop_front();
        ++done_;
    }
}

OperationStatus Nccl::poll(Ticket ticket) {
    FAIRSWEEP_CHECK(ticket.number < begun_, "an operation of this team");
    advance();
    if (ticket.number < done_) return {.state = OperationStatus::State::done};
    const std::string why = ended();
    if (why.empty()) return {.state = OperationStatus::State::running};
    return {.state = OperationStatus::State::failed, .why = why};
}

}  // namespace

std::unique_ptr<Collective> make_nccl(CommunicatorCache& cache, const NcclContext& context, NcclTeam team,
                                      UniqueIdExchange exchange) {
    return std::make_unique<Nccl>(cache, context, std::move(team), std::move(exchange));
}

}  // namespace fairsweep

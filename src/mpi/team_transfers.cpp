#include "mpi/team_transfers.hpp"

#include <mpi.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "mpi/check_mpi.hpp"

namespace fairsweep {
namespace {

constexpr int kTagBits = 23, kTeamBits = 6, kOperationBits = 7, kPartBits = 10;  // UCX has no more
static_assert(kTeamBits + kOperationBits + kPartBits == kTagBits);

int low_bits(std::uint64_t value, int bits) { return static_cast<int>(value & ((std::uint64_t{1} << bits) - 1)); }

int tag_of(const Envelope& envelope) {
    return low_bits(envelope.team, kTeamBits) << (kOperationBits + kPartBits) |
           low_bits(envelope.operation, kOperationBits) << kPartBits | low_bits(envelope.part, kPartBits);
}

struct Request {
    MPI_Request request = MPI_REQUEST_NULL;
    int peer = 0;  ///< rank of the run
    bool is_receive = false;
    SharedBox box{};
    Envelope expected{};  ///< of receives
};

/// Boxes that MPI may touch until the process ends, since their peer is dead or will never answer: they outlive everything that
/// could free them, and MPI itself.
std::vector<SharedBox>& kept_to_the_end() {
    static std::vector<SharedBox> boxes;
    return boxes;
}

bool is_truncated(int code) {
    int error_class = MPI_SUCCESS;
    return MPI_Error_class(code, &error_class) == MPI_SUCCESS && error_class == MPI_ERR_TRUNCATE;
}

}  // namespace

struct TeamTransfers::Requests {
    MPI_Comm communicator = MPI_COMM_NULL;
    int rank = 0;
    Transfer next = 0;
    std::map<Transfer, Request> under_way;
    std::vector<Request> forgotten;

    void begin_receive(Request& request) const {
        check_mpi(MPI_Irecv(request.box->data(), static_cast<int>(request.box->size()), MPI_BYTE, request.peer,
                            tag_of(request.expected), communicator, &request.request),
                  "MPI_Irecv of a team", rank);
    }

    Transfer send(int peer, SharedBox box) {
        Request request{.peer = peer, .box = std::move(box)};
        check_mpi(MPI_Isend(request.box->data(), static_cast<int>(request.box->message_bytes()), MPI_BYTE, peer,
                            tag_of(request.box->envelope()), communicator, &request.request),
                  "MPI_Isend of a team", rank);
        under_way.emplace(next, std::move(request));
        return next++;
    }

    Transfer receive(int peer, const Envelope& expected, SharedBox box) {
        Request request{.peer = peer, .is_receive = true, .box = std::move(box), .expected = expected};
        begin_receive(request);
        under_way.emplace(next, std::move(request));
        return next++;
    }

    /// Whether the whole message that was waited for is there; begins anew when it was of an older team.
    bool has_expected(Request& request, int code, const MPI_Status& status) const {
        int bytes = 0;
        if (!is_truncated(code)) {
            check_mpi(code, "MPI_Test of a team's receive", rank);
            check_mpi(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count", rank);
        }
        const auto size = static_cast<std::size_t>(std::max(bytes, 0));
        if (size >= Box::kFront && request.box->envelope().is_for(request.expected) && size == request.box->message_bytes())
            return true;
        log_debug("a message of an older team from rank " + std::to_string(request.peer) + " is dropped");
        begin_receive(request);
        return false;
    }

    bool test(Transfer number) {
        const auto found = under_way.find(number);
        FAIRSWEEP_CHECK(found != under_way.end(), "a transfer under way");
        Request& request = found->second;
        int is_over = 0;
        MPI_Status status{};
        const int code = MPI_Test(&request.request, &is_over, &status);
        if (code == MPI_SUCCESS && is_over == 0) return false;
        if (!request.is_receive)
            check_mpi(code, "MPI_Test of a team's send", rank);
        else if (!has_expected(request, code, status))
            return false;
        under_way.erase(found);
        return true;
    }

    /// A receive that has met no message ends by being cancelled. One that has, and every send (Open MPI cancels none), ends when
    /// the other side goes on, or never: sweep() looks for it, and its box stays until then.
    void forget(Transfer number) {
        const auto found = under_way.find(number);
        if (found == under_way.end()) return;  // it failed when it was tested
        Request request = std::move(found->second);
        under_way.erase(found);
        if (request.request == MPI_REQUEST_NULL) return;
        if (request.is_receive && MPI_Cancel(&request.request) != MPI_SUCCESS) log_debug("a receive could not be cancelled");
        forgotten.push_back(std::move(request));
    }

    std::size_t sweep() {
        std::erase_if(forgotten, [](Request& request) {
            int is_over = 0;
            const int code = MPI_Test(&request.request, &is_over, MPI_STATUS_IGNORE);  // whatever the end of it, it is one
            return code != MPI_SUCCESS || is_over != 0;
        });
        return forgotten.size();
    }
};

namespace {

class TeamMember final : public PointToPoint {
public:
    TeamMember(TeamTransfers::Requests& requests, std::vector<int> ranks) : requests_(requests), ranks_(std::move(ranks)) {
        const auto own = std::find(ranks_.begin(), ranks_.end(), requests_.rank);
        FAIRSWEEP_CHECK(own != ranks_.end(), "a team of this rank");
        rank_ = static_cast<int>(own - ranks_.begin());
    }
    int rank() const override { return rank_; }
    int size() const override { return static_cast<int>(ranks_.size()); }
    std::string name_of(int member) const override {
        return "rank " + std::to_string(member) + " of the team (rank " + std::to_string(run_rank(member)) + " of the run)";
    }
    Transfer send(int to, SharedBox box) override { return requests_.send(run_rank(to), std::move(box)); }
    Transfer receive(int from, const Envelope& expected, SharedBox box) override {
        return requests_.receive(run_rank(from), expected, std::move(box));
    }
    bool test(Transfer transfer) override { return requests_.test(transfer); }
    void forget(Transfer transfer) override { requests_.forget(transfer); }

private:
    int run_rank(int member) const { return ranks_.at(static_cast<std::size_t>(member)); }
    TeamTransfers::Requests& requests_;
    std::vector<int> ranks_;
    int rank_ = 0;
};

}  // namespace

TeamTransfers::TeamTransfers(int rank) : requests_(std::make_unique<Requests>()) {
    requests_->rank = rank;
    check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &requests_->communicator), "MPI_Comm_dup", rank);  // errors return here as there
    void* largest_tag = nullptr;
    int is_known = 0;
    check_mpi(MPI_Comm_get_attr(requests_->communicator, MPI_TAG_UB, static_cast<void*>(&largest_tag), &is_known),
              "MPI_Comm_get_attr", rank);
    const int bound = is_known != 0 ? *static_cast<int*>(largest_tag) : 32767;
    if (bound >> kTagBits != 0 || bound == (1 << kTagBits) - 1) return;
    throw_infrastructure({.attempted = "this MPI library has too few tags for teams",
                          .where = "rank " + std::to_string(rank),
                          .found = "tags up to " + std::to_string(bound),
                          .expected = "tags of " + std::to_string(kTagBits) + " bits",
                          .hint = "use Open MPI, or run with teams of one"});
}

/// Makes no call of MPI, which may have ended. The communicator ends with it: freeing it takes all ranks, and some may be dead.
TeamTransfers::~TeamTransfers() {
    for (Request& request : requests_->forgotten) kept_to_the_end().push_back(std::move(request.box));
    for (auto& [number, request] : requests_->under_way) kept_to_the_end().push_back(std::move(request.box));
}

std::unique_ptr<PointToPoint> TeamTransfers::member(const std::vector<int>& ranks) {
    return std::make_unique<TeamMember>(*requests_, ranks);
}

std::size_t TeamTransfers::sweep() { return requests_->sweep(); }

}  // namespace fairsweep

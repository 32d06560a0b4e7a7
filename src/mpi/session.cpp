#include "mpi/session.hpp"

#include <mpi.h>

#include <climits>
#include <cstdlib>
#include <list>
#include <string>

#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "mpi/check_mpi.hpp"

namespace fairsweep {
namespace {

constexpr int kTag = 7;
/// Messages taken in per poll: a flood from one side must not keep a rank from its other work.
constexpr int kProbesPerPoll = 64;

class MpiLink final : public Link {
public:
    MpiLink(int rank, int size, std::size_t max_bytes) : rank_(rank), size_(size), max_bytes_(max_bytes) {}
    /// Requests of a process that ends without finishing MPI are abandoned with it.
    ~MpiLink() override = default;
    int rank() const override { return rank_; }
    int size() const override { return size_; }

    void send(int to, SharedBytes message) override {
        if (message->size() > max_bytes_ || message->size() > INT_MAX) {
            throw_infrastructure({.attempted = "cannot send a message",
                                  .where = "rank " + std::to_string(rank_),
                                  .found = std::to_string(message->size()) + " bytes",
                                  .expected = "at most " + std::to_string(max_bytes_)});
        }
        Sending sending{MPI_REQUEST_NULL, std::move(message)};
        check_mpi(MPI_Isend(sending.message->data(), static_cast<int>(sending.message->size()), MPI_BYTE, to, kTag,
                            MPI_COMM_WORLD, &sending.request),
                  "MPI_Isend", rank_);
        sends_.push_back(std::move(sending));
    }

    std::optional<Incoming> poll() override {
        test_sends();
        start_receives();
        return finished_receive();
    }

    std::size_t sends_pending() const override { return sends_.size(); }

private:
    struct Sending {
        MPI_Request request;
        SharedBytes message;
    };
    struct Receiving {
        MPI_Request request;
        Incoming incoming;
    };

    /// Completion with an error means that the peer is gone, which the coordinator's and the workers' own clocks notice.
    bool is_over(MPI_Request& request, const char* call, int peer, bool& failed) const {
        int done = 0;
        const int code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        failed = code != MPI_SUCCESS;
        if (failed) log_debug(std::string(call) + " with rank " + std::to_string(peer) + ": " + mpi_error_text(code));
        return failed || done != 0;
    }

    void test_sends() {
        for (auto it = sends_.begin(); it != sends_.end();) {
            bool failed = false;
            it = is_over(it->request, "MPI_Test of a send", -1, failed) ? sends_.erase(it) : std::next(it);
        }
    }

    /// Large messages arrive in pieces: the receive is started here and tested until it is whole.
    void start_receives() {
        for (int i = 0; i < kProbesPerPoll; ++i) {
            int there = 0;
            MPI_Status status;
            check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, &there, &status), "MPI_Iprobe", rank_);
            if (there == 0) return;
            int count = 0;
            check_mpi(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count", rank_);
            if (count < 0 || static_cast<std::size_t>(count) > max_bytes_) {
                throw_infrastructure(
                    {.attempted = "cannot receive a message",
                     .where = "rank " + std::to_string(rank_) + ", from rank " + std::to_string(status.MPI_SOURCE),
                     .found = std::to_string(count) + " bytes",
                     .expected = "at most " + std::to_string(max_bytes_)});
            }
            receives_.push_back({MPI_REQUEST_NULL, {status.MPI_SOURCE, std::vector<std::byte>(static_cast<std::size_t>(count))}});
            Receiving& receiving = receives_.back();
            check_mpi(MPI_Irecv(receiving.incoming.bytes.data(), count, MPI_BYTE, status.MPI_SOURCE, kTag, MPI_COMM_WORLD,
                                &receiving.request),
                      "MPI_Irecv", rank_);
        }
    }

    std::optional<Incoming> finished_receive() {
        std::vector<int> waiting_sources;  // a later message of a rank waits for its earlier one
        for (auto it = receives_.begin(); it != receives_.end();) {
            const int source = it->incoming.from;
            bool blocked = false;
            for (const int other : waiting_sources) blocked = blocked || other == source;
            bool failed = false;
            if (blocked || !is_over(it->request, "MPI_Test of a receive", source, failed)) {
                waiting_sources.push_back(source);
                ++it;
                continue;
            }
            Incoming incoming = std::move(it->incoming);
            it = receives_.erase(it);
            if (!failed) return incoming;
        }
        return std::nullopt;
    }

    int rank_;
    int size_;
    std::size_t max_bytes_;
    std::list<Sending> sends_;
    std::list<Receiving> receives_;  ///< in order of arrival
};

}  // namespace

bool is_under_launcher() { return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMIX_RANK") != nullptr; }

MpiSession::MpiSession() {
    int provided = MPI_THREAD_SINGLE;
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread", -1);
    // Without this line the default handler kills the job at the first error, and no return code is ever seen.
    check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", -1);
    check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank", -1);
    check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size", rank_);
    if (provided < MPI_THREAD_FUNNELED) {
        throw_infrastructure({.attempted = "MPI_Init_thread gave too few rights",
                              .where = "rank " + std::to_string(rank_),
                              .found = "thread level " + std::to_string(provided),
                              .expected = "MPI_THREAD_FUNNELED",
                              .hint = "use an MPI library built with thread support"});
    }
}

MpiSession::~MpiSession() = default;

std::unique_ptr<Link> MpiSession::make_link(std::size_t max_bytes) { return std::make_unique<MpiLink>(rank_, size_, max_bytes); }

void MpiSession::finish() { check_mpi(MPI_Finalize(), "MPI_Finalize", rank_); }

}  // namespace fairsweep

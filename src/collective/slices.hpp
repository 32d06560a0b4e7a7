#pragma once
/// The operations of a team as state machines over messages between its members. One thread uses it; nothing blocks.
///
/// An operation is cut into rounds of at most a box per member, and every round runs by itself:
///   large sums    every member owns a slice of the round, receives that slice of all others, reduces it, and sends the result to
///   all:
///                 the traffic of a ring, in two steps, and every element is reduced once
///   small sums    (below 64 kB) everybody sends all to all and reduces alone: one step
///   gather, broadcast, barrier    one step
/// Members begin the same operations in the same order, and rounds start in that order. A round takes all its boxes when it
/// starts, so that the first unfinished one can always go on: a limit on rounds cannot make two members wait for each other.
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "collective/boxes.hpp"
#include "collective/point_to_point.hpp"
#include "fairsweep/collective.hpp"

namespace fairsweep {

/// What one call of Collective asks for.
struct Operation {
    enum class Kind : std::uint8_t { all_reduce, all_gather, broadcast, barrier };
    Kind kind = Kind::barrier;
    Buffer buffer{};  ///< all_gather: the part
    Buffer all{};     ///< all_gather only
    Reduction reduction = Reduction::sum;
    int root = 0;
};

class Slices {
public:
    /// `team`: the number of the team, never used again.
    Slices(std::uint64_t team, std::unique_ptr<PointToPoint> messages);
    ~Slices();  ///< lets go of what is under way; buffers are not touched after it
    Slices(const Slices&) = delete;
    Slices& operator=(const Slices&) = delete;

    /// Operations are numbered from 0.
    void begin(const Operation& operation);
    /// Moves things on by a bounded amount of work; true when anything moved. Throws an infrastructure error when the team is at
    /// its end: a message failed, or another member is at another operation.
    bool step();
    /// Numbers of the operations that have ended since the last call.
    [[nodiscard]] std::vector<std::uint64_t> take_done();
    /// "operation 3 waits for rank 1", or nothing.
    [[nodiscard]] std::string waits_for() const;
    [[nodiscard]] std::size_t boxes_made() const { return boxes_.made(); }

private:
    struct Started {  ///< an operation that is not done
        std::uint64_t number;
        Operation operation;
        std::size_t rounds;
        std::size_t rounds_begun = 0;
        std::size_t rounds_over = 0;
    };
    struct Leg {
        int peer;
        bool is_receive;
        Transfer transfer;
    };
    struct Round {
        std::uint64_t number;  ///< of the operation
        Operation operation;
        std::size_t index;
        std::size_t first;  ///< element of the buffer
        std::size_t count;
        bool has_results = false;  ///< large sums: the second step
        bool is_reduced = false;   ///< all that was received is used
        std::vector<Leg> legs{};
        std::vector<SharedBox> received{};  ///< by member
    };

    [[nodiscard]] bool is_sliced(const Operation& operation) const;
    [[nodiscard]] std::size_t elements_a_round(const Operation& operation) const;
    [[nodiscard]] std::size_t slice_begin(const Round& round, int member) const;  ///< element of the buffer
    [[nodiscard]] std::size_t slice_count(const Round& round, int member) const;
    [[nodiscard]] Envelope envelope_of(const Round& round, std::size_t elements) const;
    [[nodiscard]] int peer_at(int distance) const;

    bool begin_rounds();
    void begin_round(Round& round);
    bool advance(Round& round);
    void use_received(Round& round);
    void reduce_own_slice(Round& round);
    void reduce_alone(Round& round);
    void place_gathered(Round& round);
    void end_round(const Round& round);

    void send(Round& round, int peer, const SharedBox& box);
    void send_to_all(Round& round, const SharedBox& box);
    void receive(Round& round, int peer);
    [[nodiscard]] SharedBox pack(const Round& round, const std::byte* from, std::size_t elements);
    void check_meaning(const Round& round, int peer, std::size_t elements) const;
    [[nodiscard]] std::size_t expected_from(const Round& round, int peer) const;

    std::uint64_t team_;
    std::unique_ptr<PointToPoint> messages_;
    int rank_;
    int size_;
    Boxes boxes_;
    std::size_t most_rounds_;
    std::uint64_t begun_ = 0;
    std::deque<Started> started_;
    std::list<Round> rounds_;
    std::vector<std::uint64_t> done_;
};

}  // namespace fairsweep

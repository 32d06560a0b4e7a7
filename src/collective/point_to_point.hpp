#pragma once
/// Messages between the members of one team, of which nothing blocks: begin, test, forget. One thread uses it.
///
/// A message lives in a box, which transfers share: whoever gives up on a transfer lets go of the box, and what a peer or the
/// network may still read or write stays where it is until they no longer can. No transfer touches the memory of a stage.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fairsweep {

/// What a message is, written in front of it. Both sides count operations and parts alike; the meaning is for the receiver to
/// compare with its own.
struct Envelope {
    std::uint64_t team = 0;  ///< the team's number, never used again
    std::uint64_t operation = 0;
    std::uint64_t part = 0;
    std::uint64_t meaning = 0;
    std::uint64_t count = 0;
    std::uint64_t content_bytes = 0;
    [[nodiscard]] bool is_for(const Envelope& other) const {
        return team == other.team && operation == other.operation && part == other.part;
    }
};

/// Room for one message: the envelope, and content behind it.
class Box {
public:
    explicit Box(std::size_t room_bytes) : bytes_(kFront + room_bytes) {}
    [[nodiscard]] Envelope envelope() const;
    void address(const Envelope& envelope);
    [[nodiscard]] std::byte* content() { return bytes_.data() + kFront; }
    [[nodiscard]] std::byte* data() { return bytes_.data(); }         ///< envelope and content
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }  ///< of both
    [[nodiscard]] std::size_t message_bytes() const { return kFront + envelope().content_bytes; }
    static constexpr std::size_t kFront = 64;  ///< keeps the content aligned

private:
    std::vector<std::byte> bytes_;
};
using SharedBox = std::shared_ptr<Box>;

/// A send or a receive under way, by its number.
using Transfer = std::uint64_t;

class PointToPoint {
public:
    virtual ~PointToPoint() = default;
    [[nodiscard]] virtual int rank() const = 0;  ///< 0 ... size() - 1
    [[nodiscard]] virtual int size() const = 0;
    /// For people: "rank 1", with where that is if it is known.
    [[nodiscard]] virtual std::string name_of(int member) const = 0;
    /// Sends the box as it is addressed. Nobody writes into it before the transfer is over.
    [[nodiscard]] virtual Transfer send(int to, SharedBox box) = 0;
    /// Receives the message that is for `expected` into the box, and no other. Nobody reads it before the transfer is over.
    [[nodiscard]] virtual Transfer receive(int from, const Envelope& expected, SharedBox box) = 0;
    /// Whether the transfer is over; then its number is gone. Throws an infrastructure error that names the member.
    [[nodiscard]] virtual bool test(Transfer transfer) = 0;
    /// Nobody will ask for the transfer again. Its box stays as long as anything may touch it.
    virtual void forget(Transfer transfer) = 0;
};

}  // namespace fairsweep

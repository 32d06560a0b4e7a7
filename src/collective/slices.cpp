#include "collective/slices.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "collective/tree_sum.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

using Kind = Operation::Kind;

constexpr std::size_t kSmallBytes = std::size_t{64} << 10;  ///< below it all to all is faster than two steps
/// Content of a box. Smaller ones stay in nearer caches, but members wait for each other more often, which costs more where
/// others use the processor too (bench_collective).
constexpr std::size_t kLargestRoomBytes = std::size_t{1} << 20;
/// Of all boxes that a member has.
constexpr std::size_t kMostBytes = std::size_t{32} << 20;

/// A large sum receives from all others twice, sends to all others once, and has a result.
std::size_t boxes_a_round(int size) { return 3 * static_cast<std::size_t>(size) - 2; }

std::size_t room_of(int size) {
    return std::clamp(std::bit_floor(kMostBytes / (4 * boxes_a_round(size))), kSmallBytes, kLargestRoomBytes);
}

std::size_t size_bytes(const Buffer& buffer) { return buffer.count * bytes_of(buffer.type); }

std::byte* place_in(const Buffer& buffer, std::size_t element) {
    return static_cast<std::byte*>(buffer.data) + element * bytes_of(buffer.type);
}

/// Empty buffers may have no address, which memcpy must not see.
void copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes) {
    if (bytes != 0 && to != from) std::memcpy(to, from, bytes);
}

std::uint64_t meaning_of(const Operation& operation) {
    return static_cast<std::uint64_t>(operation.kind) | static_cast<std::uint64_t>(operation.buffer.type) << 8 |
           static_cast<std::uint64_t>(operation.reduction) << 16 | static_cast<std::uint64_t>(operation.root) << 32;
}

std::string describe(std::uint64_t meaning, std::uint64_t count) {
    constexpr std::array kKinds{"all_reduce", "all_gather", "broadcast", "barrier"};
    const auto kind = static_cast<std::size_t>(meaning & 0xFF);
    std::string text = kind < kKinds.size() ? kKinds[kind] : "an unknown operation";
    const auto type = static_cast<std::size_t>(meaning >> 8 & 0xFF), reduction = static_cast<std::size_t>(meaning >> 16 & 0xFF);
    if (kind == 0 && reduction < count_of<Reduction>) text += std::string(" ") + Words<Reduction>::kWords[reduction];
    if (kind == 2) text += " from rank " + std::to_string(meaning >> 32);
    if (kind != 3 && type < count_of<Scalar>) text += " of " + std::to_string(count) + " " + Words<Scalar>::kWords[type];
    return text;
}

}  // namespace

Slices::Slices(std::uint64_t team, std::unique_ptr<PointToPoint> messages)
    : team_(team),
      messages_(std::move(messages)),
      rank_(messages_->rank()),
      size_(messages_->size()),
      boxes_(room_of(size_)),
      most_rounds_(std::max<std::size_t>(2, kMostBytes / (boxes_a_round(size_) * boxes_.room_bytes()))) {}

Slices::~Slices() {
    for (const Round& round : rounds_)
        for (const Leg& leg : round.legs) messages_->forget(leg.transfer);
}

bool Slices::is_sliced(const Operation& operation) const {
    return operation.kind == Kind::all_reduce && size_ > 1 && size_bytes(operation.buffer) >= kSmallBytes;
}

std::size_t Slices::elements_a_round(const Operation& operation) const {
    const std::size_t a_box = boxes_.room_bytes() / bytes_of(operation.buffer.type);
    if (is_sliced(operation)) return a_box * static_cast<std::size_t>(size_);
    return size_ == 1 ? std::max<std::size_t>(1, operation.buffer.count) : a_box;
}

void Slices::begin(const Operation& operation) {
    FAIRSWEEP_CHECK(operation.root >= 0 && operation.root < size_, "a rank of the team");
    FAIRSWEEP_CHECK(!operation.buffer.on_device && !operation.all.on_device, "memory of the process");
    FAIRSWEEP_CHECK(
        operation.kind != Kind::all_gather || (operation.all.type == operation.buffer.type &&
                                               operation.all.count == operation.buffer.count * static_cast<std::size_t>(size_)),
        "room for the parts of all ranks");
    const std::size_t a_round = elements_a_round(operation);
    const std::size_t rounds = std::max<std::size_t>(1, (operation.buffer.count + a_round - 1) / a_round);
    started_.push_back({begun_++, operation, rounds});
}

std::size_t Slices::slice_begin(const Round& round, int member) const {
    const auto members = static_cast<std::size_t>(size_);
    const std::size_t a_slice = (round.count + members - 1) / members;
    return round.first + std::min(static_cast<std::size_t>(member) * a_slice, round.count);
}

std::size_t Slices::slice_count(const Round& round, int member) const {
    return slice_begin(round, member + 1) - slice_begin(round, member);
}

Envelope Slices::envelope_of(const Round& round, std::size_t elements) const {
    return {.team = team_,
            .operation = round.number,
            .part = 2 * round.index + (round.has_results ? 1 : 0),
            .meaning = meaning_of(round.operation),
            .count = round.operation.buffer.count,
            .content_bytes = elements * bytes_of(round.operation.buffer.type)};
}

int Slices::peer_at(int distance) const { return (rank_ + distance) % size_; }

SharedBox Slices::pack(const Round& round, const std::byte* from, std::size_t elements) {
    SharedBox box = boxes_.take();
    const Envelope envelope = envelope_of(round, elements);
    box->address(envelope);
    copy_bytes(box->content(), from, envelope.content_bytes);
    return box;
}

void Slices::send(Round& round, int peer, const SharedBox& box) {
    round.legs.push_back({peer, false, messages_->send(peer, box)});
}

void Slices::send_to_all(Round& round, const SharedBox& box) {
    for (int distance = 1; distance < size_; ++distance) send(round, peer_at(distance), box);
}

void Slices::receive(Round& round, int peer) {
    SharedBox box = boxes_.take();
    round.received[static_cast<std::size_t>(peer)] = box;
    round.legs.push_back({peer, true, messages_->receive(peer, envelope_of(round, 0), std::move(box))});
}

void Slices::begin_round(Round& round) {
    const Operation& operation = round.operation;
    round.received.resize(static_cast<std::size_t>(size_));
    if (operation.kind == Kind::broadcast && rank_ != operation.root) return receive(round, operation.root);
    if (operation.kind != Kind::broadcast)  // receives first: a message that is awaited needs no detour
        for (int distance = 1; distance < size_; ++distance) receive(round, peer_at(distance));
    if (size_ == 1) return;
    if (!is_sliced(operation)) return send_to_all(round, pack(round, place_in(operation.buffer, round.first), round.count));
    for (int distance = 1; distance < size_; ++distance) {
        const int peer = peer_at(distance);
        send(round, peer, pack(round, place_in(operation.buffer, slice_begin(round, peer)), slice_count(round, peer)));
    }
}

bool Slices::begin_rounds() {
    bool moved = false;
    for (Started& started : started_) {
        const std::size_t a_round = elements_a_round(started.operation);
        while (started.rounds_begun < started.rounds && rounds_.size() < most_rounds_) {
            const std::size_t index = started.rounds_begun++, first = index * a_round;
            const std::size_t count = std::min(a_round, started.operation.buffer.count - first);
            rounds_.push_back({started.number, started.operation, index, first, count});
            begin_round(rounds_.back());
            moved = true;
        }
        if (rounds_.size() >= most_rounds_) break;
    }
    return moved;
}

std::size_t Slices::expected_from(const Round& round, int peer) const {
    if (!is_sliced(round.operation)) return round.count;
    return slice_count(round, round.has_results ? peer : rank_);
}

void Slices::check_meaning(const Round& round, int peer, std::size_t elements) const {
    const Envelope found = round.received[static_cast<std::size_t>(peer)]->envelope(), expected = envelope_of(round, elements);
    if (found.meaning == expected.meaning && found.count == expected.count && found.content_bytes == expected.content_bytes)
        return;
    throw_infrastructure({.attempted = "operation " + std::to_string(round.number) + " of a team is not the same on every rank",
                          .where = messages_->name_of(peer),
                          .found = describe(found.meaning, found.count),
                          .expected = describe(expected.meaning, expected.count) + ", as here on " + messages_->name_of(rank_)});
}

void Slices::reduce_own_slice(Round& round) {
    const std::size_t count = slice_count(round, rank_);
    std::byte* const own = place_in(round.operation.buffer, slice_begin(round, rank_));
    std::vector<const void*> parts;
    for (int member = 0; member < size_; ++member)
        parts.push_back(member == rank_ ? own : round.received[static_cast<std::size_t>(member)]->content());
    round.has_results = true;
    const SharedBox result = pack(round, nullptr, 0);
    result->address(envelope_of(round, count));
    reduce_parts(round.operation.buffer.type, round.operation.reduction, parts, count, result->content());
    for (int distance = 1; distance < size_; ++distance) receive(round, peer_at(distance));
    send_to_all(round, result);
    copy_bytes(own, result->content(), count * bytes_of(round.operation.buffer.type));
}

void Slices::reduce_alone(Round& round) {
    std::byte* const own = place_in(round.operation.buffer, round.first);
    std::vector<const void*> parts;
    for (int member = 0; member < size_; ++member)
        parts.push_back(member == rank_ ? own : round.received[static_cast<std::size_t>(member)]->content());
    reduce_parts(round.operation.buffer.type, round.operation.reduction, parts, round.count, own);
}

void Slices::place_gathered(Round& round) {
    const Buffer& part = round.operation.buffer;
    for (int member = 0; member < size_; ++member) {
        std::byte* const to = place_in(round.operation.all, static_cast<std::size_t>(member) * part.count + round.first);
        const std::byte* const from =
            member == rank_ ? place_in(part, round.first) : round.received[static_cast<std::size_t>(member)]->content();
        copy_bytes(to, from, round.count * bytes_of(part.type));
    }
}

void Slices::use_received(Round& round) {
    const Operation& operation = round.operation;
    for (int peer = 0; peer < size_; ++peer)
        if (round.received[static_cast<std::size_t>(peer)]) check_meaning(round, peer, expected_from(round, peer));
    if (is_sliced(operation) && !round.has_results) return reduce_own_slice(round);
    round.is_reduced = true;
    if (is_sliced(operation)) {
        for (int distance = 1; distance < size_; ++distance) {
            const int peer = peer_at(distance);
            copy_bytes(place_in(operation.buffer, slice_begin(round, peer)),
                       round.received[static_cast<std::size_t>(peer)]->content(),
                       slice_count(round, peer) * bytes_of(operation.buffer.type));
        }
    } else if (operation.kind == Kind::all_reduce) {
        reduce_alone(round);
    } else if (operation.kind == Kind::all_gather) {
        place_gathered(round);
    } else if (operation.kind == Kind::broadcast && rank_ != operation.root) {
        copy_bytes(place_in(operation.buffer, round.first), round.received[static_cast<std::size_t>(operation.root)]->content(),
                   round.count * bytes_of(operation.buffer.type));
    }
}

/// True when anything moved. What was received is used before the own sends are over: others wait for it.
bool Slices::advance(Round& round) {
    const std::size_t before = round.legs.size();
    std::erase_if(round.legs, [&](const Leg& leg) { return messages_->test(leg.transfer); });
    bool moved = round.legs.size() != before;
    if (!round.is_reduced && std::none_of(round.legs.begin(), round.legs.end(), [](const Leg& leg) { return leg.is_receive; })) {
        use_received(round);
        moved = true;
    }
    return moved;
}

void Slices::end_round(const Round& round) {
    const auto it = std::find_if(started_.begin(), started_.end(), [&](const Started& s) { return s.number == round.number; });
    if (++it->rounds_over < it->rounds) return;
    done_.push_back(it->number);
    started_.erase(it);
}

bool Slices::step() {
    bool moved = false;
    for (auto round = rounds_.begin(); round != rounds_.end();) {
        moved = advance(*round) || moved;
        const bool is_over = round->is_reduced && round->legs.empty();
        if (is_over) end_round(*round);
        round = is_over ? rounds_.erase(round) : std::next(round);
    }
    return begin_rounds() || moved;
}

std::vector<std::uint64_t> Slices::take_done() { return std::exchange(done_, {}); }

std::string Slices::waits_for() const {
    if (rounds_.empty()) return "";
    const Round& first = rounds_.front();
    std::string names;
    for (const bool receives : {true, false}) {
        for (const Leg& leg : first.legs)
            if (leg.is_receive == receives) names += (names.empty() ? "" : ", ") + messages_->name_of(leg.peer);
        if (!names.empty()) break;  // whoever has sent is there
    }
    return names.empty() ? "" : "operation " + std::to_string(first.number) + " waits for " + names;
}

}  // namespace fairsweep

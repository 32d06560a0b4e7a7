#include "coordinator/messages.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/hash.hpp"

namespace fairsweep {
namespace {

constexpr std::uint32_t kMagic = 0x4D535746;  // "FWSM"
constexpr std::uint16_t kVersion = 2;
constexpr std::size_t kMaxHostBytes = 256;

struct Header {
    std::uint32_t magic = kMagic;
    std::uint16_t version = kVersion;
    std::uint16_t kind = 0;  ///< index in Message
    std::uint64_t payload_bytes = 0;
    std::uint32_t reserved = 0;
    std::uint32_t crc = 0;  ///< of the header with this field zero, and the payload
};
static_assert(sizeof(Header) == kMessageHeaderBytes && std::is_trivially_copyable_v<Header>);

[[noreturn]] void bad_message(const std::string& found, const std::string& expected) {
    throw_infrastructure({.attempted = "cannot read a message between ranks",
                          .where = {},
                          .found = found,
                          .expected = expected,
                          .hint = "all ranks must run the same build of fairsweep"});
}

std::uint32_t crc_of(Header header, std::span<const std::byte> payload) {
    header.crc = 0;
    return crc32c(payload, crc32c(std::as_bytes(std::span(&header, 1))));
}

class Writer {
public:
    template <class T>
    void put(const T& value) {
        static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
        put_bytes(std::as_bytes(std::span(&value, 1)));
    }
    void put_bytes(std::span<const std::byte> data) { bytes_.insert(bytes_.end(), data.begin(), data.end()); }
    void put_text(std::string_view text) {
        put(static_cast<std::uint64_t>(text.size()));
        put_bytes(std::as_bytes(std::span(text)));
    }
    Bytes finish(std::size_t kind) {
        Header header;
        header.kind = static_cast<std::uint16_t>(kind);
        header.payload_bytes = bytes_.size() - sizeof(Header);
        if (bytes_.size() > kMaxMessageBytes)
            bad_message(std::to_string(bytes_.size()) + " bytes", "at most " + std::to_string(kMaxMessageBytes));
        header.crc = crc_of(header, std::span(bytes_).subspan(sizeof(Header)));
        std::memcpy(bytes_.data(), &header, sizeof header);
        return std::move(bytes_);
    }

private:
    Bytes bytes_ = Bytes(sizeof(Header));
};

class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
    template <class T>
    T get() {
        static_assert(std::is_arithmetic_v<T>);
        T value{};
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }
    bool get_bool() {
        const auto value = get<std::uint8_t>();
        if (value > 1) bad_message("a truth value of " + std::to_string(value), "0 or 1");
        return value == 1;
    }
    /// An enumerator numbered 0 .. last.
    template <class E>
    E get_enum(E last) {
        const auto value = get<std::uint8_t>();
        if (value > static_cast<std::uint8_t>(last)) bad_message("state number " + std::to_string(value), "a known one");
        return static_cast<E>(value);
    }
    std::string get_text(std::size_t max_bytes) {
        const std::size_t size = get_count(max_bytes, 1);
        const auto data = take(size);
        return {reinterpret_cast<const char*>(data.data()), data.size()};
    }
    /// A count of items of which each takes at least item_bytes: checked before anybody allocates.
    std::size_t get_count(std::size_t max_count, std::size_t item_bytes) {
        const auto count = get<std::uint64_t>();
        if (count > max_count || count > bytes_.size() / item_bytes) {
            bad_message("a count of " + std::to_string(count),
                        "at most " + std::to_string(std::min(max_count, bytes_.size() / item_bytes)));
        }
        return static_cast<std::size_t>(count);
    }
    std::span<const std::byte> take(std::size_t size) {
        if (size > bytes_.size()) bad_message("the end of the message", std::to_string(size) + " more bytes");
        const auto head = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return head;
    }
    void expect_end() const {
        if (!bytes_.empty()) bad_message(std::to_string(bytes_.size()) + " bytes after the end", "none");
    }

private:
    std::span<const std::byte> bytes_;
};

// --- payloads, field by field in the order of their declaration -----------------------------------------------------

void put(Writer& writer, const StageOutcome& outcome) {
    if (outcome.groups.size() > kMaxOutcomeGroups || outcome.scores.size() > kMaxOutcomeScores) {
        bad_message("an outcome of " + std::to_string(outcome.scores.size()) + " scores",
                    "at most " + std::to_string(kMaxOutcomeScores));
    }
    writer.put(outcome.state);
    writer.put(outcome.failure);
    writer.put_text(outcome.message.size() <= kMessageBytes ? outcome.message
                                                            : outcome.message.substr(0, kMessageBytes - 3) + "...");
    for (const double value : {outcome.wall_s, outcome.cpu_s}) writer.put(value);
    writer.put(outcome.peak_memory_bytes);
    writer.put_bytes(std::as_bytes(std::span(outcome.artefact.bytes)));
    writer.put(outcome.artefact_bytes);
    for (const double value :
         {outcome.loss_first, outcome.loss_last, outcome.sparsity_measured, outcome.teacher_cosine, outcome.pooled_threshold}) {
        writer.put(value);
    }
    writer.put(static_cast<std::uint64_t>(outcome.groups.size()));
    for (const GroupFigures& group : outcome.groups) {
        for (const std::uint32_t value : {group.genuine, group.impostor, group.correct_10fold}) writer.put(value);
        for (const double value : {group.accuracy_10fold, group.accuracy_pooled, group.fmr, group.fnmr, group.eer, group.auc})
            writer.put(value);
    }
    writer.put(static_cast<std::uint64_t>(outcome.scores.size()));
    writer.put_bytes(std::as_bytes(std::span(outcome.scores)));
}

StageOutcome get_outcome(Reader& reader) {
    StageOutcome outcome;
    outcome.state = reader.get_enum(StageState::preempted);
    outcome.failure = reader.get_enum(FailureClass::internal);
    outcome.message = reader.get_text(kMessageBytes);
    for (double* value : {&outcome.wall_s, &outcome.cpu_s}) *value = reader.get<double>();
    outcome.peak_memory_bytes = reader.get<std::uint64_t>();
    const auto digest = reader.take(outcome.artefact.bytes.size());
    std::memcpy(outcome.artefact.bytes.data(), digest.data(), digest.size());
    outcome.artefact_bytes = reader.get<std::uint64_t>();
    for (double* value : {&outcome.loss_first, &outcome.loss_last, &outcome.sparsity_measured, &outcome.teacher_cosine,
                          &outcome.pooled_threshold}) {
        *value = reader.get<double>();
    }
    outcome.groups.resize(reader.get_count(kMaxOutcomeGroups, 3 * sizeof(std::uint32_t) + 6 * sizeof(double)));
    for (GroupFigures& group : outcome.groups) {
        for (std::uint32_t* value : {&group.genuine, &group.impostor, &group.correct_10fold})
            *value = reader.get<std::uint32_t>();
        for (double* value : {&group.accuracy_10fold, &group.accuracy_pooled, &group.fmr, &group.fnmr, &group.eer, &group.auc}) {
            *value = reader.get<double>();
        }
    }
    outcome.scores.resize(reader.get_count(kMaxOutcomeScores, sizeof(float)));
    const auto scores = reader.take(outcome.scores.size() * sizeof(float));
    if (!scores.empty()) std::memcpy(outcome.scores.data(), scores.data(), scores.size());
    return outcome;
}

void put(Writer& writer, const JoinMessage& join) {
    writer.put(join.pid);
    writer.put_text(std::string_view(join.host).substr(0, kMaxHostBytes));
}
void put(Writer& writer, const BeatMessage& beat) {
    writer.put(static_cast<std::uint8_t>(beat.busy));
    writer.put(beat.stage);
    writer.put(beat.attempt);
    writer.put(beat.fraction);
    writer.put(beat.progress);
}
void put(Writer& writer, const FinishedMessage& finished) {
    writer.put(finished.stage);
    writer.put(finished.attempt);
    writer.put(finished.finished_unix_s);
    put(writer, finished.outcome);
}
void put(Writer& writer, const DismissMessage& dismiss) { writer.put(static_cast<std::uint8_t>(dismiss.finish_mpi)); }
void put(Writer& writer, const WelcomeMessage& welcome) { writer.put_text(welcome.plan_json); }
void put(Writer& writer, const LeaseMessage& lease) {
    writer.put(lease.stage);
    writer.put(lease.attempt);
    if (lease.needs.size() > kMaxLeaseNeeds)
        bad_message("a lease of " + std::to_string(lease.needs.size()) + " needs", "at most " + std::to_string(kMaxLeaseNeeds));
    writer.put(static_cast<std::uint64_t>(lease.needs.size()));
    for (const NeededArtefact& need : lease.needs) {
        writer.put(need.stage);
        writer.put_bytes(std::as_bytes(std::span(need.sha256.bytes)));
    }
}
/// Revoke and Acknowledge name an attempt; the others carry nothing.
template <class M>
void put(Writer& writer, const M& message) {
    if constexpr (!std::is_empty_v<M>) {
        writer.put(message.stage);
        writer.put(message.attempt);
    }
}

void get(Reader& reader, JoinMessage& join) {
    join.pid = reader.get<std::uint32_t>();
    join.host = reader.get_text(kMaxHostBytes);
}
void get(Reader& reader, BeatMessage& beat) {
    beat.busy = reader.get_bool();
    beat.stage = reader.get<StageIndex>();
    beat.attempt = reader.get<std::uint32_t>();
    beat.fraction = reader.get<double>();
    beat.progress = reader.get<std::uint64_t>();
}
void get(Reader& reader, FinishedMessage& finished) {
    finished.stage = reader.get<StageIndex>();
    finished.attempt = reader.get<std::uint32_t>();
    finished.finished_unix_s = reader.get<double>();
    finished.outcome = get_outcome(reader);
}
void get(Reader& reader, DismissMessage& dismiss) { dismiss.finish_mpi = reader.get_bool(); }
void get(Reader& reader, LeaseMessage& lease) {
    lease.stage = reader.get<StageIndex>();
    lease.attempt = reader.get<std::uint32_t>();
    lease.needs.resize(reader.get_count(kMaxLeaseNeeds, sizeof(StageIndex) + sizeof(Digest)));
    for (NeededArtefact& need : lease.needs) {
        need.stage = reader.get<StageIndex>();
        const auto digest = reader.take(need.sha256.bytes.size());
        std::memcpy(need.sha256.bytes.data(), digest.data(), digest.size());
    }
}
void get(Reader& reader, WelcomeMessage& welcome) { welcome.plan_json = reader.get_text(kMaxMessageBytes); }
template <class M>
void get(Reader& reader, M& message) {
    if constexpr (!std::is_empty_v<M>) {
        message.stage = reader.get<StageIndex>();
        message.attempt = reader.get<std::uint32_t>();
    }
}

template <std::size_t Kind = 0>
Message decode_payload(std::size_t kind, Reader& reader) {
    if constexpr (Kind < std::variant_size_v<Message>) {
        if (kind != Kind) return decode_payload<Kind + 1>(kind, reader);
        std::variant_alternative_t<Kind, Message> message;
        get(reader, message);
        reader.expect_end();
        return message;
    } else {
        bad_message("kind " + std::to_string(kind), "a known kind");
    }
}

}  // namespace

Bytes encode(const Message& message) {
    Writer writer;
    std::visit([&writer](const auto& item) { put(writer, item); }, message);
    return writer.finish(message.index());
}

Message decode(std::span<const std::byte> bytes) {
    Header header;
    if (bytes.size() < sizeof header)
        bad_message(std::to_string(bytes.size()) + " bytes", "a header of " + std::to_string(sizeof header));
    std::memcpy(&header, bytes.data(), sizeof header);
    const auto payload = bytes.subspan(sizeof header);
    if (header.magic != kMagic) bad_message("magic number " + std::to_string(header.magic), std::to_string(kMagic));
    if (header.version != kVersion) bad_message("version " + std::to_string(header.version), std::to_string(kVersion));
    if (header.payload_bytes != payload.size()) {
        bad_message("a payload of " + std::to_string(payload.size()) + " bytes", std::to_string(header.payload_bytes));
    }
    if (crc_of(header, payload) != header.crc) bad_message("a wrong checksum", "the CRC-32C in the header");
    Reader reader(payload);
    return decode_payload(header.kind, reader);
}

}  // namespace fairsweep

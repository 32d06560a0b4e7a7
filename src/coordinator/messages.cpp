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
constexpr std::uint16_t kVersion = 7;
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
                          .found = found,
                          .expected = expected,
                          .hint = "all ranks must run the same build of fairsweep"});
}

std::uint32_t crc_of(Header header, std::span<const std::byte> payload) {
    header.crc = 0;
    return crc32c(payload, crc32c(std::as_bytes(std::span(&header, 1))));
}

// Writer and Reader have the same face, so that one function says what a message consists of, for both ways.

class Writer {
public:
    template <class T>
    void number(const T& value) {
        static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
        put_bytes(std::as_bytes(std::span(&value, 1)));
    }
    void flag(bool value) { number(static_cast<std::uint8_t>(value)); }
    template <class E>
    void word(E value) {
        number(static_cast<std::uint8_t>(value));
    }
    void digest(const Digest& value) { put_bytes(std::as_bytes(std::span(value.bytes))); }
    void text(std::string_view value, std::size_t max_bytes) {
        count(value.size(), max_bytes, "text");
        put_bytes(std::as_bytes(std::span(value)));
    }
    /// A longer text is cut: what it says is for people.
    void cut_text(std::string_view value, std::size_t max_bytes) {
        if (value.size() <= max_bytes) return text(value, max_bytes);
        text(std::string(value.substr(0, max_bytes - 3)) + "...", max_bytes);
    }
    template <class T, class Each>
    void list(const std::vector<T>& items, std::size_t max_count, std::size_t /*item_bytes*/, const Each& each) {
        count(items.size(), max_count, "list");
        for (const T& item : items) each(*this, item);
    }
    void floats(const std::vector<float>& values, std::size_t max_count) {
        count(values.size(), max_count, "list of numbers");
        put_bytes(std::as_bytes(std::span(values)));
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
    void put_bytes(std::span<const std::byte> data) { bytes_.insert(bytes_.end(), data.begin(), data.end()); }
    void count(std::size_t size, std::size_t max_count, const char* what) {
        if (size > max_count)
            bad_message(std::string("a ") + what + " of " + std::to_string(size), "at most " + std::to_string(max_count));
        number(static_cast<std::uint64_t>(size));
    }
    Bytes bytes_ = Bytes(sizeof(Header));
};

class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
    template <class T>
    void number(T& value) {
        static_assert(std::is_arithmetic_v<T> || std::is_same_v<T, Attempt>);
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
    }
    void flag(bool& value) {
        std::uint8_t byte = 0;
        number(byte);
        if (byte > 1) bad_message("a truth value of " + std::to_string(byte), "0 or 1");
        value = byte == 1;
    }
    template <class E>
    void word(E& value) {
        std::uint8_t byte = 0;
        number(byte);
        if (byte >= count_of<E>) bad_message("state number " + std::to_string(byte), "a known one");
        value = static_cast<E>(byte);
    }
    void digest(Digest& value) { std::memcpy(value.bytes.data(), take(value.bytes.size()).data(), value.bytes.size()); }
    void text(std::string& value, std::size_t max_bytes) {
        const auto data = take(count(max_bytes, 1));
        value.assign(reinterpret_cast<const char*>(data.data()), data.size());
    }
    void cut_text(std::string& value, std::size_t max_bytes) { text(value, max_bytes); }
    /// Each item takes at least item_bytes: checked before anybody allocates.
    template <class T, class Each>
    void list(std::vector<T>& items, std::size_t max_count, std::size_t item_bytes, const Each& each) {
        items.resize(count(max_count, item_bytes));
        for (T& item : items) each(*this, item);
    }
    void floats(std::vector<float>& values, std::size_t max_count) {
        values.resize(count(max_count, sizeof(float)));
        const auto data = take(values.size() * sizeof(float));
        if (!data.empty()) std::memcpy(values.data(), data.data(), data.size());
    }
    void expect_end() const {
        if (!bytes_.empty()) bad_message(std::to_string(bytes_.size()) + " bytes after the end", "none");
    }

private:
    std::size_t count(std::size_t max_count, std::size_t item_bytes) {
        std::uint64_t count = 0;
        number(count);
        const std::size_t most = std::min(max_count, bytes_.size() / item_bytes);
        if (count > most) bad_message("a count of " + std::to_string(count), "at most " + std::to_string(most));
        return static_cast<std::size_t>(count);
    }
    std::span<const std::byte> take(std::size_t size) {
        if (size > bytes_.size()) bad_message("the end of the message", std::to_string(size) + " more bytes");
        const auto head = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return head;
    }
    std::span<const std::byte> bytes_;
};

// --- what each message consists of, field by field in the order of their declaration: const when it is written -------

template <class M, class T>
concept Is = std::is_same_v<std::remove_const_t<M>, T>;

constexpr std::size_t kCountBytes = sizeof(std::uint64_t);  ///< of a text or a list
constexpr std::size_t kNeedBytes = 1 + 2 * sizeof(Digest);

template <class V, Is<StageOutcome> M>
void visit(V& v, M& outcome) {
    v.word(outcome.state);
    v.word(outcome.failure);
    v.cut_text(outcome.message, kMessageBytes);
    v.flag(outcome.lost_team);
    v.number(outcome.wall_s);
    v.number(outcome.cpu_s);
    v.number(outcome.peak_memory_bytes);
    v.digest(outcome.artefact);
    v.number(outcome.artefact_bytes);
    for (const Metric metric : all_of<Metric>()) v.number(outcome.measured[metric]);
    v.list(outcome.groups, kMaxOutcomeGroups, kCountBytes, [](V& w, auto& figures) {
        w.list(figures, kMaxOutcomeFigures, sizeof(double), [](V& x, auto& figure) { x.number(figure); });
    });
    v.floats(outcome.scores, kMaxOutcomeScores);
}

template <class V, Is<std::vector<std::string>> M>
void visit(V& v, M& texts) {
    v.list(texts, kMaxOrderItems, kCountBytes, [](V& w, auto& text) { w.text(text, kMaxOrderTextBytes); });
}

/// A path is a text on the wire.
void visit_path(Writer& v, const std::filesystem::path& path) { v.text(path.native(), kMaxOrderTextBytes); }
void visit_path(Reader& v, std::filesystem::path& path) {
    std::string text;
    v.text(text, kMaxOrderTextBytes);
    path = text;
}

template <class V, Is<DataSource> M>
void visit(V& v, M& source) {
    v.text(source.name, kMaxOrderTextBytes);
    v.text(source.format, kMaxOrderTextBytes);
    visit_path(v, source.path);
    visit(v, source.groups);
}

template <class V, Is<Need> M>
void visit(V& v, M& need) {
    v.word(need.kind);
    v.digest(need.id);
    v.digest(need.sha256);
}

template <class V, Is<ProgramSettings> M>
void visit(V& v, M& program) {
    v.number(program.time_limit_s);
    v.text(program.stop_signal, kMaxOrderTextBytes);
    v.number(program.grace_s);
    v.number(program.log_bytes);
    visit(v, program.depends);
}

template <class V, Is<StageOrder> M>
void visit(V& v, M& order) {
    v.digest(order.id);
    v.word(order.kind);
    v.text(order.parameters, kMaxOrderTextBytes);
    v.list(order.needs, kMaxOrderItems, kNeedBytes, [](V& w, auto& need) { visit(w, need); });
    v.list(order.data, kMaxOrderItems, 4 * kCountBytes, [](V& w, auto& source) { visit(w, source); });
    visit(v, order.groups);
    visit(v, order.classes);
    visit(v, order.program);
    v.number(order.run.checkpoint_s);
    v.text(order.code_version, kMaxOrderTextBytes);
}

template <class V, Is<JoinMessage> M>
void visit(V& v, M& join) {
    v.number(join.pid);
    v.cut_text(join.host, kMaxHostBytes);
}
template <class V, Is<BeatMessage> M>
void visit(V& v, M& beat) {
    v.flag(beat.busy);
    v.number(beat.stage);
    v.number(beat.attempt);
    v.number(beat.fraction);
    v.number(beat.progress);
}
template <class V, Is<FinishedMessage> M>
void visit(V& v, M& finished) {
    v.number(finished.stage);
    v.number(finished.attempt);
    v.number(finished.finished_unix_s);
    visit(v, finished.outcome);
    v.flag(finished.leads);
    v.flag(finished.begun);
}
template <class V, Is<WelcomeMessage> M>
void visit(V& v, M& welcome) {
    v.text(welcome.artefact_folder, kMaxOrderTextBytes);
    v.flag(welcome.needs_gpu);
}
template <class V, Is<LeaseMessage> M>
void visit(V& v, M& lease) {
    v.number(lease.stage);
    v.number(lease.attempt);
    visit(v, lease.order);
    v.number(lease.lease);
    v.list(lease.ranks, kMaxOrderItems, sizeof(std::uint32_t), [](V& w, auto& rank) { w.number(rank); });
}
template <class V, Is<RevokeMessage> M>
void visit(V& v, M& revoke) {
    v.number(revoke.stage);
    v.number(revoke.attempt);
    v.flag(revoke.at_step);
}
template <class V, Is<AcknowledgeMessage> M>
void visit(V& v, M& acknowledge) {
    v.number(acknowledge.stage);
    v.number(acknowledge.attempt);
}
template <class V, Is<DismissMessage> M>
void visit(V& v, M& dismiss) {
    v.flag(dismiss.finish_mpi);
}
template <class V, class M>
requires std::is_empty_v<M>
void visit(V&, M&) {}

template <std::size_t Kind = 0>
Message decode_payload(std::size_t kind, Reader& reader) {
    if constexpr (Kind < std::variant_size_v<Message>) {
        if (kind != Kind) return decode_payload<Kind + 1>(kind, reader);
        std::variant_alternative_t<Kind, Message> message;
        visit(reader, message);
        reader.expect_end();
        return message;
    } else {
        bad_message("kind " + std::to_string(kind), "a known kind");
    }
}

}  // namespace

Bytes encode(const Message& message) {
    Writer writer;
    std::visit([&writer](const auto& item) { visit(writer, item); }, message);
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

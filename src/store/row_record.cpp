#include "store/row_record.hpp"

#include <bit>
#include <cstring>
#include <type_traits>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

constexpr std::size_t kNameBytes = 64;
constexpr std::size_t kEndBytes = 5;  // crc32c and state

/// The one place that names the fields of a row. Encoder, decoder and schema walk it, so that they cannot disagree.
/// persistent: a change of names, order or types is a new kStoreVersion.
template <typename Visitor, typename Record>
void visit_row(Visitor& visit, Record& record, std::uint32_t& group_count) {
    auto& row = record.row;
    auto& outcome = row.outcome;
    visit.digest("stage_id", row.stage_id);
    visit.number("sequence", record.sequence);
    visit.number("finished_unix_s", row.finished_unix_s);
    visit.number("wall_s", outcome.wall_s);
    visit.number("cpu_s", outcome.cpu_s);
    visit.number("peak_memory_bytes", outcome.peak_memory_bytes);
    visit.number("artefact_bytes", outcome.artefact_bytes);
    for (const Metric metric : all_of<Metric>()) visit.number(name_of(metric), outcome.measured[metric]);
    visit.number("attempt", row.attempt);
    visit.number("worker", row.worker);
    visit.number("scores_count", record.scores_count);
    visit.number("scores_crc32c", record.scores_crc32c);
    visit.number("group_count", group_count);
    visit.code("kind", row.kind);
    visit.code("failure", outcome.failure);
    visit.digest("artefact_sha256", outcome.artefact);
    visit.text("host", row.host, kNameBytes);
    visit.text("code_version", record.code_version, kNameBytes);
    visit.text("message", outcome.message, kMessageBytes);
    visit.column("genuine", &GroupFigures::genuine);
    visit.column("impostor", &GroupFigures::impostor);
    visit.column("correct_10fold", &GroupFigures::correct_10fold);
    visit.column("accuracy_10fold", &GroupFigures::accuracy_10fold);
    visit.column("accuracy_pooled", &GroupFigures::accuracy_pooled);
    visit.column("fmr", &GroupFigures::fmr);
    visit.column("fnmr", &GroupFigures::fnmr);
    visit.column("eer", &GroupFigures::eer);
    visit.column("auc", &GroupFigures::auc);
}

template <typename T>
constexpr RowFieldType field_type() {
    if constexpr (std::is_same_v<T, double>) return RowFieldType::f64;
    if constexpr (std::is_same_v<T, std::uint64_t>) return RowFieldType::u64;
    if constexpr (std::is_same_v<T, std::uint32_t>) return RowFieldType::u32;
    if constexpr (std::is_same_v<T, std::int32_t>) return RowFieldType::i32;
}

class SchemaVisitor {
public:
    explicit SchemaVisitor(std::uint32_t room) : room_(room) {}
    void digest(const char* name, const Digest&) { add(name, RowFieldType::text, 64); }
    void text(const char* name, const std::string&, std::size_t capacity) { add(name, RowFieldType::text, capacity); }
    template <typename T>
    void number(const char* name, const T&) {
        add(name, field_type<T>(), sizeof(T));
    }
    template <typename E>
    void code(const char* name, const E&) {
        add(name, RowFieldType::u8_code, 1);
        for (const E value : all_of<E>()) fields.back().code_names.emplace_back(name_of(value));
    }
    template <typename T>
    void column(const char* name, T GroupFigures::*) {
        add(name, field_type<T>(), sizeof(T) * room_);
        fields.back().count = room_;
        fields.back().is_array = true;
    }
    void add(const char* name, RowFieldType type, std::size_t size_bytes) {
        fields.push_back({name, type, offset_, size_bytes, 1, false, {}});
        offset_ += size_bytes;
    }
    std::vector<RowField> fields;

private:
    std::uint32_t room_;
    std::size_t offset_ = 0;
};

/// As SchemaVisitor, but only adds up: asked for with every row.
class SizeVisitor {
public:
    explicit SizeVisitor(std::uint32_t room) : room_(room) {}
    void digest(const char*, const Digest&) { size_bytes += 64; }
    void text(const char*, const std::string&, std::size_t capacity) { size_bytes += capacity; }
    template <typename T>
    void number(const char*, const T&) {
        size_bytes += sizeof(T);
    }
    template <typename E>
    void code(const char*, const E&) {
        size_bytes += 1;
    }
    template <typename T>
    void column(const char*, T GroupFigures::*) {
        size_bytes += sizeof(T) * room_;
    }
    std::size_t size_bytes = 0;

private:
    std::uint32_t room_;
};

class Encoder {
public:
    Encoder(std::vector<std::byte>& bytes, const std::vector<GroupFigures>& groups, std::uint32_t room)
        : bytes_(bytes), groups_(groups), room_(room) {}
    void digest(const char* name, const Digest& digest) { text(name, digest.is_zero() ? std::string() : digest.hex(), 64); }
    void text(const char*, const std::string& value, std::size_t capacity) {
        std::string cut = cut_text(value, capacity);
        for (char& letter : cut) {
            if (letter == '\0') letter = ' ';  // NUL pads the field
        }
        cut.resize(capacity, '\0');
        put(cut.data(), capacity);
    }
    template <typename T>
    void number(const char*, const T& value) {
        put(&value, sizeof(T));
    }
    template <typename E>
    void code(const char*, const E& value) {
        put(&value, 1);
    }
    template <typename T>
    void column(const char*, T GroupFigures::*member) {
        for (std::uint32_t i = 0; i < room_; ++i) {
            const T value = i < groups_.size() ? groups_[i].*member : T{};
            put(&value, sizeof(T));
        }
    }
    void put(const void* data, std::size_t size_bytes) {
        const auto* from = static_cast<const std::byte*>(data);
        bytes_.insert(bytes_.end(), from, from + size_bytes);
    }

private:
    std::vector<std::byte>& bytes_;
    const std::vector<GroupFigures>& groups_;
    std::uint32_t room_;
};

/// Reads from bytes whose length was checked; `good` turns false at a value that no encoder writes.
class Decoder {
public:
    Decoder(std::span<const std::byte> bytes, std::vector<GroupFigures>& groups, std::uint32_t room)
        : bytes_(bytes), groups_(groups), room_(room) {}
    void digest(const char* name, Digest& digest) {
        std::string hex;
        text(name, hex, 64);
        if (hex.empty()) return;
        good = good && hex.size() == 64 && hex.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (good) digest = Digest::from_hex(hex);
    }
    void text(const char*, std::string& value, std::size_t capacity) {
        value.resize(capacity);
        get(value.data(), capacity);
        const std::size_t end = value.find('\0');
        if (end != std::string::npos) value.resize(end);
    }
    template <typename T>
    void number(const char*, T& value) {
        get(&value, sizeof(T));
    }
    template <typename E>
    void code(const char*, E& value) {
        std::uint8_t byte = 0;
        get(&byte, 1);
        good = good && byte < count_of<E>;
        if (good) value = static_cast<E>(byte);
    }
    template <typename T>
    void column(const char*, T GroupFigures::*member) {
        for (std::uint32_t i = 0; i < room_; ++i) {
            T value{};
            get(&value, sizeof(T));
            groups_[i].*member = value;
        }
    }
    void get(void* to, std::size_t size_bytes) {
        std::memcpy(to, bytes_.data() + offset_, size_bytes);
        offset_ += size_bytes;
    }
    bool good = true;

private:
    std::span<const std::byte> bytes_;
    std::vector<GroupFigures>& groups_;
    std::uint32_t room_;
    std::size_t offset_ = 0;
};

std::uint32_t room_for(std::uint32_t groups) { return groups == 0 ? 1 : groups; }  // HDF5 arrays have no length 0

std::uint32_t row_crc(std::span<const std::byte> body, std::byte state) { return crc32c(std::span(&state, 1), crc32c(body)); }

bool is_stored(StageState state) { return state != StageState::waiting && state != StageState::running; }

}  // namespace

std::string cut_text(const std::string& text, std::size_t capacity) {
    if (text.size() <= capacity) return text;
    std::size_t keep = capacity - 3;
    while (keep > 0 && (static_cast<unsigned char>(text[keep]) & 0xC0u) == 0x80u) --keep;  // not inside a UTF-8 character
    return text.substr(0, keep) + "...";
}

std::vector<RowField> row_fields(std::uint32_t groups) {
    SchemaVisitor schema(room_for(groups));
    const RowRecord example;
    std::uint32_t group_count = 0;
    visit_row(schema, example, group_count);
    schema.add("crc32c", RowFieldType::u32, 4);
    schema.code("state", StageState::waiting);
    return schema.fields;
}

std::size_t row_bytes(std::uint32_t groups) {
    SizeVisitor size(room_for(groups));
    const RowRecord example;
    std::uint32_t group_count = 0;
    visit_row(size, example, group_count);
    return size.size_bytes + kEndBytes;
}

std::vector<std::byte> encode_row(const RowRecord& record, std::uint32_t groups) {
    const StageOutcome& outcome = record.row.outcome;
    FAIRSWEEP_CHECK(outcome.groups.size() <= groups, "a row has figures of at most the plan's groups");
    FAIRSWEEP_CHECK(is_stored(outcome.state), "waiting and running are never stored");
    std::vector<std::byte> bytes;
    bytes.reserve(row_bytes(groups));
    Encoder encoder(bytes, outcome.groups, room_for(groups));
    auto group_count = static_cast<std::uint32_t>(outcome.groups.size());
    visit_row(encoder, record, group_count);
    const auto state = static_cast<std::byte>(outcome.state);
    const std::uint32_t crc = row_crc(bytes, state);
    encoder.put(&crc, sizeof crc);
    encoder.put(&state, 1);
    return bytes;
}

DecodedRow decode_row(std::span<const std::byte> bytes, std::uint32_t groups) {
    if (bytes.size() != row_bytes(groups)) return {RowCondition::damaged, {}};
    const std::byte state = bytes.back();
    if (state == std::byte{0}) return {RowCondition::empty, {}};
    const auto body = bytes.first(bytes.size() - kEndBytes);
    std::uint32_t crc = 0;
    std::memcpy(&crc, bytes.data() + body.size(), sizeof crc);
    if (crc != row_crc(body, state) || static_cast<std::size_t>(state) >= count_of<StageState>)
        return {RowCondition::damaged, {}};

    DecodedRow decoded{RowCondition::valid, {}};
    StageOutcome& outcome = decoded.record.row.outcome;
    outcome.groups.resize(room_for(groups));
    Decoder decoder(body, outcome.groups, room_for(groups));
    std::uint32_t group_count = 0;
    visit_row(decoder, decoded.record, group_count);
    outcome.state = static_cast<StageState>(state);
    if (!decoder.good || group_count > groups || !is_stored(outcome.state)) return {RowCondition::damaged, {}};
    outcome.groups.resize(group_count);
    return decoded;
}

}  // namespace fairsweep

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

using Groups = std::vector<std::vector<double>>;  ///< [groups][figures]

std::size_t cell_bytes(const FigureColumn& column) { return column.is_count ? sizeof(std::uint32_t) : sizeof(double); }

/// The one place that names the fields of a row. Encoder, decoder and schema walk it, so that they cannot disagree.
/// persistent: a change of names, order or types is a new kStoreVersion.
template <typename Visitor, typename Record>
void visit_row(Visitor& visit, Record& record, std::uint32_t& group_count, const RowShape& shape) {
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
    for (std::size_t figure = 0; figure < shape.figures.size(); ++figure) visit.column(shape.figures[figure], figure);
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
    void column(const FigureColumn& column, std::size_t) {
        add(column.name, column.is_count ? RowFieldType::u32 : RowFieldType::f64, cell_bytes(column) * room_);
        fields.back().count = room_;
        fields.back().is_array = true;
    }
    void add(const std::string& name, RowFieldType type, std::size_t size_bytes) {
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
    void column(const FigureColumn& column, std::size_t) { size_bytes += cell_bytes(column) * room_; }
    std::size_t size_bytes = 0;

private:
    std::uint32_t room_;
};

class Encoder {
public:
    Encoder(std::vector<std::byte>& bytes, const Groups& groups, std::uint32_t room)
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
    void column(const FigureColumn& column, std::size_t figure) {
        for (std::uint32_t i = 0; i < room_; ++i) {
            const double value = i < groups_.size() ? groups_[i][figure] : 0.0;
            const auto count = column.is_count ? static_cast<std::uint32_t>(value) : 0U;
            column.is_count ? put(&count, sizeof count) : put(&value, sizeof value);
        }
    }
    void put(const void* data, std::size_t size_bytes) {
        const auto* from = static_cast<const std::byte*>(data);
        bytes_.insert(bytes_.end(), from, from + size_bytes);
    }

private:
    std::vector<std::byte>& bytes_;
    const Groups& groups_;
    std::uint32_t room_;
};

/// Reads from bytes whose length was checked; `good` turns false at a value that no encoder writes.
class Decoder {
public:
    Decoder(std::span<const std::byte> bytes, Groups& groups, std::uint32_t room) : bytes_(bytes), groups_(groups), room_(room) {}
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
    void column(const FigureColumn& column, std::size_t figure) {
        for (std::uint32_t i = 0; i < room_; ++i) {
            std::uint32_t count = 0;
            double& value = groups_[i][figure];
            column.is_count ? get(&count, sizeof count) : get(&value, sizeof value);
            if (column.is_count) value = count;
        }
    }
    void get(void* to, std::size_t size_bytes) {
        std::memcpy(to, bytes_.data() + offset_, size_bytes);
        offset_ += size_bytes;
    }
    bool good = true;

private:
    std::span<const std::byte> bytes_;
    Groups& groups_;
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

std::vector<RowField> row_fields(const RowShape& shape) {
    SchemaVisitor schema(room_for(shape.groups));
    const RowRecord example;
    std::uint32_t group_count = 0;
    visit_row(schema, example, group_count, shape);
    schema.add("crc32c", RowFieldType::u32, 4);
    schema.code("state", StageState::waiting);
    return schema.fields;
}

std::size_t row_bytes(const RowShape& shape) {
    SizeVisitor size(room_for(shape.groups));
    const RowRecord example;
    std::uint32_t group_count = 0;
    visit_row(size, example, group_count, shape);
    return size.size_bytes + kEndBytes;
}

std::vector<std::byte> encode_row(const RowRecord& record, const RowShape& shape) {
    const StageOutcome& outcome = record.row.outcome;
    FAIRSWEEP_CHECK(outcome.groups.size() <= shape.groups, "a row has figures of at most the plan's groups");
    for (const auto& figures : outcome.groups)
        FAIRSWEEP_CHECK(figures.size() == shape.figures.size(), "a group has the figures of its task");
    FAIRSWEEP_CHECK(is_stored(outcome.state), "waiting and running are never stored");
    std::vector<std::byte> bytes;
    bytes.reserve(row_bytes(shape));
    Encoder encoder(bytes, outcome.groups, room_for(shape.groups));
    auto group_count = static_cast<std::uint32_t>(outcome.groups.size());
    visit_row(encoder, record, group_count, shape);
    const auto state = static_cast<std::byte>(outcome.state);
    const std::uint32_t crc = row_crc(bytes, state);
    encoder.put(&crc, sizeof crc);
    encoder.put(&state, 1);
    return bytes;
}

DecodedRow decode_row(std::span<const std::byte> bytes, const RowShape& shape) {
    if (bytes.size() != row_bytes(shape)) return {RowCondition::damaged, {}};
    const std::byte state = bytes.back();
    if (state == std::byte{0}) return {RowCondition::empty, {}};
    const auto body = bytes.first(bytes.size() - kEndBytes);
    std::uint32_t crc = 0;
    std::memcpy(&crc, bytes.data() + body.size(), sizeof crc);
    if (crc != row_crc(body, state) || static_cast<std::size_t>(state) >= count_of<StageState>)
        return {RowCondition::damaged, {}};

    DecodedRow decoded{RowCondition::valid, {}};
    StageOutcome& outcome = decoded.record.row.outcome;
    outcome.groups.assign(room_for(shape.groups), std::vector<double>(shape.figures.size()));
    Decoder decoder(body, outcome.groups, room_for(shape.groups));
    std::uint32_t group_count = 0;
    visit_row(decoder, decoded.record, group_count, shape);
    outcome.state = static_cast<StageState>(state);
    if (!decoder.good || group_count > shape.groups || !is_stored(outcome.state)) return {RowCondition::damaged, {}};
    outcome.groups.resize(group_count);
    return decoded;
}

}  // namespace fairsweep

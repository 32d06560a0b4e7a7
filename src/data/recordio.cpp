#include "data/recordio.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "data/damage.hpp"
#include "data/file_kind.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they lie in the file");

constexpr std::size_t kPartHeaderBytes = 8;
constexpr std::size_t kImageHeaderBytes = 24;
constexpr std::uint32_t kLengthMask = (1u << 29) - 1;
constexpr std::size_t kFlushBytes = 4 << 20;
// One read covers the header and most face images at 112 x 112, instead of two reads.
constexpr std::size_t kFirstReadBytes = 12 << 10;

enum PartFlag : std::uint32_t { kWhole = 0, kFirst = 1, kMiddle = 2, kLast = 3 };

template <typename Value>
Value load(std::span<const std::byte> bytes, std::size_t offset) {
    Value value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

template <typename Value>
void store(std::vector<std::byte>& bytes, Value value) {
    const auto* begin = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), begin, begin + sizeof value);
}

constexpr std::uint64_t padded(std::uint64_t length) { return (length + 3) & ~std::uint64_t{3}; }

/// One record being joined from its parts.
struct Joiner {
    const File& file;
    std::uint64_t file_bytes;
    std::uint64_t record_offset;
    std::uint64_t record;

    [[noreturn]] void damaged(std::uint64_t offset, std::string found, std::string expected, std::string hint) const {
        throw_damaged({.file = file.path(), .offset = offset, .line = {}},
                      {.attempted = "cannot read a RecordIO record",
                       .where = fmt::format(", record {} (starts at {})", record, record_offset),
                       .found = std::move(found),
                       .expected = std::move(expected),
                       .hint = std::move(hint)});
    }

    [[noreturn]] void cut_off(std::uint64_t offset, std::uint64_t wanted_bytes) const {
        damaged(offset, fmt::format("the file ends at {}", file_bytes), fmt::format("{} more bytes", wanted_bytes),
                "the file is truncated: copy or download it again");
    }

    /// Appends the part at `offset` to the payload and returns its flag; moves `offset` behind it.
    std::uint32_t take_part(std::uint64_t& offset, std::vector<std::byte>& payload) const {
        if (offset > file_bytes || file_bytes - offset < kPartHeaderBytes) cut_off(offset, kPartHeaderBytes);
        const std::uint64_t left = file_bytes - offset;
        std::vector<std::byte> first(std::min<std::uint64_t>(left, kFirstReadBytes));
        file.read_exactly_at(offset, first);
        const auto magic = load<std::uint32_t>(first, 0);
        if (magic != kRecordMagic) {
            damaged(offset, fmt::format("{:#010x}", magic), fmt::format("the magic number {:#010x}", kRecordMagic),
                    "the file is damaged here, or the .idx belongs to another .rec");
        }
        const auto word = load<std::uint32_t>(first, 4);
        const std::uint32_t flag = word >> 29;
        const std::uint64_t length = word & kLengthMask;
        if (left - kPartHeaderBytes < padded(length)) cut_off(offset, kPartHeaderBytes + padded(length));
        if (payload.size() + length + 4 > kMaxRecordBytes + 4) {
            damaged(offset, fmt::format("a record of at least {} bytes", payload.size() + length),
                    fmt::format("at most {}", kMaxRecordBytes), {});
        }
        const std::size_t begin = payload.size();
        const std::size_t have = std::min<std::size_t>(length, first.size() - kPartHeaderBytes);
        payload.resize(begin + length);
        if (have > 0) std::memcpy(payload.data() + begin, first.data() + kPartHeaderBytes, have);
        if (have < length) file.read_exactly_at(offset + kPartHeaderBytes + have, std::span(payload).subspan(begin + have));
        if ((flag == kFirst || flag == kMiddle) && length % 4 != 0) {
            damaged(offset, fmt::format("a part of {} bytes before another", length), "a multiple of 4", {});
        }
        offset += kPartHeaderBytes + padded(length);
        return flag;
    }
};

}  // namespace

RecordWriter::RecordWriter(const std::filesystem::path& path) : file_(File::create(path)) {
    buffer_.reserve(kFlushBytes + (64u << 10));
}

RecordWriter::~RecordWriter() = default;

void RecordWriter::flush() {
    file_.write_at(written_bytes_, buffer_);
    written_bytes_ += buffer_.size();
    buffer_.clear();
}

void RecordWriter::put_part(std::uint32_t part_flag, std::span<const std::byte> part) {
    store(buffer_, kRecordMagic);
    store(buffer_, part_flag << 29 | static_cast<std::uint32_t>(part.size()));
    buffer_.insert(buffer_.end(), part.begin(), part.end());
    buffer_.resize(buffer_.size() + (padded(part.size()) - part.size()));
}

std::uint64_t RecordWriter::write(std::span<const std::byte> payload) {
    FAIRSWEEP_CHECK(payload.size() <= kMaxRecordBytes, "write a record of at most kMaxRecordBytes");
    const std::uint64_t offset = written_bytes_ + buffer_.size();
    std::size_t begin = 0;
    for (std::size_t at = 0; at + 4 <= payload.size(); at += 4) {
        if (load<std::uint32_t>(payload, at) != kRecordMagic) continue;
        put_part(begin == 0 ? kFirst : kMiddle, payload.subspan(begin, at - begin));
        begin = at + 4;
    }
    put_part(begin == 0 ? kWhole : kLast, payload.subspan(begin));
    if (buffer_.size() >= kFlushBytes) flush();
    return offset;
}

void RecordWriter::close() {
    flush();
    file_.sync();
    file_.close();
}

RecordReader::RecordReader(const std::filesystem::path& path)
    : file_(File::open_for_reading(path)), size_bytes_(file_.size_bytes()) {
    std::vector<std::byte> start(std::min<std::uint64_t>(size_bytes_, kFileKindBytes));
    start.resize(file_.read_at(0, start));
    const bool is_records = start.size() < sizeof kRecordMagic || load<std::uint32_t>(start, 0) == kRecordMagic;
    const FileKind kind = is_records ? FileKind{} : kind_of_file(start);
    if (kind.name.empty()) return;  // what is damaged is reported where it is
    throw_damaged({.file = path, .offset = 0, .line = {}}, {.attempted = "cannot read RecordIO records",
                                                            .found = kind.name,
                                                            .expected = fmt::format("the magic number {:#010x}", kRecordMagic),
                                                            .hint = kind.hint});
}

Record RecordReader::read(std::uint64_t offset, std::uint64_t record) const {
    const Joiner joiner{.file = file_, .file_bytes = size_bytes_, .record_offset = offset, .record = record};
    Record result;
    std::uint64_t at = offset;
    std::uint32_t flag = joiner.take_part(at, result.payload);
    if (flag != kWhole && flag != kFirst) {
        joiner.damaged(offset, fmt::format("part flag {}", flag), "0 (whole) or 1 (first part) at the start of a record",
                       "the offset points into the middle of a record");
    }
    while (flag == kFirst || flag == kMiddle) {
        store(result.payload, kRecordMagic);
        const std::uint64_t part = at;
        flag = joiner.take_part(at, result.payload);
        if (flag != kMiddle && flag != kLast) {
            joiner.damaged(part, fmt::format("part flag {}", flag), "2 (middle) or 3 (last part) inside a split record", {});
        }
    }
    result.next_offset = at;
    return result;
}

std::vector<std::byte> RecordReader::read_start(std::uint64_t offset, std::uint64_t record, std::size_t bytes) const {
    std::vector<std::byte> head(kPartHeaderBytes + bytes);
    head.resize(offset < size_bytes_ ? file_.read_at(offset, head) : 0);
    const bool whole = head.size() >= kPartHeaderBytes && load<std::uint32_t>(head, 0) == kRecordMagic &&
                       load<std::uint32_t>(head, 4) >> 29 == kWhole;
    const std::size_t wanted = whole ? std::min<std::size_t>(bytes, load<std::uint32_t>(head, 4) & kLengthMask) : head.size();
    if (!whole || head.size() < kPartHeaderBytes + wanted) return read(offset, record).payload;  // split, cut off or damaged
    return {head.begin() + kPartHeaderBytes, head.begin() + static_cast<std::ptrdiff_t>(kPartHeaderBytes + wanted)};
}

ImageRecord decode_image_record(std::span<const std::byte> payload, const std::string& where) {
    const auto damaged = [&](std::string found, std::string expected) {
        throw_data({.attempted = "cannot read the header of an image record",
                    .where = where,
                    .found = std::move(found),
                    .expected = std::move(expected)});
    };
    if (payload.size() < kImageHeaderBytes)
        damaged(fmt::format("{} bytes", payload.size()), fmt::format("at least {}", kImageHeaderBytes));
    ImageRecord record;
    record.flag = load<std::uint32_t>(payload, 0);
    record.id = load<std::uint64_t>(payload, 8);
    record.id2 = load<std::uint64_t>(payload, 16);
    const std::size_t room = (payload.size() - kImageHeaderBytes) / sizeof(float);
    if (record.flag > room) {
        damaged(fmt::format("{} labels in a payload of {} bytes", record.flag, payload.size()),
                fmt::format("at most {} labels", room));
    }
    if (record.flag == 0) {
        record.labels.push_back(load<float>(payload, 4));
    } else {
        record.labels.resize(record.flag);
        std::memcpy(record.labels.data(), payload.data() + kImageHeaderBytes, record.flag * sizeof(float));
    }
    record.encoded = payload.subspan(kImageHeaderBytes + record.flag * sizeof(float));
    return record;
}

std::vector<std::byte> encode_image_record(const ImageRecord& record) {
    FAIRSWEEP_CHECK(record.flag == 0 ? record.labels.size() == 1 : record.labels.size() == record.flag,
                    "as many labels as the flag says");
    std::vector<std::byte> payload;
    payload.reserve(kImageHeaderBytes + record.labels.size() * sizeof(float) + record.encoded.size());
    store(payload, record.flag);
    store(payload, record.flag == 0 ? record.labels[0] : 0.0f);
    store(payload, record.id);
    store(payload, record.id2);
    if (record.flag > 0) {
        for (const float label : record.labels) store(payload, label);
    }
    payload.insert(payload.end(), record.encoded.begin(), record.encoded.end());
    return payload;
}

}  // namespace fairsweep

#include "store/journal.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/log.hpp"

namespace fairsweep {
namespace {

constexpr char kMagic[9] = "FSWJRNL\n";
constexpr std::uint32_t kJournalVersion = 1;  // persistent

template <typename T>
void put(std::vector<std::byte>& bytes, const T& value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), from, from + sizeof(T));
}

template <typename T>
T get(std::span<const std::byte> bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

[[noreturn]] void refuse(const std::filesystem::path& path, std::string found, std::string expected, std::string hint) {
    throw_store({.attempted = "cannot use the journal of a store",
                 .where = path.string() + ", header",
                 .found = std::move(found),
                 .expected = std::move(expected),
                 .hint = std::move(hint)});
}

const char* kRebuildHint = "move it away: the rows that the store holds are then taken as they are";

/// CRC over what identifies the record and over its payload.
std::uint32_t record_crc(std::span<const std::byte> record) { return crc32c(record.subspan(8), crc32c(record.first(4))); }

bool is_whole(std::span<const std::byte> record, std::uint32_t payload_bytes, std::uint64_t sequence) {
    return record.size() == kJournalFrameBytes + payload_bytes && get<std::uint32_t>(record, 0) == payload_bytes &&
           get<std::uint32_t>(record, 4) == record_crc(record) && get<std::uint64_t>(record, 8) == sequence;
}

}  // namespace

StoreId make_store_id() {
    StoreId id{};
    FAIRSWEEP_CHECK(::getrandom(id.data(), id.size(), 0) == static_cast<ssize_t>(id.size()), "random bytes from the kernel");
    return id;
}

std::string hex(const StoreId& id) {
    std::string text;
    for (const std::byte byte : id) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
    return text;
}

std::vector<std::byte> encode_journal_header(const JournalHeader& header) {
    std::vector<std::byte> bytes;
    for (int i = 0; i < 8; ++i) put(bytes, kMagic[i]);
    put(bytes, kJournalVersion);
    put(bytes, header.payload_bytes);
    for (const std::byte byte : header.store_id) put(bytes, byte);
    put(bytes, header.first_sequence);
    bytes.resize(kJournalHeaderBytes - 4);
    put(bytes, crc32c(bytes));
    return bytes;
}

JournalHeader decode_journal_header(std::span<const std::byte> bytes, const StoreId& store_id, std::uint32_t payload_bytes,
                                    const std::filesystem::path& path) {
    if (bytes.size() < kJournalHeaderBytes) {
        refuse(path, fmt::format("{} bytes", bytes.size()), fmt::format("a header of {} bytes", kJournalHeaderBytes),
               kRebuildHint);
    }
    if (std::memcmp(bytes.data(), kMagic, 8) != 0)
        refuse(path, "another file format", "a fairsweep journal", "is it the right file?");
    const auto version = get<std::uint32_t>(bytes, 8);
    if (version != kJournalVersion) {
        refuse(path, fmt::format("journal version {}", version), fmt::format("version {}", kJournalVersion),
               "use the fairsweep that wrote it");
    }
    if (get<std::uint32_t>(bytes, kJournalHeaderBytes - 4) != crc32c(bytes.first(kJournalHeaderBytes - 4))) {
        refuse(path, "a header whose checksum is wrong", "an undamaged header", kRebuildHint);
    }
    JournalHeader header;
    header.payload_bytes = get<std::uint32_t>(bytes, 12);
    std::memcpy(header.store_id.data(), bytes.data() + 16, header.store_id.size());
    header.first_sequence = get<std::uint64_t>(bytes, 32);
    if (header.store_id != store_id) {
        refuse(path, "the journal of store " + hex(header.store_id), "that of store " + hex(store_id),
               "put each store back beside its own journal");
    }
    if (header.payload_bytes != payload_bytes) {
        refuse(path, fmt::format("records of {} bytes", header.payload_bytes), fmt::format("{} bytes", payload_bytes),
               kRebuildHint);
    }
    return header;
}

void append_journal_record(std::vector<std::byte>& bytes, std::uint64_t sequence, std::uint64_t durable_before,
                           std::span<const std::byte> payload) {
    std::vector<std::byte> record;
    record.reserve(kJournalFrameBytes + payload.size());
    put(record, static_cast<std::uint32_t>(payload.size()));
    put(record, std::uint32_t{0});
    put(record, sequence);
    put(record, durable_before);
    record.insert(record.end(), payload.begin(), payload.end());
    const std::uint32_t crc = record_crc(record);
    std::memcpy(record.data() + 4, &crc, sizeof crc);
    bytes.insert(bytes.end(), record.begin(), record.end());
}

JournalScan scan_journal(std::span<const std::byte> bytes, const JournalHeader& header) {
    // Records have one size, so each stands at a known place, whatever happened to those before it.
    const std::size_t record_bytes = kJournalFrameBytes + header.payload_bytes;
    const auto body = bytes.subspan(kJournalHeaderBytes);
    const std::size_t slots = body.size() / record_bytes;
    std::vector<bool> whole(slots, false);
    std::uint64_t durable_slots = 0;
    for (std::size_t slot = 0; slot < slots; ++slot) {
        const auto record = body.subspan(slot * record_bytes, record_bytes);
        whole[slot] = is_whole(record, header.payload_bytes, header.first_sequence + slot);
        if (!whole[slot]) continue;
        const auto durable_before = get<std::uint64_t>(record, 16);
        if (durable_before >= header.first_sequence) {
            durable_slots = std::max(durable_slots, durable_before - header.first_sequence + 1);
        }
    }
    // Behind the last record known to be durable stands one batch: the first torn record ends what counts of it. Durable
    // records may be missing at the end of a truncated file; a bound keeps a crafted number from costing memory.
    constexpr std::uint64_t kMostMissing = 1 << 20;
    std::size_t end = static_cast<std::size_t>(std::min<std::uint64_t>(durable_slots, slots + kMostMissing));
    while (end < slots && whole[end]) ++end;

    JournalScan scan;
    for (std::size_t slot = 0; slot < end; ++slot) {
        const std::uint64_t sequence = header.first_sequence + slot;
        if (slot < slots && whole[slot]) {
            scan.records.push_back({sequence, body.subspan(slot * record_bytes + kJournalFrameBytes, header.payload_bytes)});
        } else {
            scan.damaged.push_back(sequence);
        }
    }
    scan.whole_bytes = kJournalHeaderBytes + std::min(end, slots) * record_bytes;
    scan.torn_bytes = bytes.size() - scan.whole_bytes;
    scan.next_sequence = header.first_sequence + end;
    return scan;
}

Journal Journal::create(const std::filesystem::path& path, const JournalHeader& header,
                        std::span<const std::vector<std::byte>> payloads) {
    std::vector<std::byte> bytes = encode_journal_header(header);
    std::uint64_t sequence = header.first_sequence;
    // They become durable together, with the rename, so the file itself vouches for all of them.
    for (const auto& payload : payloads) {
        append_journal_record(bytes, sequence, header.first_sequence - 1 + payloads.size(), payload);
        ++sequence;
    }
    write_file_atomically(path, bytes);
    Journal journal;
    journal.file_ = File::open_for_update(path);
    journal.size_bytes_ = bytes.size();
    journal.next_sequence_ = sequence;
    return journal;
}

Journal Journal::open(const std::filesystem::path& path, const JournalScan& scan) {
    Journal journal;
    journal.file_ = File::open_for_update(path);
    if (scan.torn_bytes > 0) {
        journal.file_.truncate(scan.whole_bytes);
        journal.file_.sync();
    }
    journal.size_bytes_ = scan.whole_bytes;
    journal.next_sequence_ = scan.next_sequence;
    return journal;
}

void Journal::commit(std::span<const std::vector<std::byte>> payloads) {
    if (payloads.empty()) return;
    std::vector<std::byte> bytes;
    const std::uint64_t durable_before = next_sequence_ - 1;
    for (std::size_t i = 0; i < payloads.size(); ++i)
        append_journal_record(bytes, next_sequence_ + i, durable_before, payloads[i]);
    try {
        file_.write_at(size_bytes_, bytes);
        file_.sync();
    } catch (...) {
        // A later batch must not stand behind garbage; where cutting fails too, the next opening cuts.
        try {
            file_.truncate(size_bytes_);
        } catch (const Error& error) {
            log_warning(error.what());
        }
        throw;
    }
    size_bytes_ += bytes.size();
    next_sequence_ += payloads.size();
}

}  // namespace fairsweep

#pragma once
/// The journal: append-only records of row bytes, what makes a row durable. Bytes: docs/file_format.md, "Journal".
/// A record carries its sequence number and the number up to which everything was synced when it was written. So a reader
/// can tell a torn tail (never acknowledged, may be cut) from damage (acknowledged, must not be dropped silently).
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/files.hpp"

namespace fairsweep {

/// Random, given to a store when it is made; ties journal and shards to it.
using StoreId = std::array<std::byte, 16>;
[[nodiscard]] StoreId make_store_id();
[[nodiscard]] std::string hex(const StoreId& id);

inline constexpr std::size_t kJournalHeaderBytes = 64;
inline constexpr std::size_t kJournalFrameBytes = 24;  ///< before every payload

struct JournalHeader {
    StoreId store_id{};
    std::uint32_t payload_bytes = 0;   ///< of every record: row_bytes() of the store
    std::uint64_t first_sequence = 1;  ///< of the first record; the next ones follow without gaps
};

struct JournalRecord {
    std::uint64_t sequence = 0;
    std::span<const std::byte> payload;  ///< into the scanned bytes
};

/// What a journal holds. `damaged` is empty unless bytes that once were durable are wrong now.
struct JournalScan {
    std::vector<JournalRecord> records;  ///< valid ones, by sequence
    std::uint64_t whole_bytes = 0;       ///< header and records up to the torn tail: append here
    std::uint64_t torn_bytes = 0;        ///< behind that, to be cut
    std::vector<std::uint64_t> damaged;  ///< sequences of durable records whose bytes are wrong
    std::uint64_t next_sequence = 1;
};

[[nodiscard]] std::vector<std::byte> encode_journal_header(const JournalHeader& header);
/// Throws a store error naming `path` unless the bytes begin with a header of this version, this store and this row size.
[[nodiscard]] JournalHeader decode_journal_header(std::span<const std::byte> bytes, const StoreId& store_id,
                                                  std::uint32_t payload_bytes, const std::filesystem::path& path);
void append_journal_record(std::vector<std::byte>& bytes, std::uint64_t sequence, std::uint64_t durable_before,
                           std::span<const std::byte> payload);
/// Any bytes may follow the header.
[[nodiscard]] JournalScan scan_journal(std::span<const std::byte> bytes, const JournalHeader& header);

/// The owner's journal, open for appending behind the last whole record.
class Journal {
public:
    /// Makes a new one (beside, then renamed) that holds `payloads` as records from first_sequence on; all durable.
    [[nodiscard]] static Journal create(const std::filesystem::path& path, const JournalHeader& header,
                                        std::span<const std::vector<std::byte>> payloads);
    /// Cuts the torn tail that `scan` found.
    [[nodiscard]] static Journal open(const std::filesystem::path& path, const JournalScan& scan);

    [[nodiscard]] std::uint64_t next_sequence() const { return next_sequence_; }
    /// Appends the payloads as the next records and syncs. When it throws, the file is as before (or says so).
    void commit(std::span<const std::vector<std::byte>> payloads);
    void close() { file_.close(); }

private:
    File file_;
    std::uint64_t size_bytes_ = 0;
    std::uint64_t next_sequence_ = 1;
};

}  // namespace fairsweep

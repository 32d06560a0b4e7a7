#pragma once
/// What a store holds, out of its two sources: the rows of the HDF5 file and the records of the journal. The one with the
/// higher sequence counts, stage by stage. Reads only.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fairsweep/attempt_history.hpp"
#include "fairsweep/files.hpp"
#include "store/journal.hpp"
#include "store/layout.hpp"
#include "store/row_record.hpp"

namespace fairsweep {

struct RecoveredRows {
    std::vector<std::optional<RowRecord>> rows;   ///< [stages]
    std::vector<std::uint64_t> sequence_in_file;  ///< [stages] 0: the HDF5 file has no valid row
    std::vector<AttemptHistory> histories;        ///< [stages] of the journal's records; of the row where there is no journal
    std::uint64_t highest_sequence = 0;           ///< over both sources
    std::size_t rows_damaged = 0;                 ///< in the HDF5 file: state byte set, checksum wrong
    bool journal_present = false;
    bool journal_lacks_rows = false;  ///< the HDF5 file is ahead, or the journal is damaged
    std::vector<std::uint64_t> lost;  ///< durable journal records that nothing can replace
    JournalScan scan;                 ///< its `records` are empty: their bytes are gone
};

/// Rows first, journal second: the journal is never behind, so that together they are at least the state at the call.
[[nodiscard]] RecoveredRows recover_rows(const std::filesystem::path& store, std::uint64_t offset, const StoreContents& contents);

/// For people: everything in it that is not as it should be. `live`: an owner is at work, a half record is one being written.
[[nodiscard]] std::vector<std::string> recovery_warnings(const RecoveredRows& recovered, const std::filesystem::path& store,
                                                         bool live);

}  // namespace fairsweep

#include "store/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "store/store.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> read_whole(const fs::path& path) {
    const File file = File::open_for_reading(path);
    std::vector<std::byte> bytes(file.size_bytes());
    bytes.resize(file.read_at(0, bytes));
    return bytes;
}

void take(RecoveredRows& recovered, std::size_t stage, RowRecord record) {
    recovered.highest_sequence = std::max(recovered.highest_sequence, record.sequence);
    auto& slot = recovered.rows[stage];
    if (!slot || slot->sequence <= record.sequence) slot = std::move(record);
}

void read_file_rows(RecoveredRows& recovered, const fs::path& store, std::uint64_t offset, const StoreContents& contents) {
    const File file = File::open_for_reading(store);
    const std::size_t size = row_bytes(contents.row_shape());
    std::vector<std::byte> bytes(size);
    for (std::size_t stage = 0; stage < contents.plan.stages.size(); ++stage) {
        file.read_exactly_at(offset + stage * size, bytes);
        DecodedRow decoded = decode_row(bytes, contents.row_shape());
        if (decoded.condition == RowCondition::valid && decoded.record.row.stage_id != contents.plan.stages[stage].id) {
            decoded.condition = RowCondition::damaged;
        }
        if (decoded.condition == RowCondition::damaged) ++recovered.rows_damaged;
        if (decoded.condition != RowCondition::valid) continue;
        recovered.sequence_in_file[stage] = decoded.record.sequence;
        take(recovered, stage, std::move(decoded.record));
    }
}

void read_journal(RecoveredRows& recovered, const fs::path& path, const StoreContents& contents) {
    const std::vector<std::byte> bytes = read_whole(path);
    const auto payload_bytes = static_cast<std::uint32_t>(row_bytes(contents.row_shape()));
    recovered.scan = scan_journal(bytes, decode_journal_header(bytes, contents.id, payload_bytes, path));
    std::map<Digest, std::size_t> stages;
    for (std::size_t i = 0; i < contents.plan.stages.size(); ++i) stages.emplace(contents.plan.stages[i].id, i);
    for (const JournalRecord& record : recovered.scan.records) {
        DecodedRow decoded = decode_row(record.payload, contents.row_shape());
        // Its own checksum held, so the writer meant these bytes. An unknown stage: the plan grew after we read it.
        if (decoded.condition != RowCondition::valid || decoded.record.sequence != record.sequence) {
            recovered.scan.damaged.push_back(record.sequence);
            continue;
        }
        const auto stage = stages.find(decoded.record.row.stage_id);
        if (stage == stages.end()) continue;
        count_attempt(recovered.histories[stage->second], decoded.record.row);
        take(recovered, stage->second, std::move(decoded.record));
    }
    recovered.scan.records.clear();
}

}  // namespace

RecoveredRows recover_rows(const fs::path& store, std::uint64_t offset, const StoreContents& contents) {
    RecoveredRows recovered;
    recovered.rows.resize(contents.plan.stages.size());
    recovered.sequence_in_file.resize(contents.plan.stages.size(), 0);
    recovered.histories.resize(contents.plan.stages.size());
    read_file_rows(recovered, store, offset, contents);
    const fs::path journal = journal_path(store);
    recovered.journal_present = fs::exists(journal);
    if (recovered.journal_present) {
        read_journal(recovered, journal, contents);
    } else {
        for (std::size_t stage = 0; stage < recovered.rows.size(); ++stage) {
            if (recovered.rows[stage]) count_attempt(recovered.histories[stage], recovered.rows[stage]->row);
        }
    }

    const auto& in_file = recovered.sequence_in_file;
    const std::uint64_t highest_in_file = *std::max_element(in_file.begin(), in_file.end());
    recovered.journal_lacks_rows =
        !recovered.journal_present || highest_in_file >= recovered.scan.next_sequence || !recovered.scan.damaged.empty();
    const std::set<std::uint64_t> held(in_file.begin(), in_file.end());
    for (const std::uint64_t sequence : recovered.scan.damaged) {
        if (!held.contains(sequence)) recovered.lost.push_back(sequence);
    }
    return recovered;
}

std::vector<std::string> recovery_warnings(const RecoveredRows& recovered, const fs::path& store, bool live) {
    std::vector<std::string> warnings;
    const std::string journal = journal_path(store).string();
    if (recovered.scan.torn_bytes > 0 && !live) {
        warnings.push_back(
            fmt::format("{}: {} bytes at the end (offset {}) are no whole record: a write was interrupted there; "
                        "nothing acknowledged is lost",
                        journal, recovered.scan.torn_bytes, recovered.scan.whole_bytes));
    }
    if (!recovered.journal_present) warnings.push_back(journal + ": missing; the rows in the store itself are used");
    if (!recovered.scan.damaged.empty()) {
        warnings.push_back(
            fmt::format("{}: {} records are damaged, the first is number {}; {} of them are whole in the store itself", journal,
                        recovered.scan.damaged.size(), recovered.scan.damaged.front(),
                        recovered.scan.damaged.size() - recovered.lost.size()));
    }
    if (recovered.rows_damaged > 0 && !live) {
        warnings.push_back(fmt::format("{}: {} rows have a wrong checksum; those that the journal has are taken from there",
                                       store.string(), recovered.rows_damaged));
    }
    return warnings;
}

}  // namespace fairsweep

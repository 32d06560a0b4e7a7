#include "store/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/log.hpp"
#include "store/journal.hpp"
#include "store/layout.hpp"
#include "store/plan_union.hpp"
#include "store/recovery.hpp"
#include "store/row_record.hpp"
#include "store/same_evaluation.hpp"
#include "store/shards.hpp"
#include "store/store_lock.hpp"

namespace fairsweep {

namespace fs = std::filesystem;

fs::path journal_path(const fs::path& store) { return store.string() + ".journal"; }
fs::path lock_path(const fs::path& store) { return store.string() + ".lock"; }
fs::path live_path(const fs::path& store) { return store.string() + ".live.json"; }
fs::path artefact_folder_of(const fs::path& store) { return store.string() + ".files"; }

namespace {

using Rows = std::vector<std::optional<RowRecord>>;

std::vector<std::vector<std::byte>> encode_all(const Rows& rows, const RowShape& shape) {
    std::vector<std::vector<std::byte>> bytes(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i]) bytes[i] = encode_row(*rows[i], shape);
    }
    return bytes;
}

/// What killed runs left half-made. We own the store now: no run that lives writes here but ours.
void sweep_leftovers(const fs::path& path) {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    std::size_t removed = remove_leftovers(artefact_folder_of(path), "");
    for (const fs::path& file : {path, journal_path(path), live_path(path)})
        removed += remove_leftovers(folder, file.filename().string() + ".tmp-");
    if (removed > 0) log_debug(fmt::format("{}: {} half-made files of killed runs are removed", path.string(), removed));
}

ItemTable tidy(ItemTable items) {
    if (items.group_begin.empty()) items.group_begin.assign(1, 0);  // a table without items
    return items;
}

}  // namespace

struct Store::Impl {
    struct Pending {
        StageIndex stage = 0;
        RowRecord record;
        std::vector<std::byte> bytes;
    };

    fs::path path;
    fs::path folder;
    File lock;
    StoreContents contents;
    File file;
    std::uint64_t offset = 0;
    Journal journal;
    std::optional<ScoreShards> shards;
    std::map<Digest, StageIndex> stages;
    Rows rows;
    std::vector<AttemptHistory> histories;  ///< [stages]
    std::vector<Pending> pending;
    std::string code_version;
    std::vector<std::string> warnings;
    bool is_broken = false;

    void create(const Plan& plan, ItemTable items);
    void reopen(const Plan& plan, const ItemTable* items);
    void open_journal(RecoveredRows& recovered);
    void take_back_rows_without_scores();
    void grow(const Plan& plan);
    void start_writing();
    void write_row(StageIndex stage, std::span<const std::byte> bytes);
    [[nodiscard]] bool has_scores(StageIndex stage) const;
    void refuse_when_broken() const;
};

void Store::Impl::create(const Plan& plan, ItemTable items) {
    std::error_code ignored;
    if (fs::exists(journal_path(path)) && fs::file_size(journal_path(path), ignored) > kJournalHeaderBytes) {
        throw_store({.attempted = "the store is missing, but its journal has results",
                     .where = journal_path(path).string(),
                     .found = "no " + path.string(),
                     .expected = "both, or neither",
                     .hint = "put the store back, or remove the journal and " + folder.string() + " to start from nothing"});
    }
    contents.id = make_store_id();
    contents.plan = plan;
    contents.set_figures();
    contents.items = std::move(items);
    assign_score_slots(contents);
    rows.resize(plan.stages.size());
    const bool had_folder = fs::exists(folder);
    try {
        make_writable_folder(folder);
        make_shards(folder, contents, 0);
        const auto payload_bytes = static_cast<std::uint32_t>(row_bytes(contents.row_shape()));
        journal = Journal::create(journal_path(path), {contents.id, payload_bytes, 1}, {});
        write_file_atomically(path,
                              lay_out_store(contents, encode_all(rows, contents.row_shape())));  // last: from now on it exists
    } catch (...) {
        fs::remove(journal_path(path), ignored);
        for (std::uint32_t shard = 0; shard < contents.shard_rows.size(); ++shard) fs::remove(shard_path(folder, shard), ignored);
        if (!had_folder) fs::remove(folder, ignored);
        fs::remove(lock_path(path), ignored);
        throw;
    }
}

void Store::Impl::reopen(const Plan& plan, const ItemTable* items) {
    {
        const h5::Reader reader = open_sealed(path);
        contents = read_store_contents(reader);
        offset = rows_offset(reader, contents);
    }
    check_same_evaluation(path, contents, plan, items);
    make_writable_folder(folder);
    RecoveredRows recovered = recover_rows(path, offset, contents);
    warnings = recovery_warnings(recovered, path, false);
    if (!recovered.lost.empty()) {
        throw_store({.attempted = "the journal is damaged in the middle",
                     .where = journal_path(path).string(),
                     .found = fmt::format("{} rows that were committed are unreadable, the first is record {}",
                                          recovered.lost.size(), recovered.lost.front()),
                     .expected = "whole records, or their rows in the store",
                     .hint = "copy both files from a backup; or move the journal away to go on without those rows"});
    }
    open_journal(recovered);
    take_back_rows_without_scores();
    if (!plan_covers(contents.plan, plan)) {
        grow(plan);
        return;
    }
    file = File::open_for_update(path);
    for (StageIndex stage = 0; stage < rows.size(); ++stage) {
        if (rows[stage] && rows[stage]->sequence != recovered.sequence_in_file[stage]) {
            write_row(stage, encode_row(*rows[stage], contents.row_shape()));
        }
    }
}

void Store::Impl::open_journal(RecoveredRows& recovered) {
    rows = std::move(recovered.rows);
    histories = std::move(recovered.histories);
    if (!recovered.journal_lacks_rows) {
        journal = Journal::open(journal_path(path), recovered.scan);
        return;
    }
    // Write a new one of what is known, numbered behind everything that was ever written.
    const std::uint64_t first = std::max(recovered.highest_sequence + 1, recovered.scan.next_sequence);
    std::vector<std::vector<std::byte>> payloads;
    for (auto& row : rows) {
        if (!row) continue;
        row->sequence = first + payloads.size();
        payloads.push_back(encode_row(*row, contents.row_shape()));
    }
    const auto payload_bytes = static_cast<std::uint32_t>(row_bytes(contents.row_shape()));
    journal = Journal::create(journal_path(path), {contents.id, payload_bytes, first}, payloads);
    warnings.push_back(fmt::format("{}: written anew with {} rows", journal_path(path).string(), payloads.size()));
}

void Store::Impl::take_back_rows_without_scores() {
    shards.emplace(folder, contents);
    shards->mend(warnings);
    std::size_t taken_back = 0;
    for (StageIndex stage = 0; stage < rows.size(); ++stage) {
        const auto& row = rows[stage];
        if (!row || row->scores_count == 0) continue;
        const ScoreSlot slot = contents.score_slots[stage];
        const bool whole = slot.shard >= 0 && row->scores_count == contents.responses() &&
                           crc_of_scores(shards->read(slot)) == row->scores_crc32c;
        if (whole) continue;
        rows[stage].reset();
        ++taken_back;
    }
    if (taken_back > 0) warnings.push_back(fmt::format("{} evaluations lost their scores and will run again", taken_back));
}

void Store::Impl::grow(const Plan& plan) {
    const auto shards_before = static_cast<std::uint32_t>(contents.shard_rows.size());
    contents.plan = unite_plans(contents.plan, plan);
    assign_score_slots(contents);
    rows.resize(contents.plan.stages.size());
    make_shards(folder, contents, shards_before);
    try {
        write_file_atomically(path, lay_out_store(contents, encode_all(rows, contents.row_shape())));
    } catch (...) {
        std::error_code ignored;
        for (std::uint32_t shard = shards_before; shard < contents.shard_rows.size(); ++shard) {
            fs::remove(shard_path(folder, shard), ignored);
        }
        throw;
    }
}

void Store::Impl::start_writing() {
    offset = rows_offset(open_sealed(path), contents);
    file = File::open_for_update(path);
    shards.emplace(folder, contents);
    for (StageIndex i = 0; i < contents.plan.stages.size(); ++i) stages.emplace(contents.plan.stages[i].id, i);
    histories.resize(contents.plan.stages.size());
}

void Store::Impl::write_row(StageIndex stage, std::span<const std::byte> bytes) {
    // State byte 0, body, state byte: whoever reads in between finds no row here (and takes it from the journal).
    const std::uint64_t begin = offset + std::uint64_t{stage} * bytes.size();
    const std::byte nothing{0};
    file.write_at(begin + bytes.size() - 1, std::span(&nothing, 1));
    file.write_at(begin, bytes.first(bytes.size() - 1));
    file.write_at(begin + bytes.size() - 1, bytes.last(1));
}

bool Store::Impl::has_scores(StageIndex stage) const {
    const bool pending_scores = std::any_of(pending.begin(), pending.end(), [stage](const Pending& row) {
        return row.stage == stage && row.record.scores_count > 0;
    });
    return pending_scores || (rows[stage] && rows[stage]->scores_count > 0);
}

void Store::Impl::refuse_when_broken() const {
    if (!is_broken) return;
    throw_infrastructure({.attempted = "the store takes no more rows after a failed write",
                          .where = path.string(),
                          .hint = "run the same command again when the cause is gone: it resumes"});
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

Store::~Store() {
    if (impl_ && !impl_->pending.empty()) {
        log_warning(fmt::format("{}: {} rows were not synced and are dropped", impl_->path.string(), impl_->pending.size()));
    }
}

std::unique_ptr<Store::Impl> Store::take(const fs::path& path, const Plan& plan) {
    FAIRSWEEP_CHECK(!plan.stages.empty(), "a plan has stages");
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    impl->folder = artefact_folder_of(path);
    impl->code_version = plan.code_version;
    make_writable_folder(path.has_parent_path() ? path.parent_path() : fs::path("."));
    impl->lock = take_store_lock(lock_path(path));
    sweep_leftovers(path);
    return impl;
}

Store Store::open_existing(const fs::path& path, const Plan& plan) {
    auto impl = take(path, plan);
    if (!fs::exists(path))
        throw_store({.attempted = "cannot go on with this store",
                     .where = path.string(),
                     .found = "nothing",
                     .expected = "the store that was just laid out",
                     .hint = "it was moved or replaced meanwhile; run the same command again"});
    impl->reopen(plan, nullptr);
    impl->start_writing();
    return Store(std::move(impl));
}

Store Store::open_for_update(const fs::path& path, const Plan& plan, const ItemTable& items) {
    FAIRSWEEP_CHECK(items.groups.empty() || items.groups == plan.groups, "the items are those of the plan's groups");
    auto impl = take(path, plan);
    if (fs::exists(path)) {
        const ItemTable table = tidy(items);
        impl->reopen(plan, &table);
    } else {
        impl->create(plan, tidy(items));
    }
    impl->start_writing();
    return Store(std::move(impl));
}

const Plan& Store::plan() const { return impl_->contents.plan; }
const std::vector<std::string>& Store::warnings() const { return impl_->warnings; }
const fs::path& Store::path() const { return impl_->path; }
const fs::path& Store::artefact_folder() const { return impl_->folder; }
std::size_t Store::rows_pending() const { return impl_->pending.size(); }

std::vector<Row> Store::rows() const {
    std::vector<Row> rows;
    for (const auto& record : impl_->rows) {
        if (record) rows.push_back(record->row);
    }
    return rows;
}

std::optional<Row> Store::row(const Digest& stage_id) const {
    const auto stage = impl_->stages.find(stage_id);
    if (stage == impl_->stages.end() || !impl_->rows[stage->second]) return std::nullopt;
    return impl_->rows[stage->second]->row;
}

AttemptHistory Store::history(const Digest& stage_id) const {
    const auto stage = impl_->stages.find(stage_id);
    return stage == impl_->stages.end() ? AttemptHistory{} : impl_->histories[stage->second];
}

bool Store::append(const Row& row, std::span<const float> scores) {
    Impl& impl = *impl_;
    impl.refuse_when_broken();
    const auto found = impl.stages.find(row.stage_id);
    FAIRSWEEP_CHECK(found != impl.stages.end(), "the stage is in the store's plan");
    FAIRSWEEP_CHECK(is_final(row.outcome.state) || row.outcome.state == StageState::preempted, "only ended attempts become rows");
    const StageIndex stage = found->second;
    if (impl.has_scores(stage)) {
        log_debug(fmt::format("a second result of evaluation {} is dropped: the first stands", row.stage_id.short_hex()));
        return false;
    }
    Impl::Pending pending;
    pending.stage = stage;
    pending.record.row = row;
    pending.record.row.outcome.scores.clear();
    pending.record.sequence = impl.journal.next_sequence() + impl.pending.size();
    pending.record.code_version = impl.code_version;
    if (!scores.empty()) {
        FAIRSWEEP_CHECK(impl.contents.score_slots[stage].shard >= 0, "only evaluation stages have scores");
        pending.record.scores_count = static_cast<std::uint32_t>(scores.size());
        pending.record.scores_crc32c = crc_of_scores(scores);
    }
    pending.bytes = encode_row(pending.record, impl.contents.row_shape());
    try {
        if (!scores.empty()) impl.shards->write(impl.contents.score_slots[stage], scores);
    } catch (...) {
        impl.is_broken = true;
        impl.pending.clear();
        throw;
    }
    impl.pending.push_back(std::move(pending));
    return true;
}

void Store::sync() {
    Impl& impl = *impl_;
    impl.refuse_when_broken();
    const std::vector<Impl::Pending> batch = std::exchange(impl.pending, {});
    std::vector<std::vector<std::byte>> payloads;
    payloads.reserve(batch.size());
    for (const auto& row : batch) payloads.push_back(row.bytes);
    try {
        impl.shards->sync();
        impl.journal.commit(payloads);
        for (const auto& row : batch) {  // durable from here on
            impl.rows[row.stage] = row.record;
            count_attempt(impl.histories[row.stage], row.record.row);
        }
        for (const auto& row : batch) impl.write_row(row.stage, row.bytes);
    } catch (...) {
        impl.is_broken = true;
        throw;
    }
}

void Store::close() {
    sync();
    impl_->file.sync();
    impl_->file.close();
    impl_->journal.close();
    impl_->lock.close();
}

}  // namespace fairsweep

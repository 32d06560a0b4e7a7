#include <fmt/format.h>

#include <map>

#include "fairsweep/error.hpp"
#include "store/layout.hpp"
#include "store/recovery.hpp"
#include "store/row_record.hpp"
#include "store/shards.hpp"
#include "store/store.hpp"

namespace fairsweep {

namespace fs = std::filesystem;

struct StoreReader::Impl {
    fs::path path;
    StoreContents contents;
    std::vector<std::optional<RowRecord>> records;  ///< [stages]
    std::vector<Row> rows;
    std::map<Digest, StageIndex> stages;
    std::map<Digest, std::size_t> position;  ///< in rows
    std::optional<ScoreShards> shards;
    std::vector<std::string> warnings;
};

StoreReader::StoreReader(const fs::path& path) : impl_(std::make_unique<Impl>()) {
    Impl& impl = *impl_;
    impl.path = path;
    std::uint64_t offset = 0;
    const bool live = store_owner(path) == StoreOwner::at_work;
    {
        const h5::Reader reader = open_sealed(path);
        impl.contents = read_store_contents(reader);
        offset = rows_offset(reader, impl.contents);
    }
    RecoveredRows recovered = recover_rows(path, offset, impl.contents);
    impl.warnings = recovery_warnings(recovered, path, live);
    impl.records = std::move(recovered.rows);
    for (StageIndex i = 0; i < impl.records.size(); ++i) {
        impl.stages.emplace(impl.contents.plan.stages[i].id, i);
        if (!impl.records[i]) continue;
        impl.position.emplace(impl.contents.plan.stages[i].id, impl.rows.size());
        impl.rows.push_back(impl.records[i]->row);
    }
    impl.shards.emplace(artefact_folder_of(path), impl.contents);
}

StoreReader::~StoreReader() = default;
StoreReader::StoreReader(StoreReader&&) noexcept = default;
StoreReader& StoreReader::operator=(StoreReader&&) noexcept = default;

const Plan& StoreReader::plan() const { return impl_->contents.plan; }
const ItemTable& StoreReader::items() const { return impl_->contents.items; }
const std::vector<Row>& StoreReader::rows() const { return impl_->rows; }
const std::vector<std::string>& StoreReader::warnings() const { return impl_->warnings; }

const Row* StoreReader::row(const Digest& stage_id) const {
    const auto found = impl_->position.find(stage_id);
    return found == impl_->position.end() ? nullptr : &impl_->rows[found->second];
}

std::string StoreReader::code_version(const Digest& stage_id) const {
    const auto stage = impl_->stages.find(stage_id);
    if (stage == impl_->stages.end() || !impl_->records[stage->second]) return {};
    return impl_->records[stage->second]->code_version;
}

std::vector<float> StoreReader::scores(const Digest& stage_id) const {
    const auto fail = [&](const std::string& found) {
        throw_store({.attempted = "cannot read the scores of evaluation " + stage_id.short_hex(),
                     .where = impl_->path.string(),
                     .found = found,
                     .expected = "a committed row and its scores, undamaged",
                     .hint = "run the job again on this store: it repeats the evaluation"});
    };
    const auto stage = impl_->stages.find(stage_id);
    if (stage == impl_->stages.end()) fail("no such stage in the plan");
    const auto& record = impl_->records[stage->second];
    const ScoreSlot slot = impl_->contents.score_slots[stage->second];
    if (!record) fail("no row yet");
    if (record->scores_count == 0 || slot.shard < 0) fail("a row without scores");
    std::vector<float> scores = impl_->shards->read(slot);
    if (record->scores_count != scores.size() || crc_of_scores(scores) != record->scores_crc32c)
        fail("scores whose checksum is wrong");
    return scores;
}

}  // namespace fairsweep

#include "store/shards.hpp"

#include <fmt/format.h>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/hash.hpp"

namespace fairsweep {

namespace fs = std::filesystem;

fs::path shard_path(const fs::path& artefact_folder, std::uint32_t shard) {
    return artefact_folder / fmt::format("scores-{:04}.h5", shard);
}

std::uint32_t crc_of_scores(std::span<const float> scores) { return crc32c(std::as_bytes(scores)); }

void make_shards(const fs::path& artefact_folder, const StoreContents& contents, std::uint32_t first) {
    const auto end = static_cast<std::uint32_t>(contents.shard_rows.size());
    std::uint32_t made = first;
    try {
        for (; made < end; ++made) write_file_atomically(shard_path(artefact_folder, made), lay_out_shard(contents, made));
    } catch (...) {
        std::error_code ignored;
        for (std::uint32_t shard = first; shard < made; ++shard) fs::remove(shard_path(artefact_folder, shard), ignored);
        throw;
    }
}

void ScoreShards::mend(std::vector<std::string>& warnings) {
    for (std::uint32_t shard = 0; shard < contents_->shard_rows.size(); ++shard) {
        const fs::path path = shard_path(folder_, shard);
        try {
            (void)open(static_cast<std::int32_t>(shard), true);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::store) throw;
            std::error_code ignored;
            fs::rename(path, path.string() + ".damaged", ignored);
            write_file_atomically(path, lay_out_shard(*contents_, shard));
            warnings.push_back(fmt::format("a score shard was missing or damaged and is made anew: {}", error.what()));
        }
    }
}

ScoreShards::Open& ScoreShards::open(std::int32_t shard, bool writable) const {
    const auto index = static_cast<std::size_t>(shard);
    FAIRSWEEP_CHECK(shard >= 0 && index < contents_->shard_rows.size(), "the slot is one of this store");
    if (open_.size() <= index) open_.resize(contents_->shard_rows.size());
    auto& slot = open_[index];
    if (!slot || (writable && !slot->writable)) {
        const fs::path path = shard_path(folder_, static_cast<std::uint32_t>(shard));
        const std::uint64_t offset = shard_offset(open_sealed(path), *contents_, static_cast<std::uint32_t>(shard));
        slot.emplace();
        slot->file = writable ? File::open_for_update(path) : File::open_for_reading(path);
        slot->offset = offset;
        slot->writable = writable;
    }
    return *slot;
}

std::uint64_t ScoreShards::position(const Open& shard, ScoreSlot slot) const {
    return shard.offset + std::uint64_t{slot.row} * contents_->responses() * sizeof(float);
}

void ScoreShards::write(ScoreSlot slot, std::span<const float> scores) {
    FAIRSWEEP_CHECK(scores.size() == contents_->responses(), "one score per pair");
    Open& shard = open(slot.shard, true);
    shard.dirty = true;
    shard.file.write_at(position(shard, slot), std::as_bytes(scores));
}

void ScoreShards::sync() {
    for (auto& shard : open_) {
        if (!shard || !shard->dirty) continue;
        shard->file.sync();
        shard->dirty = false;
    }
}

std::vector<float> ScoreShards::read(ScoreSlot slot) const {
    const Open& shard = open(slot.shard, false);
    std::vector<float> scores(contents_->responses());
    shard.file.read_exactly_at(position(shard, slot), std::as_writable_bytes(std::span(scores)));
    return scores;
}

}  // namespace fairsweep

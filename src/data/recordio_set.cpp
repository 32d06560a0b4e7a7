#include "data/recordio_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/damage.hpp"
#include "data/jpeg.hpp"
#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

constexpr double kLargestExactFloat = 16777216.0;  // 2^24: keys and labels are stored as float32

class RecordioTrainingSet final : public TrainingSet {
public:
    explicit RecordioTrainingSet(RecordioSet set) : set_(std::move(set)) {}
    [[nodiscard]] std::uint64_t size() const override { return set_.image_offsets.size(); }
    [[nodiscard]] std::uint64_t identities() const override { return set_.property.identities; }
    [[nodiscard]] LabelledImage get(std::uint64_t index) const override {
        FAIRSWEEP_CHECK(index < size(), "ask for an image of the set");
        return set_.get(index);
    }

private:
    RecordioSet set_;
};

std::string record_text(const RecordReader& reader, std::uint64_t offset, std::uint64_t key) {
    return fmt::format("{}, offset {}, record {}", reader.path().string(), offset, key);
}

[[noreturn]] void missing_key(const RecordioFiles& files, std::uint64_t key, const std::string& expected,
                              const std::string& hint) {
    throw_damaged({.file = files.index, .offset = {}, .line = {}},
                  {.attempted = fmt::format("key {} is missing from a RecordIO index", key),
                   .where = {},
                   .found = {},
                   .expected = expected,
                   .hint = hint});
}

/// Labels (A, B) of an index record as keys.
std::pair<std::uint64_t, std::uint64_t> image_range(const RecordioSet& set, const ImageRecord& zero, std::uint64_t offset,
                                                    std::uint64_t keys) {
    const auto whole = [](float value) {
        return std::isfinite(value) && value >= 1.0f && double{value} <= kLargestExactFloat && value == std::floor(value);
    };
    const bool good = zero.labels.size() >= 2 && whole(zero.labels[0]) && whole(zero.labels[1]) &&
                      zero.labels[0] <= zero.labels[1] && static_cast<std::uint64_t>(zero.labels[1]) <= keys;
    if (!good) {
        throw_damaged(
            {.file = set.files.records, .offset = offset, .line = {}},
            {.attempted = "cannot understand key 0 of a training set",
             .where = ", record 0",
             .found = fmt::format("labels {}", fmt::join(zero.labels, ", ")),
             .expected = fmt::format(
                 "two whole numbers (one past the last image key, one past the last identity key) up to the {} keys of {}", keys,
                 set.files.index.string()),
             .hint = "the .idx is cut off, or belongs to another .rec"});
    }
    return {static_cast<std::uint64_t>(zero.labels[0]), static_cast<std::uint64_t>(zero.labels[1])};
}

void check_all_present(const RecordioFiles& files, const std::vector<std::uint64_t>& offsets, std::uint64_t begin,
                       std::uint64_t end) {
    const auto first = offsets.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = offsets.begin() + static_cast<std::ptrdiff_t>(end);
    const auto hole = std::find(first, last, kNoOffset);
    if (hole == last) return;
    missing_key(files, static_cast<std::uint64_t>(hole - offsets.begin()), fmt::format("keys {} .. {}", begin, end - 1),
                "the .idx is cut off or damaged: copy or download it again");
}

}  // namespace

std::optional<RecordioFiles> find_recordio_files(const fs::path& path) {
    std::error_code error;
    fs::path records = path;
    if (fs::is_directory(path, error)) {
        records = path / "train.rec";
        if (!fs::exists(records, error)) {
            std::vector<fs::path> found;
            for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
                if (at->path().extension() == ".rec") found.push_back(at->path());
            }
            if (found.size() != 1) return std::nullopt;
            records = found[0];
        }
    } else if (path.extension() != ".rec" || !fs::exists(path, error)) {
        return std::nullopt;
    }
    fs::path index = records;
    index.replace_extension(".idx");
    return RecordioFiles{.records = records, .index = std::move(index), .property = records.parent_path() / "property"};
}

LabelledImage RecordioSet::get(std::uint64_t image) const {
    const std::uint64_t offset = image_offsets[image];
    const std::uint64_t key = key_of(image);
    const Record record = reader.read(offset, key);
    const auto damaged = [&](ErrorParts parts) {
        parts.where = fmt::format(", record {}", key);
        throw_damaged({.file = files.records, .offset = offset, .line = {}}, std::move(parts));
    };
    LabelledImage result;
    try {
        const ImageRecord fields = decode_image_record(record.payload, {});
        const float label = fields.labels[0];
        if (!(label >= 0.0f) || !(double{label} < static_cast<double>(property.identities)) || label != std::floor(label)) {
            throw_data({.attempted = "label beyond the identities of the set",
                        .where = {},
                        .found = fmt::format("label {}", label),
                        .expected = fmt::format("a whole number from 0 to {}, as {} says", property.identities - 1,
                                                files.property.string()),
                        .hint = {}});
        }
        result = {.image = decode_image(fields.encoded, {}), .identity = static_cast<std::int64_t>(label)};
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::data) throw;
        damaged(error.parts());
    }
    return result;
}

RecordioSet read_recordio_set(const fs::path& path) {
    const std::optional<RecordioFiles> files = find_recordio_files(path);
    if (!files) {
        throw_damaged({.file = path, .offset = {}, .line = {}},
                      {.attempted = "cannot open a RecordIO training set",
                       .where = {},
                       .found = fs::exists(path) ? "no train.rec in it" : "no such folder",
                       .expected = "train.rec, train.idx and property",
                       .hint = {}});
    }
    RecordioSet set{.files = *files,
                    .reader = RecordReader(files->records),
                    .property = read_record_property(files->property),
                    .image_offsets = {},
                    .first_image_key = 0,
                    .identity_offsets = {}};
    std::vector<std::uint64_t> offsets = read_record_index(files->index);
    if (offsets.empty() || offsets[0] == kNoOffset) {
        missing_key(*files, 0, "key 0: the record that says which keys are images, or the first image",
                    offsets.empty() ? "the .idx is empty" : "the packer left out key 0: pack the set again with a current one");
    }
    const Record zero = set.reader.read(offsets[0], 0);
    const ImageRecord fields = decode_image_record(zero.payload, record_text(set.reader, offsets[0], 0));
    // face2rec2 gives images two labels as well, but an index record carries no image.
    const bool sequential = fields.flag == 0 || !fields.encoded.empty();
    if (sequential) {
        check_all_present(*files, offsets, 0, offsets.size());
        set.image_offsets = std::move(offsets);
        return set;
    }
    const auto [images_end, identities_end] = image_range(set, fields, offsets[0], offsets.size());
    check_all_present(*files, offsets, 1, identities_end);
    const auto images_last = offsets.begin() + static_cast<std::ptrdiff_t>(images_end);
    set.image_offsets.assign(offsets.begin() + 1, images_last);
    set.identity_offsets.assign(images_last, offsets.begin() + static_cast<std::ptrdiff_t>(identities_end));
    set.first_image_key = 1;
    return set;
}

std::unique_ptr<TrainingSet> open_recordio_set(const DataSource& source) {
    return std::make_unique<RecordioTrainingSet>(read_recordio_set(source.path));
}

}  // namespace fairsweep

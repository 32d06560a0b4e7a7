#include "data/recordio_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/damage.hpp"
#include "data/jpeg.hpp"
#include "data/recordio_layout.hpp"
#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

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
                        .found = fmt::format("label {}", label),
                        .expected = fmt::format("a whole number from 0 to {}, as {} say{}", property.identities - 1,
                                                has_property ? files.property.string() : "the records of identities",
                                                has_property ? "s" : "")});
        }
        result = {.image = decode_image(fields.encoded, record_text(reader, offset, key)),
                  .identity = static_cast<std::int64_t>(label)};
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
                       .found = fs::exists(path) ? "no train.rec in it" : "no such folder",
                       .expected = "train.rec, train.idx and property"});
    }
    std::error_code ignored;
    if (!fs::exists(files->index, ignored))
        throw_damaged({.file = files->index, .offset = {}, .line = {}},
                      {.attempted = "cannot open a RecordIO training set",
                       .found = "no such file",
                       .expected = "the list of where the records of " + files->records.filename().string() + " start",
                       .hint = "it is given out with the .rec: download it too. For a set of images without a key 0, MXNet's "
                               "tools/rec2idx.py makes one"});
    RecordioSet set{.files = *files,
                    .reader = RecordReader(files->records),
                    .property = {},
                    .has_property = fs::exists(files->property, ignored),
                    .image_offsets = {},
                    .first_image_key = 0,
                    .identity_offsets = {}};
    if (set.has_property) set.property = read_record_property(files->property);
    find_images(set, read_record_index(files->index));
    if (set.image_offsets.empty())
        throw_damaged({.file = files->index, .offset = {}, .line = {}},
                      {.attempted = "cannot open a RecordIO training set", .found = "no image", .expected = "images"});
    if (!set.has_property) set.property = property_of_records(set);
    return set;
}

std::unique_ptr<TrainingSet> open_recordio_set(const DataSource& source) {
    return std::make_unique<RecordioTrainingSet>(read_recordio_set(source.path));
}

bool is_recordio_present(const DataSource& source) {
    std::error_code ignored;
    const auto files = find_recordio_files(source.path);
    return files && fs::exists(files->index, ignored);
}

SetFiles recordio_set_files(const DataSource& source) {
    const std::optional<RecordioFiles> found = find_recordio_files(source.path);
    const RecordioFiles files = found ? *found : read_recordio_set(source.path).files;  // throws with the reason
    SetFiles set{"fairsweep recordio 2", source.path, {"index", "records"}, {files.index, files.records}};
    std::error_code ignored;
    if (!fs::exists(files.property, ignored)) return set;
    set.names.emplace_back("property");
    set.places.push_back(files.property);
    return set;
}

void check_some_records(const DataSource& source) {
    constexpr std::uint64_t kChecked = 64;
    const RecordioSet set = read_recordio_set(source.path);
    const std::uint64_t count = set.image_offsets.size();
    const std::uint64_t checked = std::min(count, kChecked);
    for (std::uint64_t i = 0; i < checked; ++i) {
        const std::uint64_t image = checked == 1 ? 0 : i * (count - 1) / (checked - 1);
        static_cast<void>(set.reader.read(set.image_offsets[image], set.key_of(image)));
    }
}

}  // namespace fairsweep

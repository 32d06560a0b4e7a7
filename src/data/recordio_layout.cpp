/// Which keys of a RecordIO set are images, and what `property` would say where there is none.
#include "data/recordio_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/damage.hpp"
#include "data/jpeg.hpp"

namespace fairsweep {
namespace {

constexpr double kLargestExactFloat = 16777216.0;  // 2^24: labels are stored as float32
constexpr float kTooManyKeys = 1e12F;

[[noreturn]] void missing_key(const RecordioFiles& files, std::uint64_t key, const std::string& expected,
                              const std::string& hint) {
    throw_damaged({.file = files.index, .offset = {}, .line = {}},
                  {.attempted = fmt::format("key {} is missing from a RecordIO index", key), .expected = expected, .hint = hint});
}

/// Enough of a record for its labels: 24 bytes of header and some tens of labels.
constexpr std::size_t kLabelBytes = 256;

using Offsets = std::vector<std::uint64_t>;

/// How far float32 may have moved a whole number: nothing up to 2^24, 1 up to 2^25, 2 up to 2^26.
std::uint64_t rounding_of(float number) { return static_cast<std::uint64_t>((std::nextafter(number, INFINITY) - number) / 2.0F); }

/// Whether the record of a key holds an image; those of identities hold labels alone. None when it cannot be read.
std::optional<bool> has_image(const RecordioSet& set, const Offsets& offsets, std::uint64_t key) {
    if (offsets[key] == kNoOffset) return std::nullopt;
    try {
        const Record record = set.reader.read(offsets[key], key);
        return !decode_image_record(record.payload, {}).encoded.empty();
    } catch (const Error&) {
        return std::nullopt;
    }
}

[[noreturn]] void bad_key_zero(const RecordioSet& set, std::uint64_t offset, const std::string& found,
                               const std::string& expected, const std::string& hint = {}) {
    throw_damaged({.file = set.files.records, .offset = offset, .line = {}},
                  {.attempted = "cannot understand key 0 of a training set",
                   .where = ", record 0",
                   .found = found,
                   .expected = expected,
                   .hint = hint});
}

/// One past the last image key, which key 0 says as float32: beyond 2^24 an odd number is rounded by one (Glint360K has
/// 17 million keys; insightface issue 1589), and packers were off by one. The records there decide: images end where the
/// first record without one is. What cannot be read does not decide.
std::uint64_t images_end_of(const RecordioSet& set, const Offsets& offsets, float said) {
    const auto number = static_cast<std::uint64_t>(said);
    const std::uint64_t reach = std::max<std::uint64_t>(1, rounding_of(said));
    std::uint64_t end = number > reach ? number - reach : 1;
    const std::uint64_t last = std::min<std::uint64_t>(number + reach, offsets.size());
    while (end < last) {
        const std::optional<bool> image = has_image(set, offsets, end);
        if (!image) return number;
        if (!*image) break;
        ++end;
    }
    const bool begins_right = end == 1 || has_image(set, offsets, end - 1).value_or(true);
    const bool ends_right = end == offsets.size() || !has_image(set, offsets, end).value_or(false);
    if (begins_right && ends_right) return end;
    bad_key_zero(set, offsets[0], fmt::format("the number {} for the end of the images", number),
                 fmt::format("images up to key {} and none from there on: record {} holds {} image", number - 1,
                             begins_right ? end : end - 1, begins_right ? "an" : "no"),
                 "the set was packed with a wrong key 0, or the .idx belongs to another .rec");
}

/// Labels (A, B) of an index record as keys: one past the last image, one past the last identity record.
std::pair<std::uint64_t, std::uint64_t> image_range(const RecordioSet& set, const ImageRecord& zero, const Offsets& offsets) {
    const auto whole = [](float value) { return value >= 1.0F && value < kTooManyKeys && value == std::floor(value); };
    if (zero.labels.size() < 2 || !whole(zero.labels[0]) || !whole(zero.labels[1]) || zero.labels[0] > zero.labels[1])
        bad_key_zero(set, offsets[0], fmt::format("labels {}", fmt::join(zero.labels, ", ")),
                     "two whole numbers: one past the last image key, one past the last identity key");
    const std::uint64_t keys = offsets.size();
    auto end = static_cast<std::uint64_t>(zero.labels[1]);
    const std::uint64_t rounding = rounding_of(zero.labels[1]);
    if (keys + rounding >= end && keys <= end + rounding) end = keys;
    if (end > keys)
        bad_key_zero(set, offsets[0],
                     fmt::format("labels {}, and {} keys in {}", fmt::join(zero.labels, ", "), keys, set.files.index.string()),
                     fmt::format("{} keys, as record 0 says", end), "the .idx is cut off, or belongs to another .rec");
    const std::uint64_t images_end = images_end_of(set, offsets, zero.labels[0]);
    return {images_end, std::max(images_end, end)};
}

void check_all_present(const RecordioFiles& files, const Offsets& offsets, std::uint64_t begin, std::uint64_t end) {
    const auto first = offsets.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = offsets.begin() + static_cast<std::ptrdiff_t>(end);
    const auto hole = std::find(first, last, kNoOffset);
    if (hole == last) return;
    missing_key(files, static_cast<std::uint64_t>(hole - offsets.begin()), fmt::format("keys {} .. {}", begin, end - 1),
                "the .idx is cut off or damaged: copy or download it again");
}

/// Keys 1 ... n without a key 0: a sequence that counts from 1. But an .idx that lost the line of key 0 looks nearly the same.
void check_counts_from_one(const RecordioSet& set, const Offsets& offsets) {
    if (offsets.empty())
        missing_key(set.files, 0, "key 0: the record that says which keys are images, or the first image", "the .idx is empty");
    check_all_present(set.files, offsets, 1, offsets.size());
    const std::uint64_t last = offsets.size() - 1;
    if (!has_image(set, offsets, last).value_or(false))
        missing_key(set.files, 0, fmt::format("key 0, which says which keys are images: record {} holds none", last),
                    "the .idx has lost the line of key 0: copy or download it again");
    const std::uint64_t furthest = *std::max_element(offsets.begin() + 1, offsets.end());
    if (set.reader.read(furthest, last).next_offset != set.reader.size_bytes())
        missing_key(set.files, 0, "key 0, or an .idx that names the last record of the .rec",
                    "the .rec goes on behind the last record that the .idx names: the .idx is cut off");
}

/// One more than the largest label.
std::uint64_t identities_by_label(const RecordioSet& set) {
    const std::uint64_t images = set.image_offsets.size();
    if (images > kMaxLabelsRead)
        throw_damaged(
            {.file = set.files.property, .offset = {}, .line = {}},
            {.attempted = "cannot tell the number of identities of a training set",
             .found = fmt::format("no such file, no identity records, and {} images: too many to read all labels at every start",
                                  images),
             .expected = "a file with identities,rows,cols",
             .hint =
                 fmt::format("write it, with the set's own numbers: echo 2059906,112,112 > '{}'", set.files.property.string())});
    float largest = 0.0F;
    for (std::uint64_t image = 0; image < images; ++image) {
        const std::uint64_t offset = set.image_offsets[image];
        const std::uint64_t key = set.key_of(image);
        const std::string where = record_text(set.reader, offset, key);
        const float label = decode_image_record(set.reader.read_start(offset, key, kLabelBytes), where).labels[0];
        if (!(label >= 0.0F) || !(double{label} < kLargestExactFloat) || label != std::floor(label))
            throw_damaged({.file = set.files.records, .offset = offset, .line = {}},
                          {.attempted = "cannot use a label",
                           .where = fmt::format(", record {}", key),
                           .found = fmt::format("label {}", label),
                           .expected = "a whole number from 0 on, as there is no `property`"});
        largest = std::max(largest, label);
    }
    return static_cast<std::uint64_t>(largest) + 1;
}

}  // namespace

std::string record_text(const RecordReader& reader, std::uint64_t offset, std::uint64_t key) {
    return fmt::format("{}, offset {}, record {}", reader.path().string(), offset, key);
}

RecordProperty property_of_records(const RecordioSet& set) {
    RecordProperty property;
    property.identities = set.identity_offsets.empty() ? identities_by_label(set) : set.identity_offsets.size();
    const Record first = set.reader.read(set.image_offsets[0], set.key_of(0));
    const std::string where = record_text(set.reader, set.image_offsets[0], set.key_of(0));
    const Image image = decode_image(decode_image_record(first.payload, where).encoded, where);
    property.rows = image.rows;
    property.cols = image.cols;
    return property;
}

void find_images(RecordioSet& set, Offsets offsets) {
    if (offsets.empty() || offsets[0] == kNoOffset) {
        check_counts_from_one(set, offsets);
        set.first_image_key = 1;
        offsets.erase(offsets.begin());
        set.image_offsets = std::move(offsets);
        return;
    }
    const Record zero = set.reader.read(offsets[0], 0);
    const ImageRecord fields = decode_image_record(zero.payload, record_text(set.reader, offsets[0], 0));
    // face2rec2 gives images two labels as well, but an index record carries no image.
    const bool sequential = fields.flag == 0 || !fields.encoded.empty();
    if (sequential) {
        check_all_present(set.files, offsets, 0, offsets.size());
        set.image_offsets = std::move(offsets);
        return;
    }
    const auto [images_end, identities_end] = image_range(set, fields, offsets);
    check_all_present(set.files, offsets, 1, identities_end);
    const auto images_last = offsets.begin() + static_cast<std::ptrdiff_t>(images_end);
    set.identity_offsets.assign(images_last, offsets.begin() + static_cast<std::ptrdiff_t>(identities_end));
    offsets.erase(images_last, offsets.end());  // in place: of millions of images there is no room for a second list
    offsets.erase(offsets.begin());
    set.image_offsets = std::move(offsets);
    set.first_image_key = 1;
}

}  // namespace fairsweep

#include "faces/sets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data/jpeg.hpp"
#include "data/record_index.hpp"
#include "data/recordio.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/hash.hpp"
#include "faces/pair_lists.hpp"
#include "faces/parallel.hpp"

namespace fairsweep::faces {
namespace {

namespace fs = std::filesystem;

constexpr int kCropJpegQuality = 90;

struct Place {
    std::size_t group;
    std::uint32_t identity, image;
};

Place place_of(std::uint64_t index, SetSize size) {
    const std::uint64_t person = index / size.images;
    return {static_cast<std::size_t>(person / size.identities), static_cast<std::uint32_t>(person % size.identities),
            static_cast<std::uint32_t>(index % size.images)};
}

std::vector<std::byte> index_record(std::uint64_t id, std::uint64_t id2, double first, double second) {
    return encode_image_record(
        {.flag = 2, .labels = {static_cast<float>(first), static_cast<float>(second)}, .id = id, .id2 = id2, .encoded = {}});
}

std::string person_name(const Group& group, std::uint32_t identity) { return fmt::format("m.{}{:04}", group.name, identity + 1); }

std::string file_name(const Group& group, std::uint32_t identity, std::uint32_t image) {
    return fmt::format("{}_{:04}.jpg", person_name(group, identity), image + 1);
}

struct Crop {
    Image image;
    FivePoints landmarks;  ///< as found: with the finder's error
};

Crop make_crop(const Group& group, const ImageKey& key, std::uint64_t seed) {
    const Shot shot = shoot(group, key, Framing::loose, seed);
    const RenderedFace face = render_face(shot.identity, shot.conditions, kCropRenderSize);
    constexpr double kScale = static_cast<double>(kCropSize) / static_cast<double>(kCropRenderSize);
    Crop crop{enlarge(face.image, kCropSize), {}};
    const auto found = [&](double truth, float jitter_px) {
        const double at = truth + static_cast<double>(jitter_px * face.pixels_per_unit);
        return std::clamp(kScale * (at + 0.5) - 0.5, 0.0, kCropSize - 1.0);
    };
    for (std::size_t i = 0; i < crop.landmarks.size(); ++i) {
        crop.landmarks[i] = {found(face.landmarks[i].x, shot.conditions.jitter_px[2 * i]),
                             found(face.landmarks[i].y, shot.conditions.jitter_px[2 * i + 1])};
    }
    return crop;
}

std::string landmark_line(const Group& group, Place place, const FivePoints& points) {
    std::string line = fmt::format("/test/data/{}/{}/{}\t{}", group.name, person_name(group, place.identity),
                                   file_name(group, place.identity, place.image), place.identity);
    for (const Point2& p : points) line += fmt::format("\t{:.2f}\t{:.2f}", p.x, p.y);
    return line + "\n";
}

void write_lists(const fs::path& folder, const Group& group, SetSize size, const std::vector<Pair>& pairs,
                 const std::string& landmarks) {
    std::string pair_text, image_text, people_text;
    for (const Pair& p : pairs) {
        if (p.genuine()) {
            pair_text += fmt::format("{}\t{}\t{}\n", person_name(group, p.identity_a), p.image_a + 1, p.image_b + 1);
        } else {
            pair_text += fmt::format("{}\t{}\t{}\t{}\n", person_name(group, p.identity_a), p.image_a + 1,
                                     person_name(group, p.identity_b), p.image_b + 1);
        }
    }
    for (std::uint32_t i = 0; i < size.identities; ++i) {
        people_text += fmt::format("{}\t{}\n", person_name(group, i), size.images);
        for (std::uint32_t k = 0; k < size.images; ++k) image_text += fmt::format("{}\t{}\n", file_name(group, i, k), i);
    }
    write_file_atomically(folder / (group.name + "_pairs.txt"), pair_text);
    write_file_atomically(folder / (group.name + "_lmk.txt"), landmarks);
    write_file_atomically(folder / (group.name + "_images.txt"), image_text);
    write_file_atomically(folder / (group.name + "_people.txt"), people_text);
}

}  // namespace

Shot shoot(const Group& group, const ImageKey& key, Framing framing, std::uint64_t seed) {
    const std::uint64_t stream_key = sha256(key.set + "/" + group.name).prefix();
    RandomStream who(seed, stream_key, "identity", key.identity);
    RandomStream how(seed, stream_key, "image", std::uint64_t{key.identity} << 32U | key.image);
    Shot shot;
    shot.identity = sample_identity(group.mean, group.spread, who);
    shot.conditions = sample_conditions(framing, group.noise, how);
    return shot;
}

void write_training_set(const fs::path& folder, const std::string& set, const std::vector<Group>& groups, SetSize size,
                        std::uint64_t seed, unsigned threads, const ImageCount& on_images) {
    make_writable_folder(folder);
    const std::uint64_t people = groups.size() * std::uint64_t{size.identities}, images = people * size.images;
    RecordWriter writer(folder / "train.rec");
    std::vector<IndexEntry> index;
    const auto put = [&](std::uint64_t key, const std::vector<std::byte>& record) {
        index.push_back({key, writer.write(record)});
    };
    put(0, index_record(0, 0, static_cast<double>(images + 1), static_cast<double>(images + 1 + people)));
    const auto make = [&](std::uint64_t i) {
        const Place place = place_of(i, size);
        const Shot shot = shoot(groups[place.group], {set, place.identity, place.image}, Framing::aligned, seed);
        const Image image = render_face(shot.identity, shot.conditions, kAlignedSize).image;
        const std::vector<std::byte> jpeg = encode_jpeg(image, shot.conditions.jpeg_quality);
        const auto label = static_cast<float>(place.group * size.identities + place.identity);
        return encode_image_record({.flag = 0, .labels = {label}, .id = i + 1, .id2 = 0, .encoded = jpeg});
    };
    make_in_order(images, threads, make, [&](std::uint64_t i, const std::vector<std::byte>& record) {
        put(i + 1, record);
        on_images(1);
    });
    for (std::uint64_t person = 0; person < people; ++person) {
        const auto first = static_cast<double>(1 + person * size.images);
        put(images + 1 + person, index_record(images + 1 + person, 0, first, first + size.images));
    }
    writer.close();
    write_record_index(folder / "train.idx", index);
    write_record_property(folder / "property", {.identities = people, .rows = kAlignedSize, .cols = kAlignedSize});
}

void write_verification_set(const fs::path& folder, const std::vector<Group>& groups, SetSize size, std::uint32_t pairs,
                            std::uint64_t seed, unsigned threads, const ImageCount& on_images) {
    for (const Group& group : groups) {
        RandomStream stream(seed, sha256("test/" + group.name).prefix(), "pairs");
        const std::vector<Pair> list = draw_pairs(size.identities, size.images, pairs, stream);
        const fs::path data = folder / "data" / group.name, texts = folder / "txts" / group.name;
        make_writable_folder(data);
        make_writable_folder(texts);
        const std::uint64_t images = std::uint64_t{size.identities} * size.images;
        std::vector<FivePoints> landmarks(images);
        const auto make = [&](std::uint64_t i) {
            const Place place = place_of(i, size);
            const Crop crop = make_crop(group, {"test", place.identity, place.image}, seed);
            landmarks[i] = crop.landmarks;
            return encode_jpeg(crop.image, kCropJpegQuality);
        };
        std::string landmark_text;
        make_in_order(images, threads, make, [&](std::uint64_t i, const std::vector<std::byte>& jpeg) {
            const Place place = place_of(i, size);
            const fs::path person = data / person_name(group, place.identity);
            if (place.image == 0) make_writable_folder(person);
            File file = File::create(person / file_name(group, place.identity, place.image));
            file.append(jpeg);
            file.close();
            landmark_text += landmark_line(group, place, landmarks[i]);
            on_images(1);
        });
        write_lists(texts, group, size, list, landmark_text);
    }
}

}  // namespace fairsweep::faces

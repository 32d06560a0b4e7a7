#pragma once
/// A RecordIO training folder of millions of images in seconds: the index names all of them, the .rec is a sparse file that
/// holds only the records that a test reads. Laid out as insightface's packer does it.
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "data/jpeg.hpp"
#include "data/record_index.hpp"
#include "data/recordio.hpp"
#include "fairsweep/files.hpp"

namespace fairsweep {

class SparseRecordio {
public:
    /// Writes index, property, key 0 and the records at the ends of images and identities. Image i is of identity
    /// i * identities / images.
    SparseRecordio(const std::filesystem::path& folder, std::uint64_t images, std::uint64_t identities)
        : images_(images), identities_(identities) {
        std::filesystem::create_directories(folder);
        records_ = File::create(folder / "train.rec");
        const std::uint64_t keys = images + 1 + identities;
        const auto labels = [](std::uint64_t a, std::uint64_t b) {
            return std::vector<float>{static_cast<float>(a), static_cast<float>(b)};
        };
        for (const std::uint64_t image : {std::uint64_t{0}, images - 1}) add(image);
        for (const std::uint64_t identity : {std::uint64_t{0}, identities - 1})
            put(offset_of(images + identity), {.flag = 2, .labels = labels(1, 2), .id = 0, .id2 = 0, .encoded = {}});
        const std::uint64_t zero = offset_of(images + identities);
        put(zero, {.flag = 2, .labels = labels(images + 1, keys), .id = 0, .id2 = 0, .encoded = {}});
        write_index(folder / "train.idx", zero, keys);
        write_record_property(folder / "property", {.identities = identities, .rows = kSide, .cols = kSide});
    }

    /// Writes the record of an image: a JPEG of 16 x 16 pixels that tells which it is.
    void add(std::uint64_t image) {
        Image face{.rows = kSide, .cols = kSide, .pixels = std::vector<std::uint8_t>(3 * kSide * kSide)};
        for (std::size_t i = 0; i < face.pixels.size(); ++i)  // 24 bits of the number, 8 pixels each
            face.pixels[i] = (image >> (i / 24 % 24) & 1U) != 0 ? 220 : 30;
        const auto jpeg = encode_jpeg(face, 90);
        put(offset_of(image), {.flag = 0, .labels = {static_cast<float>(label_of(image))}, .id = 0, .id2 = 0, .encoded = jpeg});
    }

    [[nodiscard]] std::int64_t label_of(std::uint64_t image) const {
        return static_cast<std::int64_t>(image * identities_ / images_);
    }
    [[nodiscard]] static std::uint64_t offset_of(std::uint64_t record) { return record * kStrideBytes; }

private:
    static constexpr int kSide = 16;
    static constexpr std::uint64_t kStrideBytes = 8192;  // about what a face of 112 x 112 takes

    void put(std::uint64_t offset, const ImageRecord& record) {
        const std::vector<std::byte> payload = encode_image_record(record);
        const std::array<std::uint32_t, 2> head{kRecordMagic, static_cast<std::uint32_t>(payload.size())};
        std::vector<std::byte> bytes(8 + (payload.size() + 3) / 4 * 4);
        std::copy_n(reinterpret_cast<const std::byte*>(head.data()), 8, bytes.begin());
        std::copy(payload.begin(), payload.end(), bytes.begin() + 8);
        records_.write_at(offset, bytes);
    }

    void write_index(const std::filesystem::path& path, std::uint64_t zero, std::uint64_t keys) const {
        File file = File::create(path);
        std::string text;
        for (std::uint64_t key = 1; key < keys; ++key) {
            fmt::format_to(std::back_inserter(text), "{}\t{}\n", key, offset_of(key - 1));
            if (text.size() < (1U << 20) && key + 1 < keys) continue;
            file.append(std::as_bytes(std::span(text)));
            text.clear();
        }
        text = fmt::format("0\t{}\n", zero);
        file.append(std::as_bytes(std::span(text)));
    }

    File records_;
    std::uint64_t images_, identities_;
};

}  // namespace fairsweep

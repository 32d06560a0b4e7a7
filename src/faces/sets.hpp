#pragma once
/// The pictures of a set by key: (set, group, identity, image) and the seed decide every pixel, whoever renders it when.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "faces/groups.hpp"
#include "faces/render.hpp"

namespace fairsweep::faces {

inline constexpr int kAlignedSize = 112;                      ///< pixels per side of the training images
inline constexpr int kCropRenderSize = 160, kCropSize = 400;  ///< test crops are drawn small and enlarged

struct ImageKey {
    std::string set;  ///< "train", "synthetic" or "test": other sets hold other people
    std::uint32_t identity = 0;
    std::uint32_t image = 0;
};

struct Shot {
    Identity identity;
    ImageConditions conditions;
};
[[nodiscard]] Shot shoot(const Group& group, const ImageKey& key, Framing framing, std::uint64_t seed);

/// Called now and then with how many images have been written, from the thread that called the writer.
using ImageCount = std::function<void(std::uint64_t images)>;

struct SetSize {
    std::uint32_t identities = 0;  ///< per group
    std::uint32_t images = 0;      ///< per identity
};

/// folder/{train.rec,train.idx,property} as insightface's packer lays it out: key 0 with flag 2 and labels (A, B), images
/// at 1 .. A-1 sorted by identity (groups one after another), identities at A .. B-1.
void write_training_set(const std::filesystem::path& folder, const std::string& set, const std::vector<Group>& groups,
                        SetSize size, std::uint64_t seed, unsigned threads, const ImageCount& on_images);

/// The RFW tree: folder/data/<Group>/<id>/<id>_0001.jpg and folder/txts/<Group>/<Group>_{pairs,lmk,images,people}.txt.
void write_verification_set(const std::filesystem::path& folder, const std::vector<Group>& groups, SetSize size,
                            std::uint32_t pairs, std::uint64_t seed, unsigned threads, const ImageCount& on_images);

}  // namespace fairsweep::faces

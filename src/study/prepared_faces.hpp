#pragma once
/// Aligned faces and items of an evaluation set in one file, which every evaluation maps: decoded and aligned once.
/// Safetensors layout: image_a, image_b, identity_a, identity_b U32 [items], group_begin U32 [groups + 1],
/// the task's label (genuine, class) U8 [items], faces U8 [images, size, size, 3]; metadata: the caller's, and groups (JSON list
/// of names).
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fairsweep/items.hpp"
#include "study/items.hpp"
#include "study/safetensors.hpp"

namespace fairsweep {

/// Writes every image that an item uses, aligned, in the order of the list, with the items. `on_image(done, all)` is called after
/// every image; false ends the writing: nothing is left, size_bytes is 0.
[[nodiscard]] SafetensorsWriter::Written write_prepared_faces(const std::filesystem::path& path, std::string_view task,
                                                              const EvaluationImages& images, int image_size,
                                                              std::map<std::string, std::string> metadata,
                                                              const std::function<bool(std::uint64_t, std::uint64_t)>& on_image);

/// The file, mapped. Throws a data error when it is damaged, of another content, or its items name no face.
class PreparedFaces {
public:
    PreparedFaces(const std::filesystem::path& path, std::string_view task);

    [[nodiscard]] const SafetensorsFile& file() const { return file_; }
    [[nodiscard]] const ItemTable& items() const { return items_; }
    [[nodiscard]] const std::vector<std::uint32_t>& image_a() const { return image_a_; }  ///< [items] place in the list of faces
    [[nodiscard]] const std::vector<std::uint32_t>& image_b() const { return image_b_; }
    [[nodiscard]] std::uint64_t images() const { return images_; }
    [[nodiscard]] int image_size() const { return image_size_; }
    [[nodiscard]] std::span<const std::uint8_t> face(std::uint64_t index) const;  ///< [size, size, 3]; index < images()

private:
    SafetensorsFile file_;
    ItemTable items_;
    std::vector<std::uint32_t> image_a_;
    std::vector<std::uint32_t> image_b_;
    std::uint64_t images_ = 0;
    int image_size_ = 0;
    std::span<const std::byte> faces_;
};

}  // namespace fairsweep

#include "study/prepared_faces.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "plan/tasks.hpp"

namespace fairsweep {
namespace {

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
    return std::as_bytes(std::span(values));
}

[[noreturn]] void refuse(const SafetensorsFile& file, const std::string& found, const std::string& expected) {
    throw_data({.attempted = "cannot use the prepared faces",
                .where = file.path().string(),
                .found = found,
                .expected = expected,
                .hint = "delete the file; the prepare stage writes it again"});
}

std::vector<std::string> group_names(const SafetensorsFile& file) {
    const auto names = nlohmann::json::parse(file.metadata("groups"), nullptr, false);
    if (!names.is_array() || !std::all_of(names.begin(), names.end(), [](const auto& name) { return name.is_string(); }))
        refuse(file, "no list of group names", "a JSON list of strings");
    return names.get<std::vector<std::string>>();
}

}  // namespace

SafetensorsWriter::Written write_prepared_faces(const std::filesystem::path& path, std::string_view task,
                                                const EvaluationImages& images, int image_size,
                                                std::map<std::string, std::string> metadata,
                                                const std::function<bool(std::uint64_t, std::uint64_t)>& on_image) {
    const ItemTable& items = images.items;
    const auto side = static_cast<std::uint64_t>(image_size);
    SafetensorsPlan plan;
    for (const char* name : {"image_a", "image_b", "identity_a", "identity_b"})
        plan.tensors.push_back({name, "U32", {items.size()}});
    plan.tensors.push_back({"group_begin", "U32", {items.group_begin.size()}});
    plan.tensors.push_back({task_info(task).label, "U8", {items.size()}});
    plan.tensors.push_back({"faces", "U8", {images.images, side, side, 3}});
    plan.metadata = std::move(metadata);
    plan.metadata["groups"] = nlohmann::json(items.groups).dump();
    SafetensorsWriter writer(path, std::move(plan));
    for (const auto* column : {&images.image_a, &images.image_b, &items.identity_a, &items.identity_b, &items.group_begin})
        writer.append(bytes_of(*column));
    writer.append(bytes_of(items.label));
    for (std::uint64_t i = 0; i < images.images; ++i) {
        const Image face = images.face(i, image_size);
        FAIRSWEEP_CHECK(face.pixels.size() == side * side * 3, "an aligned face of another size than asked for");
        writer.append(bytes_of(face.pixels));
        if (!on_image(i + 1, images.images)) return {};
    }
    return writer.finish();
}

PreparedFaces::PreparedFaces(const std::filesystem::path& path, std::string_view task) : file_(path) {
    items_.groups = group_names(file_);
    items_.group_begin = file_.read<std::uint32_t>("group_begin", "U32");
    items_.label = file_.read<std::uint8_t>(task_info(task).label, "U8");
    items_.identity_a = file_.read<std::uint32_t>("identity_a", "U32");
    items_.identity_b = file_.read<std::uint32_t>("identity_b", "U32");
    image_a_ = file_.read<std::uint32_t>("image_a", "U32");
    image_b_ = file_.read<std::uint32_t>("image_b", "U32");
    const TensorEntry& faces = file_.require("faces", "U8", 4);
    const std::size_t items = items_.label.size();
    if (items_.identity_a.size() != items || items_.identity_b.size() != items || image_a_.size() != items ||
        image_b_.size() != items)
        refuse(file_, "columns of different lengths", fmt::format("{} items in each", items));
    const std::vector<std::uint32_t>& begin = items_.group_begin;
    if (begin.size() != items_.groups.size() + 1 || begin.front() != 0 || begin.back() != items ||
        !std::is_sorted(begin.begin(), begin.end()))
        refuse(file_, "bad group_begin", fmt::format("{} rising numbers from 0 to {}", items_.groups.size() + 1, items));
    if (faces.shape[1] != faces.shape[2] || faces.shape[1] == 0 || faces.shape[1] > 4096 || faces.shape[3] != 3)
        refuse(file_, "faces that are not square RGB images", "[images, size, size, 3]");
    images_ = faces.shape[0];
    image_size_ = static_cast<int>(faces.shape[1]);
    faces_ = file_.bytes(faces);
    const auto outside = [this](std::uint32_t image) { return image >= images_; };
    if (std::any_of(image_a_.begin(), image_a_.end(), outside) || std::any_of(image_b_.begin(), image_b_.end(), outside))
        refuse(file_, "a pair of a face that is not there", fmt::format("rows below {}", images_));
}

std::span<const std::uint8_t> PreparedFaces::face(std::uint64_t index) const {
    FAIRSWEEP_CHECK(index < images_, "read a prepared face past the end");
    const auto side = static_cast<std::uint64_t>(image_size_);
    const std::span<const std::byte> bytes = faces_.subspan(index * side * side * 3, side * side * 3);
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace fairsweep

#pragma once
/// The items of an evaluation set and the images that they are made of, by task. No torch here.
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "fairsweep/dataset.hpp"
#include "fairsweep/items.hpp"

namespace fairsweep {

struct EvaluationImages {
    ItemTable items;
    std::uint64_t images = 0;            ///< that the items use
    std::vector<std::uint32_t> image_a;  ///< [items] place in the list of images
    std::vector<std::uint32_t> image_b;  ///< of an item of one image: the same
    /// The aligned face, size x size pixels; image < images.
    std::function<Image(std::uint64_t image, int size)> face;
};

/// Images in the set's order, groups one after another. Throws a usage error where the set's format does not fit the task.
[[nodiscard]] EvaluationImages open_evaluation_images(std::string_view task, const DataSource& source);
[[nodiscard]] EvaluationImages images_of(std::shared_ptr<const VerificationSet> set);
[[nodiscard]] EvaluationImages images_of(std::shared_ptr<const LabelledSet> set);

/// The pairs of a verification set as columns, groups one after another in file order.
[[nodiscard]] ItemTable item_table_of(const VerificationSet& set);

}  // namespace fairsweep

#include "study/items.hpp"

#include <numeric>
#include <utility>

#include "fairsweep/check.hpp"
#include "plan/tasks.hpp"
#include "study/resize.hpp"

namespace fairsweep {
namespace {

struct UsedImage {
    std::size_t group = 0;
    std::uint32_t image = 0;
};

/// Which images of the group the pairs use, and the pairs' images as places in that list.
void add_group(const VerificationGroup& group, std::size_t number, std::vector<UsedImage>& used, EvaluationImages& images) {
    std::vector<std::uint32_t> place_of(group.image_paths.size(), 0);
    for (const VerificationPair& pair : group.pairs) {
        FAIRSWEEP_CHECK(pair.image_a < place_of.size() && pair.image_b < place_of.size(),
                        "a pair names an image past its group's list");
        place_of[pair.image_a] = place_of[pair.image_b] = 1;
    }
    for (std::uint32_t image = 0; image < place_of.size(); ++image) {
        if (place_of[image] == 0) continue;
        place_of[image] = static_cast<std::uint32_t>(used.size());
        used.push_back({number, image});
    }
    for (const VerificationPair& pair : group.pairs) {
        images.image_a.push_back(place_of[pair.image_a]);
        images.image_b.push_back(place_of[pair.image_b]);
    }
}

EvaluationImages open_verification(const DataSource& source) { return images_of(open_verification_set(source)); }
EvaluationImages open_classification(const DataSource& source) { return images_of(open_labelled_set(source)); }

/// One row per task of plan/tasks.cpp.
struct TaskRow {
    const char* name;
    EvaluationImages (*open)(const DataSource&);
};
constexpr TaskRow kRows[] = {{"verification", open_verification}, {"classification", open_classification}};

}  // namespace

EvaluationImages images_of(std::shared_ptr<const VerificationSet> set) {
    EvaluationImages images;
    images.items = item_table_of(*set);
    std::vector<UsedImage> used;
    for (std::size_t g = 0; g < set->groups().size(); ++g) add_group(set->groups()[g], g, used, images);
    images.images = used.size();
    images.face = [set = std::move(set), used = std::move(used)](std::uint64_t image, int size) {
        return set->aligned_image(used[image].group, used[image].image, size);
    };
    return images;
}

EvaluationImages images_of(std::shared_ptr<const LabelledSet> set) {
    EvaluationImages images;
    images.items = set->items();
    images.images = set->size();
    FAIRSWEEP_CHECK(images.items.size() == images.images, "an item of a labelled set is one image");
    images.image_a.resize(images.images);
    std::iota(images.image_a.begin(), images.image_a.end(), 0U);
    images.image_b = images.image_a;
    images.face = [set = std::move(set)](std::uint64_t image, int size) {
        const LabelledImage labelled = set->get(image);
        Image face{size, size, std::vector<std::uint8_t>(static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3)};
        resize_square(labelled.image, size, face.pixels);
        return face;
    };
    return images;
}

EvaluationImages open_evaluation_images(std::string_view task, const DataSource& source) {
    return row_of(kRows, task).open(source);
}

ItemTable item_table_of(const VerificationSet& set) {
    ItemTable table;
    table.group_begin.push_back(0);
    for (const VerificationGroup& group : set.groups()) {
        table.groups.push_back(group.name);
        for (const VerificationPair& pair : group.pairs) {
            table.label.push_back(pair.genuine ? 1 : 0);
            table.identity_a.push_back(pair.identity_a);
            table.identity_b.push_back(pair.identity_b);
        }
        table.group_begin.push_back(table.size());
    }
    return table;
}

}  // namespace fairsweep

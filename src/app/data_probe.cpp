#include "data_probe.hpp"

#include <memory>

#include "faces/planted_file.hpp"
#include "fairsweep/dataset.hpp"

namespace fairsweep {
namespace {

std::uint64_t count_images(const DataSource& source, bool is_evaluation) {
    if (!is_evaluation) return open_training_set(source)->size();
    const std::unique_ptr<VerificationSet> set = open_verification_set(source);  // a loop would not keep it alive
    std::uint64_t images = 0;
    for (const VerificationGroup& group : set->groups()) images += group.image_paths.size();
    return images;
}

std::string planted(const DataSource& source) { return faces::planted_beside(source.path); }

}  // namespace

DataProbe data_probe() { return {data_set_present, data_set_digest, verification_group_names, count_images, planted}; }

}  // namespace fairsweep

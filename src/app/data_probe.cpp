#include "data_probe.hpp"

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "faces/planted_file.hpp"
#include "fairsweep/dataset.hpp"
#include "fairsweep/log.hpp"
#include "run/launcher.hpp"
#include "metrics/pair_checks.hpp"
#include "plan/tasks.hpp"
#include "study/items.hpp"

namespace fairsweep {
namespace {

/// A sweep is worth its hours only where its pairs can be judged: what `analyze` would refuse is refused here.
void check_pairs(const VerificationSet& set, const DataSource& source) {
    const ItemTable table = item_table_of(set);
    const std::string where = "data set " + source.name + " (" + source.path.string() + ")";
    refuse_unusable_groups(table, where);
    if (std::getenv(kLaunchedVariable) != nullptr) return;  // `run` that started this rank has reported the rest
    std::vector<std::uint32_t> image_a, image_b;
    for (const VerificationGroup& group : set.groups())
        for (const VerificationPair& pair : group.pairs) {
            image_a.push_back(pair.image_a);
            image_b.push_back(pair.image_b);
        }
    std::vector<std::string> warnings = repeated_pair_warnings(table, image_a, image_b);
    if (const auto shared = shared_people_warning(table)) warnings.push_back(*shared);
    for (const std::string& warning : warnings) log_warning(where + ": " + warning);
}

std::uint64_t count_pair_images(const DataSource& source) {
    const std::unique_ptr<VerificationSet> set = open_verification_set(source);  // a loop would not keep it alive
    check_pairs(*set, source);
    std::uint64_t images = 0;
    for (const VerificationGroup& group : set->groups()) images += group.image_paths.size();
    return images;
}

std::uint64_t count_labelled_images(const DataSource& source) { return open_labelled_set(source)->size(); }

std::string planted(const DataSource& source) { return faces::planted_beside(source.path); }

std::optional<Digest> file_digest(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
    return sha256_of_file(path);
}

}  // namespace

DataProbe data_probe(const std::string& task) {
    const bool has_classes = task_info(task).has_classes;
    const auto count_images = [has_classes](const DataSource& source, bool is_evaluation) {
        if (!is_evaluation) return open_training_set(source)->size();
        return has_classes ? count_labelled_images(source) : count_pair_images(source);
    };
    return {data_set_present, data_set_digest, evaluation_group_names, count_images, planted, class_names, file_digest};
}

}  // namespace fairsweep

#pragma once
/// Plans built by hand over procedural faces, and a runner that keeps their outcomes: for tests of the stages.
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fairsweep/outcome.hpp"
#include "fairsweep/plan.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "fairsweep/stage_runner.hpp"

namespace fairsweep::study_test {

/// A few faces of two groups: 2 x 6 identities x 6 images, 60 pairs a group of `test_identities` people. Made once per folder.
void make_small_faces(const std::filesystem::path& folder, int test_identities = 10);

struct PlanBuilder {
    /// `faces`: a folder that `data make` wrote.
    explicit PlanBuilder(const std::filesystem::path& faces);

    StageIndex add(StageParameters parameters, std::vector<StageIndex> needs, std::vector<SharedText> data_sets);
    StageIndex prepare(int image_size);
    StageIndex baseline(const std::string& architecture, std::uint64_t seed, const Recipe& recipe);
    StageIndex teacher(StageIndex baseline, const std::string& calibration, const Recipe& recipe);
    struct Arm {
        Bits bits;
        double sparsity = 0.0;
        std::string distillation = "embedding";
    };
    StageIndex compression(StageIndex baseline, StageIndex teacher, const std::string& calibration, Arm arm, std::uint64_t seed,
                           const Recipe& recipe);
    StageIndex evaluation(StageIndex network, StageIndex prepare, const Recipe& recipe);

    Plan plan;
};

/// Runs one stage to the end without a stop. `left`: the digests that stages left, where the test wants them to be compared.
[[nodiscard]] StageOutcome run(StageRunner& runner, const Plan& plan, StageIndex stage,
                               const std::map<StageIndex, Digest>& left = {}, const StageMonitor& monitor = {});

/// Fills `folder` with what these stages leave, nothing else in it: they run once, in ./trained, and are copied from there.
/// Throws when one of them does not end well.
void fill_with_done(const std::filesystem::path& folder, const Plan& plan, const std::vector<StageIndex>& stages);

/// The recipe of procedural faces, shrunk to a set of 72 images: seconds on one core.
[[nodiscard]] Recipe small_recipe();

}  // namespace fairsweep::study_test

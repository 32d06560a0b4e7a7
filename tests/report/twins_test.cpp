// A compressed configuration without a sham twin is never passed over in silence.
#include "report/twins.hpp"

#include <algorithm>

#include "report/made_up_analysis.hpp"
#include "report/references.hpp"
#include "report/synthetic_sweep.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

struct Made {
    AnalysisInput input = input_with_groups({"A", "B"});
    std::vector<AnalysedConfiguration> configurations;

    /// A configuration with a point per seed; no done point: no configuration.
    void add(const Configuration& c, const std::vector<std::uint64_t>& seeds, StageState state = StageState::done) {
        for (const std::uint64_t seed : seeds) {
            AnalysisPoint point;
            point.point.arm = c.arm;
            point.point.axes = c.axes;
            point.point.seed = seed;
            point.recipes = {c.baseline_recipe, c.finetune_recipe, c.compression_recipe};
            point.state = state;
            input.points.push_back(point);
        }
        if (state == StageState::done) configurations.push_back({c, {}, seeds, {}});
    }
    [[nodiscard]] std::vector<std::string> warnings() const { return twin_warnings(input, configurations); }
};

const Configuration kCompressed = configuration_with(Arm::compressed, {4, 4}, 0.5);
const Configuration kSham = configuration_with(Arm::sham, {});

}  // namespace

TEST_CASE("a twin that is there is found, that of a chain too, and nothing is said") {
    Made made;
    made.add(kSham, {1, 2});
    made.add(kCompressed, {1, 2});
    Configuration chain = kCompressed;
    chain.axes[Axis::distillation] = "embedding-chain";
    made.add(chain, {1, 2});
    CHECK(made.warnings().empty());
    CHECK(References(made.configurations).sham_twin(chain) == 0);
    Made older;  // whose plan gave the chain a sham under the chain's name
    Configuration chain_sham = kSham;
    chain_sham.axes[Axis::distillation] = "embedding-chain";
    older.add(chain_sham, {1, 2});
    older.add(chain, {1, 2});
    CHECK(older.warnings().empty());
}

TEST_CASE("why there is no twin is said as far as the points tell") {
    const auto warning = [](const Made& made) {
        REQUIRE(made.warnings().size() == 1);
        return made.warnings()[0];
    };
    const std::string head =
        "1 compressed configuration has no sham twin, so nothing is said about what compression did there: net, 4 bits, real "
        "calibration, sparsity 0.5 (";
    Made no_arm;
    no_arm.add(kCompressed, {1});
    CHECK(warning(no_arm) == head + "the sweep has no sham arm)");

    Made failed;
    failed.add(kCompressed, {1, 2});
    failed.add(kSham, {1}, StageState::failed);
    failed.add(kSham, {2}, StageState::waiting);
    CHECK(warning(failed) == head + "points of the sham: 1 failed, 1 waiting)");

    Made other_recipe;
    Configuration sham = kSham;
    sham.finetune_recipe = "g";
    other_recipe.add(sham, {1});
    other_recipe.add(kCompressed, {1});
    CHECK(warning(other_recipe) == head + "the sham was trained by another recipe)");

    Made not_planned;
    sham = kSham;
    sham.axes[Axis::calibration] = "synthetic";
    not_planned.add(sham, {1});
    not_planned.add(kCompressed, {1});
    CHECK(warning(not_planned) == head + "no sham point of it was planned: left out by a rule, perhaps)");

    Made other_seeds;
    other_seeds.add(kSham, {3});
    other_seeds.add(kCompressed, {1});
    CHECK(warning(other_seeds) == head + "the sham has no seed in common with it)");
}

TEST_CASE("many without a twin are counted and some of them named; a twin with fewer seeds is told") {
    Made made;
    for (int bits = 2; bits < 9; ++bits) made.add(configuration_with(Arm::compressed, {bits, bits}), {1});
    CHECK(made.warnings().at(0).starts_with("7 compressed configurations have no sham twin"));
    CHECK_THAT(made.warnings().at(0), ContainsSubstring("and 3 more (the sweep has no sham arm)"));
    Made fewer;
    fewer.add(kSham, {1});
    fewer.add(kCompressed, {1, 2});
    CHECK(fewer.warnings() ==
          std::vector<std::string>{
              "1 compressed configuration is compared with the sham twin over fewer seeds than it has networks"});
}

TEST_CASE("the analysis of a sweep whose sham arm failed says so in its warnings and findings") {
    AnalysisInput input = synthetic_input();
    for (AnalysisPoint& point : input.points)
        if (point.point.arm == Arm::sham) point.state = StageState::failed;
    const Analysis analysis =
        analyse(input, [&input](std::size_t point) { return synthetic_scores(input.items, input.points[point].point); },
                {.replicates = 200, .seed = 1});
    CHECK(std::any_of(analysis.warnings.begin(), analysis.warnings.end(), [](const std::string& text) {
        return text.starts_with("28 compressed configurations have no sham twin") && text.find("2 failed") != std::string::npos;
    }));
    CHECK(std::any_of(analysis.findings.begin(), analysis.findings.end(), [](const std::string& text) {
        return text.starts_with("No compressed network could be compared with a sham twin");
    }));
}

// What is compared with what, and in what order: found by keys, and the same as by looking at everything.
#include "report/references.hpp"

#include <algorithm>
#include <set>

#include "fairsweep/random.hpp"
#include "report/contrasts.hpp"
#include "report/made_up_analysis.hpp"
#include "report/synthetic_sweep.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

std::string one_of(RandomStream& stream, const std::vector<std::string>& words) { return words[stream.below(words.size())]; }

/// Configurations over few values, so that many stand for many; a further axis has part in some of them.
std::vector<AnalysedConfiguration> random_configurations(std::uint64_t seed, std::size_t count) {
    RandomStream stream(seed, 0, "configurations");
    std::vector<AnalysedConfiguration> all;
    std::set<Configuration> known;
    while (all.size() < count) {
        Configuration c;
        c.arm = static_cast<Arm>(stream.below(count_of<Arm>));
        c.axes = AxisValues(count_of<Axis> + 1);
        c.axes[Axis::architecture] = one_of(stream, {"a", "b"});
        c.axes[Axis::training_set] = one_of(stream, {"s", "t"});
        c.axes[Axis::bits] = c.arm == Arm::compressed ? Bits{4, static_cast<int>(4 + stream.below(3))} : Bits{};
        c.axes[Axis::sparsity] = c.arm == Arm::compressed && stream.below(2) == 0 ? 0.5 : 0.0;
        if (c.arm != Arm::dense) c.axes[Axis::calibration] = one_of(stream, {"real", "x", "y"});
        if (c.arm != Arm::dense && stream.below(4) != 0)
            c.axes[Axis::distillation] = one_of(stream, {"embedding", "cosine", "embedding-chain"});
        if (stream.below(2) == 0) c.axes[count_of<Axis>] = one_of(stream, {"0.1", "0.2"});
        c.baseline_recipe = one_of(stream, {"b", "B"});
        c.finetune_recipe = c.arm == Arm::dense ? kNoRecipe : one_of(stream, {"f", "F"});
        c.compression_recipe = c.arm == Arm::compressed ? one_of(stream, {"c", "C"}) : kNoRecipe;
        if (known.insert(c).second) all.push_back({c, {all.size()}, {1}, {}});
    }
    return all;
}

bool stands_for(const AxisValues& reference, const AxisValues& treated) {
    for (std::size_t axis = 0; axis < treated.size(); ++axis) {
        if (axis == index_of(Axis::bits) || axis == index_of(Axis::sparsity)) continue;
        if (!std::holds_alternative<std::monostate>(reference[axis]) && reference[axis] != treated[axis]) return false;
    }
    return true;
}

bool is_dense_of(const Configuration& c, const Configuration& of) {
    return c.arm == Arm::dense && stands_for(c.axes, of.axes) && c.baseline_recipe == of.baseline_recipe;
}

bool is_sham_of(const Configuration& c, const Configuration& of) {
    AxisValues with_loss = of.axes;
    with_loss[Axis::distillation] = loss_of(of.axes.distillation());
    return c.arm == Arm::sham && (stands_for(c.axes, of.axes) || stands_for(c.axes, with_loss)) &&
           c.baseline_recipe == of.baseline_recipe && c.finetune_recipe == of.finetune_recipe;
}

template <typename Rule>
std::optional<std::size_t> first(const std::vector<AnalysedConfiguration>& all, Rule rule) {
    for (std::size_t i = 0; i < all.size(); ++i)
        if (rule(all[i].configuration)) return i;
    return std::nullopt;
}

}  // namespace

TEST_CASE("references found by key are the first that a look at all configurations finds") {
    std::size_t dense = 0, shams = 0, on_real = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const auto all = random_configurations(seed, 150);
        const References references(all);
        std::size_t differ = 0;
        for (const AnalysedConfiguration& item : all) {
            const Configuration& of = item.configuration;
            const auto dense_of = references.dense_of(of), twin = references.sham_twin(of), real = references.on_real_data(of);
            differ += dense_of != first(all, [&](const Configuration& c) { return is_dense_of(c, of); });
            differ += twin != first(all, [&](const Configuration& c) { return is_sham_of(c, of); });
            differ += references.same_as(of) != static_cast<std::size_t>(&item - all.data());
            Configuration wanted = of;
            wanted.axes[Axis::calibration] = "real";
            const bool has_part = of.arm != Arm::dense && of.axes.calibration() != "real";
            differ += real != (has_part ? first(all, [&](const Configuration& c) { return c == wanted; }) : std::nullopt);
            dense += dense_of.has_value();
            shams += twin.has_value();
            on_real += real.has_value();
        }
        CHECK(differ == 0);
    }
    CHECK(std::min({dense, shams, on_real}) > 50);  // the cases are there
}

TEST_CASE("every configuration is worked on once, and let go after the last step that needs it") {
    const auto all = random_configurations(7, 200);
    const auto steps = contrast_steps(all);
    std::vector<std::size_t> worked(all.size(), 0), last_needed(all.size(), 0), let_go(all.size(), all.size());
    std::size_t comparisons = 0;
    for (std::size_t s = 0; s < steps.size(); ++s) {
        ++worked[steps[s].treated];
        comparisons += steps[s].comparisons.size();
        for (const std::size_t needed : steps[s].needs) last_needed[needed] = s;
        for (const std::size_t gone : steps[s].last_use) let_go[gone] = s;
        for (const Comparison& comparison : steps[s].comparisons)
            CHECK(std::count(steps[s].needs.begin(), steps[s].needs.end(), comparison.reference) == 1);
    }
    CHECK(std::all_of(worked.begin(), worked.end(), [](std::size_t times) { return times == 1; }));
    CHECK(let_go == last_needed);
    CHECK(comparisons > 100);
}

TEST_CASE("networks in memory do not grow with bits, sparsities, architectures and training sets") {
    const auto networks_at_once = [](const Sweep& sweep) {
        const AnalysisInput input = synthetic_input(synthetic_plan(sweep));
        std::vector<std::size_t> asked(input.points.size(), 0);
        const Analysis analysis = analyse(input,
                                          [&](std::size_t point) {
                                              ++asked[point];
                                              return synthetic_scores(input.items, input.points[point].point);
                                          },
                                          {.replicates = 200, .seed = 1});
        CHECK(asked == std::vector<std::size_t>(input.points.size(), 1));
        CHECK(analysis.points.size() == input.points.size());
        return analysis.networks_at_once;
    };
    Sweep sweep = synthetic_sweep();
    sweep.values(Axis::architecture) = {"iresnet10-w16-56"};
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}, Bits{4, 4}};
    sweep.values(Axis::sparsity) = {0.0};
    // Of two seeds each: the baseline, a sham on each calibration set, and the compressed network on each.
    CHECK(networks_at_once(sweep) == 10);
    sweep = synthetic_sweep();
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}, Bits{4, 4}, Bits{3, 3}, Bits{2, 2}};
    CHECK(networks_at_once(sweep) == 10);
}

// The axes `pruning` and `distillation` in a job file, and rules about them.
#include <string>
#include <vector>

#include "fairsweep/error.hpp"
#include "job/job.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

Sweep sweep_of(const std::vector<std::string>& overrides) {
    return parse_job(R"([sweep]
name = small
[axes]
architecture = iresnet18-se
training_set = faces
bits = 32, 4
sparsity = 0, 0.5
[evaluation]
data = test
[data.faces]
format = recordio
path = faces
[data.test]
format = rfw
path = test
)",
                     "job.cfg", overrides);
}

}  // namespace

TEST_CASE("ways of pruning and distillations are lists of words") {
    Sweep sweep =
        sweep_of({"axes.pruning=recipe, 2:4, channels+cubic+prune-first", "axes.distillation=embedding, relational-chain"});
    CHECK(sweep.values(Axis::pruning) == std::vector<AxisValue>{"recipe", "2:4", "channels+cubic+prune-first"});
    CHECK(sweep.values(Axis::distillation) == std::vector<AxisValue>{"embedding", "relational-chain"});
    CHECK(sweep_of({}).values(Axis::pruning) == std::vector<AxisValue>{"recipe"});
}

TEST_CASE("words that are none are refused with those that are") {
    struct Case {
        const char* text;
        const char* reported;
    };
    for (const Case& bad : {Case{"axes.pruning=layers", "global, layer"},
                            {"axes.pruning=layer+global", "at most one of each kind"},
                            {"axes.pruning=layer, layer", "twice"},
                            {"axes.pruning=", "nothing"},
                            {"axes.distillation=embeding", "did you mean 'embedding'"},
                            {"axes.distillation=chain", "cosine-chain"},
                            {"constraint.exclude=pruning == layers", "global, layer"},
                            {"constraint.exclude=pruning < layer", "== or !="},
                            {"constraint.exclude=distillation == logits", "relational"}}) {
        INFO(bad.text);
        CHECK_THROWS_AS(sweep_of({bad.text}), Error);
        CHECK_THROWS_WITH(sweep_of({bad.text}), ContainsSubstring(bad.reported));
    }
    CHECK(sweep_of({"constraint.exclude=pruning == none or pruning == cubic+2:4 or distillation == cosine-chain"})
              .constraints.size() == 1);
}

TEST_CASE("a key of the recipe is an axis") {
    const Sweep sweep = sweep_of({"axes.recipe.finetune_lr=0.1, 0.05", "axes.recipe.finetune_schedule=constant, cosine"});
    REQUIRE(sweep.axes.size() == count_of<Axis> + 2);
    CHECK(sweep.axes[count_of<Axis>] == AxisInfo{"recipe.finetune_lr", AxisKind::number, 0});
    CHECK(sweep.axes.back().name == "recipe.finetune_schedule");
    CHECK(sweep.blocks.front().values[count_of<Axis>] == std::vector<AxisValue>{0.1, 0.05});
    CHECK(sweep.blocks.front().values.back() == std::vector<AxisValue>{"constant", "cosine"});
    // Rules know it by the same name.
    CHECK(sweep_of({"axes.recipe.finetune_lr=0.1, 0.05", "constraint.exclude=recipe.finetune_lr < 0.1"}).constraints.size() == 1);
}

TEST_CASE("blocks take from [axes] what they do not say, and zipped axes are as long as one another") {
    const Sweep sweep = sweep_of({"axes.a.bits=8", "axes.b.recipe.finetune_lr=0.05", "axes.b.sparsity=0.5, 0.5",
                                  "axes.b.calibration=real, faces", "axes.b.zip=sparsity + calibration"});
    REQUIRE(sweep.blocks.size() == 2);
    const AxisBlock& a = sweep.blocks[0];
    const AxisBlock& b = sweep.blocks[1];
    CHECK(a.name == "a");
    CHECK(a.values[index_of(Axis::bits)] == std::vector<AxisValue>{Bits{8, 8}});
    CHECK(a.values[index_of(Axis::sparsity)] == std::vector<AxisValue>{0.0, 0.5});
    CHECK(a.values.back() == std::vector<AxisValue>{0.1});  // the recipe's own
    CHECK(b.values[index_of(Axis::bits)] == std::vector<AxisValue>{Bits{32, 32}, Bits{4, 4}});
    CHECK(b.values.back() == std::vector<AxisValue>{0.05});
    CHECK(b.zipped == std::vector<std::vector<std::size_t>>{{index_of(Axis::sparsity), index_of(Axis::calibration)}});
}

TEST_CASE("axes of the recipe, blocks and zips that cannot be are refused") {
    struct Case {
        std::vector<std::string> overrides;
        const char* reported;
    };
    for (const Case& bad : {Case{{"axes.recipe.finetune_lr=0.1, fast"}, "a number above 0"},
                            {{"axes.recipe.finetune_lr=0.1, 0.10"}, "repeats a value"},
                            {{"axes.recipe.finetune_rl=0.1"}, "did you mean 'recipe.finetune_lr'"},
                            {{"axes.recipe.baseline_milestones=8"}, "a list"},
                            {{"axes.recipe.batch_norm=live, frozen"}, "preset = modern"},
                            {{"axes.zip=bits"}, "two or more"},
                            {{"axes.zip=bits + sparsty"}, "did you mean 'sparsity'"},
                            {{"axes.zip=bits + sparsity", "axes.bits=32, 8, 4"}, "as many"},
                            {{"axes.zip=bits + sparsity, sparsity + pruning"}, "twice"},
                            {{"axes.a b.bits=8"}, "[axes.NAME]"},
                            {{"axes.a.seeds=8"}, "unknown key"}}) {
        INFO(bad.overrides.front());
        CHECK_THROWS_WITH(sweep_of(bad.overrides), ContainsSubstring(bad.reported));
    }
    // With a preset among the axes, keys of "modern" may be set: points of "quantface" do not read them.
    CHECK(sweep_of({"axes.recipe.preset=quantface, modern", "axes.recipe.batch_norm=live, frozen"}).axes.size() ==
          count_of<Axis> + 2);
}

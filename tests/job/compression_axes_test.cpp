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
    const Sweep sweep =
        sweep_of({"axes.pruning=recipe, 2:4, channels+cubic+prune-first", "axes.distillation=embedding, relational-chain"});
    CHECK(sweep.prunings == std::vector<std::string>{"recipe", "2:4", "channels+cubic+prune-first"});
    CHECK(sweep.distillations == std::vector<std::string>{"embedding", "relational-chain"});
    CHECK(sweep_of({}).prunings == std::vector<std::string>{"recipe"});
}

TEST_CASE("words that are none are refused with those that are") {
    struct Case {
        const char* text;
        const char* told;
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
        CHECK_THROWS_WITH(sweep_of({bad.text}), ContainsSubstring(bad.told));
    }
    CHECK(sweep_of({"constraint.exclude=pruning == none or pruning == cubic+2:4 or distillation == cosine-chain"})
              .constraints.size() == 1);
}

#include "job/recipe.hpp"

#include <utility>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

Recipe recipe_of(const std::vector<std::string>& overrides) { return read_recipe(JobEntries("", "job.cfg", overrides)); }

}  // namespace

TEST_CASE("every field of the recipe is a key") {
    const Recipe recipe =
        recipe_of({"recipe.baseline_epochs=2", "recipe.baseline_batch_samples=4", "recipe.baseline_lr=0.25",
                   "recipe.baseline_lr_warmup_fraction=0.5", "recipe.margin_scale=16", "recipe.margin_rad=0.2",
                   "recipe.margin_warmup_fraction=0.3", "recipe.finetune_steps=5", "recipe.finetune_batch_samples=6",
                   "recipe.finetune_lr=0.75", "recipe.embedding_loss_scale=128", "recipe.observer_steps=7",
                   "recipe.dropout=0.125", "recipe.momentum=0.5", "recipe.weight_decay=0", "recipe.clip_norm=3",
                   "recipe.flip=false", "recipe.threads_per_stage=2", "recipe.preset=quantface", "recipe.device=cuda",
                   "recipe.baseline_precision=tf32", "recipe.head=sharded", "recipe.head_sampling=0.25"});
    CHECK(recipe.baseline_epochs == 2);
    CHECK(recipe.baseline_batch_samples == 4);
    CHECK(recipe.baseline_lr == 0.25);
    CHECK(recipe.baseline_lr_warmup_fraction == 0.5);
    CHECK(recipe.margin_scale == 16);
    CHECK(recipe.margin_rad == 0.2);
    CHECK(recipe.margin_warmup_fraction == 0.3);
    CHECK(recipe.finetune_steps == 5);
    CHECK(recipe.finetune_batch_samples == 6);
    CHECK(recipe.finetune_lr == 0.75);
    CHECK(recipe.embedding_loss_scale == 128);
    CHECK(recipe.observer_steps == 7);
    CHECK(recipe.dropout == 0.125);
    CHECK(recipe.momentum == 0.5);
    CHECK(recipe.weight_decay == 0);
    CHECK(recipe.clip_norm == 3);
    CHECK_FALSE(recipe.flip);
    CHECK(recipe.threads_per_stage == 2);
    CHECK(recipe.shards == 1);
    CHECK(recipe.device == "cuda");
    CHECK(recipe.baseline_precision == "tf32");
    CHECK(recipe.head == "sharded");
    CHECK(recipe.head_sampling == 0.25);
    CHECK(recipe_key_names().size() == 48);
}

TEST_CASE("the preset quantface trains as its reference does") {
    const Recipe recipe = recipe_of({});
    CHECK(recipe.baseline_schedule == "steps");
    CHECK(recipe.baseline_milestones == std::vector<int>{8, 14, 20, 25});
    CHECK(recipe.baseline_lr_warmup_fraction == 0);
    CHECK_FALSE(recipe.baseline_nesterov);
    CHECK(recipe.margin_loss == "arcface");
    CHECK(recipe.finetune_schedule == "constant");
}

TEST_CASE("the preset modern trains with warm-up, cosine and Nesterov") {
    const Recipe recipe = recipe_of({"recipe.preset=modern"});
    CHECK(recipe.baseline_schedule == "cosine");
    CHECK(recipe.baseline_lr_warmup_fraction == 0.1);
    CHECK(recipe.baseline_nesterov);
    CHECK(recipe.finetune_schedule == "cosine");
}

TEST_CASE("words and lists of the recipe are read, and others refused with the words") {
    const Recipe recipe = recipe_of(
        {"recipe.margin_loss=elastic-cosface", "recipe.margin_std=0.1", "recipe.baseline_nesterov=true",
         "recipe.baseline_schedule=cosine", "recipe.baseline_milestones=22, 30, 40", "recipe.finetune_schedule=last-epoch",
         "recipe.sparsity_pattern=2:4", "recipe.sparsity_scope=layer", "recipe.sparsity_schedule=cubic",
         "recipe.order=prune-first", "recipe.precision=bf16", "recipe.augmentation=light"});
    CHECK(recipe.augmentation == "light");
    CHECK(recipe.precision == "bf16");
    CHECK(recipe.margin_loss == "elastic-cosface");
    CHECK(recipe.margin_std == 0.1);
    CHECK(recipe.baseline_nesterov);
    CHECK(recipe.baseline_schedule == "cosine");
    CHECK(recipe.baseline_milestones == std::vector<int>{22, 30, 40});
    CHECK(recipe.finetune_schedule == "last-epoch");
    CHECK(recipe.sparsity_pattern == "2:4");
    CHECK(recipe.sparsity_scope == "layer");
    CHECK(recipe.sparsity_schedule == "cubic");
    CHECK(recipe.order == "prune-first");
    for (const auto& [text, reported] : {std::pair{"margin_loss=arcfase", "did you mean 'arcface'"},
                                     {"margin_loss=", "nothing"},
                                     {"margin_std=2", "from 0 to 1"},
                                     {"baseline_schedule=linear", "steps, cosine"},
                                     {"baseline_milestones=8, 0", "from 1"},
                                     {"baseline_milestones=14, 8", "rising"},
                                     {"baseline_milestones=8, 8", "twice"},
                                     {"finetune_schedule=steps", "constant, last-epoch, cosine"},
                                     {"sparsity_pattern=4:8", "unstructured, 2:4, channels"},
                                     {"sparsity_scope=network", "global, layer"},
                                     {"sparsity_schedule=linear", "one-shot, cubic"},
                                     {"precision=fp16", "fp32, bf16"},
                                     {"order=both", "together, prune-first, quantise-first"}}) {
        INFO(text);
        CHECK_THROWS_AS(recipe_of({std::string("recipe.") + text}), Error);
        CHECK_THROWS_WITH(recipe_of({std::string("recipe.") + text}), ContainsSubstring(reported));
    }
}

TEST_CASE("preset modern sets defaults, and single keys follow") {
    const Recipe modern = recipe_of({"recipe.preset=modern"});
    CHECK(modern.dropout == 0.0);
    CHECK(modern.observer_steps == 10000000);
    CHECK(modern.weight_range == "learned");
    CHECK(modern.activation_range == "moving-average");
    CHECK(modern.edge_bits == 8);
    const Recipe changed = recipe_of({"recipe.preset=modern", "recipe.dropout=0.2", "recipe.weight_grid=asymmetric",
                                      "recipe.weight_granularity=tensor", "recipe.weight_range=mse",
                                      "recipe.activation_grid=symmetric", "recipe.activation_range=percentile",
                                      "recipe.range_averaging=0.1", "recipe.range_percentile=0.999", "recipe.edge_bits=4",
                                      "recipe.slope_bits=6", "recipe.batch_norm=folded", "recipe.batch_norm_live_fraction=0.5"});
    CHECK(changed.dropout == 0.2);
    CHECK(changed.weight_grid == "asymmetric");
    CHECK(changed.weight_granularity == "tensor");
    CHECK(changed.weight_range == "mse");
    CHECK(changed.activation_grid == "symmetric");
    CHECK(changed.activation_range == "percentile");
    CHECK(changed.range_averaging == 0.1);
    CHECK(changed.range_percentile == 0.999);
    CHECK(changed.edge_bits == 4);
    CHECK(changed.slope_bits == 6);
    CHECK(changed.batch_norm == "folded");
    CHECK(changed.batch_norm_live_fraction == 0.5);
}

TEST_CASE("keys of preset modern are refused under quantface, and so are unknown words") {
    for (const char* key : {"weight_grid=symmetric", "edge_bits=8", "batch_norm=live", "range_averaging=0.01"}) {
        INFO(key);
        CHECK_THROWS_WITH(recipe_of({std::string("recipe.") + key}), ContainsSubstring("preset quantface is fixed"));
        CHECK_NOTHROW(recipe_of({"recipe.preset=modern", std::string("recipe.") + key}));
    }
    for (const char* bad : {"weight_range=moving-average", "activation_range=ema", "batch_norm=fold", "edge_bits=1",
                            "slope_bits=17", "range_percentile=0.5", "weight_grid="}) {
        INFO(bad);
        CHECK_THROWS_AS(recipe_of({"recipe.preset=modern", std::string("recipe.") + bad}), Error);
    }
}

TEST_CASE("values outside their range are refused with the range") {
    struct Case {
        const char* text;
        const char* reported;
    };
    for (const Case& bad : {Case{"baseline_epochs=0", "from 1 to 10000"},
                            {"baseline_epochs=1.5", "a whole number"},
                            {"baseline_batch_samples=1", "from 2"},
                            {"baseline_lr=0", "above 0 to 100"},
                            {"baseline_lr=-1", "above 0"},
                            {"baseline_lr=nan", "a number"},
                            {"baseline_lr=inf", "a number"},
                            {"baseline_lr=1e999", "a number"},
                            {"baseline_lr=0,1", "a number"},
                            {"baseline_lr=", "nothing"},
                            {"baseline_lr_warmup_fraction=1.1", "from 0 to 1"},
                            {"margin_scale=0", "above 0"},
                            {"margin_rad=2", "from 0 to 1.5"},
                            {"margin_warmup_fraction=-0.1", "from 0"},
                            {"finetune_steps=0", "from 1"},
                            {"finetune_steps=99999999999", "to 10000000"},
                            {"finetune_batch_samples=1", "from 2"},
                            {"finetune_lr=0", "above 0"},
                            {"embedding_loss_scale=0", "above 0"},
                            {"observer_steps=0", "from 1"},
                            {"dropout=1", "from 0 to below 1"},
                            {"momentum=1", "from 0 to below 1"},
                            {"weight_decay=2", "from 0 to 1"},
                            {"clip_norm=0", "above 0"},
                            {"flip=perhaps", "true or false"},
                            {"threads_per_stage=0", "from 1 to 256"},
                            {"shards=0", "from 1"},
                            {"shards=2000", "1024"}}) {
        INFO(bad.text);
        CHECK_THROWS_AS(recipe_of({std::string("recipe.") + bad.text}), Error);
        CHECK_THROWS_WITH(recipe_of({std::string("recipe.") + bad.text}), ContainsSubstring(bad.reported));
    }
    CHECK(recipe_of({"recipe.dropout=0"}).dropout == 0);
    CHECK(recipe_of({"recipe.shards=1"}).shards == 1);
}

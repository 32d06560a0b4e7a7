#include "fairsweep/stage_parameters.hpp"

#include <array>

#include "fairsweep/error.hpp"
#include "plan/stage_id.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

StageParameters example(StageKind kind) {
    StageParameters parameters;
    parameters.kind = kind;
    parameters.architecture = "iresnet10-w16-56";
    parameters.data = sha256("faces");
    parameters.image_size = 56;
    parameters.seed = 18446744073709551615ULL;
    parameters.bits = {4, 8};
    parameters.sparsity = 0.7;
    parameters.distillation = "embedding";
    parameters.command = "train --bits {bits} --lr {recipe.finetune_lr} {artefact}";
    parameters.result = "checkpoint";
    parameters.recipe.weight_decay = 1e-8;
    parameters.recipe.finetune_steps = 40;
    return parameters;
}

}  // namespace

TEST_CASE("the canonical text has sorted keys, exact numbers and no blanks") {
    const std::string data = sha256("faces").hex();
    CHECK(canonical_text(example(StageKind::prepare)) ==
          R"({"data":")" + data + R"(","image_size":56,"kind":"prepare","version":1})");
    CHECK(canonical_text(example(StageKind::teacher)) ==
          R"({"architecture":"iresnet10-w16-56","data":")" + data +
              R"(","flip":true,"kind":"teacher","shards":1,"threads_per_stage":1,"version":1})");
    CHECK(canonical_text(example(StageKind::evaluation)) ==
          R"({"architecture":"iresnet10-w16-56","data":")" + data +
              R"(","kind":"evaluation","shards":1,"threads_per_stage":1,"version":1})");
    CHECK(
        canonical_text(example(StageKind::baseline)) ==
        R"({"architecture":"iresnet10-w16-56","baseline_batch_samples":128,"baseline_epochs":16,"baseline_lr":0.1,)"
        R"("baseline_lr_warmup_fraction":0,"baseline_milestones":[8,14,20,25],"baseline_nesterov":false,"baseline_schedule":"steps",)"
        R"("clip_norm":5,"data":")" +
            data +
            R"(","flip":true,"kind":"baseline","margin_loss":"arcface","margin_rad":0.5,)"
            R"("margin_scale":64,"margin_warmup_fraction":0,"momentum":0.9,"preset":"quantface","seed":18446744073709551615,"shards":1,)"
            R"("threads_per_stage":1,"version":1,"weight_decay":1e-08})");
    CHECK(
        canonical_text(example(StageKind::compression)) ==
        R"({"architecture":"iresnet10-w16-56","bits_activation":8,"bits_weight":4,"clip_norm":5,"data":")" + data +
            R"(","distillation":"embedding","dropout":0.4,"embedding_loss_scale":1,"finetune_batch_samples":128,"finetune_lr":0.1,)"
            R"("finetune_schedule":"constant","finetune_steps":40,"flip":true,"kind":"compression","momentum":0.9,"observer_steps":299,)"
            R"("order":"together","precision":"fp32","preset":"quantface","seed":18446744073709551615,"shards":1,"sparsity":0.7,)"
            R"("sparsity_pattern":"unstructured","sparsity_schedule":"one-shot","sparsity_scope":"global",)"
            R"("threads_per_stage":1,"version":1,"weight_decay":1e-08})");
}

TEST_CASE("parameters read back as what they were") {
    for (const StageKind kind : all_of<StageKind>()) {
        const std::string text = canonical_text(example(kind));
        const StageParameters back = parse_stage_parameters(text);
        CHECK(back.kind == kind);
        CHECK(canonical_text(back) == text);
    }
    const StageParameters back = parse_stage_parameters(canonical_text(example(StageKind::compression)));
    CHECK(back.seed == 18446744073709551615ULL);
    CHECK(back.bits == Bits{4, 8});
    CHECK(back.sparsity == 0.7);
    CHECK(back.recipe.weight_decay == 1e-8);
    CHECK(back.recipe.finetune_steps == 40);
    CHECK(back.data == sha256("faces"));
}

TEST_CASE("a recipe field that a stage does not use is not in its text") {
    StageParameters parameters = example(StageKind::baseline);
    const std::string baseline = canonical_text(parameters);
    parameters.recipe.finetune_steps = 77;
    parameters.recipe.dropout = 0.1;
    parameters.sparsity = 0.2;
    parameters.bits = {2, 2};
    CHECK(canonical_text(parameters) == baseline);
    parameters.recipe.momentum = 0.8;
    CHECK(canonical_text(parameters) != baseline);

    parameters = example(StageKind::compression);
    const std::string compression = canonical_text(parameters);
    parameters.recipe.baseline_epochs = 77;
    parameters.recipe.margin_rad = 0.1;
    CHECK(canonical_text(parameters) == compression);
    parameters.recipe.observer_steps = 7;
    CHECK(canonical_text(parameters) != compression);
}

TEST_CASE("the observers' schedule matters only where there are observers") {
    StageParameters parameters = example(StageKind::compression);
    parameters.bits = {32, 32};
    const std::string text = canonical_text(parameters);
    parameters.recipe.observer_steps = 7;
    CHECK(canonical_text(parameters) == text);
    CHECK(canonical_text(parse_stage_parameters(text)) == text);
}

TEST_CASE("how to prune matters only where there is pruning, its order only where there is quantisation too") {
    StageParameters parameters = example(StageKind::compression);
    const auto text_after = [&parameters](const char* order, const char* pattern) {
        parameters.recipe.order = order;
        parameters.recipe.sparsity_pattern = pattern;
        const std::string text = canonical_text(parameters);
        CHECK(canonical_text(parse_stage_parameters(text)) == text);
        return text;
    };
    CHECK(text_after("together", "2:4") != text_after("prune-first", "2:4"));
    CHECK(text_after("together", "2:4") != text_after("together", "channels"));
    parameters.bits = {32, 32};
    CHECK(text_after("together", "2:4") == text_after("prune-first", "2:4"));
    CHECK(text_after("together", "2:4") != text_after("together", "channels"));
    parameters.bits = {4, 4};
    parameters.sparsity = 0.0;
    CHECK(text_after("together", "2:4") == text_after("prune-first", "channels"));
}

TEST_CASE("a baseline's text has what its loss and schedule use") {
    StageParameters parameters = example(StageKind::baseline);
    const std::string plain = canonical_text(parameters);
    parameters.recipe.margin_std = 0.2;
    CHECK(canonical_text(parameters) == plain);
    parameters.recipe.margin_loss = "elastic-arcface";
    CHECK_THAT(canonical_text(parameters), ContainsSubstring(R"("margin_std":0.2)"));
    parameters.recipe.baseline_schedule = "cosine";
    const std::string cosine = canonical_text(parameters);
    parameters.recipe.baseline_milestones = {1};
    CHECK(canonical_text(parameters) == cosine);
    CHECK(canonical_text(parse_stage_parameters(cosine)) == cosine);
}

TEST_CASE("a key that came later is in the text of what uses it, unless it has its default") {
    StageParameters parameters = example(StageKind::baseline);
    const std::string before = canonical_text(parameters);
    CHECK_THAT(before, !ContainsSubstring("augmentation"));  // ids from before there was such a key
    CHECK(parse_stage_parameters(before).recipe.augmentation == "none");
    parameters.recipe.augmentation = "light";
    const std::string light = canonical_text(parameters);
    CHECK_THAT(light, ContainsSubstring(R"({"architecture":"iresnet10-w16-56","augmentation":"light","baseline_batch_samples")"));
    CHECK(parse_stage_parameters(light).recipe.augmentation == "light");
    CHECK(canonical_text(parse_stage_parameters(light)) == light);
    for (const StageKind kind : all_of<StageKind>()) {
        StageParameters other = example(kind);
        other.recipe.augmentation = "light";
        CHECK((canonical_text(other) == canonical_text(example(kind))) == (kind != StageKind::baseline));
    }
    std::string said = before;
    said.insert(said.find(R"("baseline_batch_samples")"), R"("augmentation":"none",)");
    CHECK_THROWS_AS(parse_stage_parameters(said), Error);  // one text for one stage
}

TEST_CASE("the keys of preset modern are in the id of what uses them, and in no other") {
    StageParameters quantface = example(StageKind::compression);
    const std::string fixed = canonical_text(quantface);
    quantface.recipe.weight_range = "mse";
    quantface.recipe.batch_norm = "live";
    CHECK(canonical_text(quantface) == fixed);

    StageParameters modern = example(StageKind::compression);
    modern.recipe.preset = "modern";
    const auto differs = [](const StageParameters& from, const auto& change) {
        StageParameters changed = from;
        change(changed.recipe);
        CHECK(canonical_text(parse_stage_parameters(canonical_text(changed))) == canonical_text(changed));
        return canonical_text(changed) != canonical_text(from);
    };
    const auto grid = [](Recipe& r) { r.weight_grid = "asymmetric"; };
    const auto slopes = [](Recipe& r) { r.slope_bits = 4; };
    const auto norm = [](Recipe& r) { r.batch_norm = "folded"; };
    const auto fraction = [](Recipe& r) { r.batch_norm_live_fraction = 0.5; };
    CHECK(differs(modern, grid));
    CHECK(differs(modern, slopes));
    CHECK(differs(modern, norm));
    CHECK(differs(modern, fraction));
    StageParameters weights_only = modern;
    weights_only.bits = {4, 32};
    CHECK(differs(weights_only, grid));
    CHECK_FALSE(differs(weights_only, slopes));
    StageParameters sham = modern;
    sham.bits = {32, 32};
    CHECK_FALSE(differs(sham, grid));
    CHECK(differs(sham, norm));  // the sham arm is trained by the same recipe
    sham.recipe.batch_norm = "live";
    CHECK_FALSE(differs(sham, fraction));
}

TEST_CASE("text that is not canonical is a store error") {
    const std::string good = canonical_text(example(StageKind::compression));
    const auto kind_of = [](const std::string& text) {
        try {
            static_cast<void>(parse_stage_parameters(text));
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::internal;
    };
    REQUIRE_NOTHROW(parse_stage_parameters(good));
    const auto replaced = [&good](const std::string& from, const std::string& to) {
        std::string text = good;
        text.replace(text.find(from), from.size(), to);
        return text;
    };
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string("[]"), std::string("null"), good.substr(0, good.size() - 1), good + " ",
          replaced("\"kind\":\"compression\"", "\"kind\":\"compresion\""), replaced("\"kind\":\"compression\"", "\"kind\":3"),
          replaced("\"sparsity\":0.7", "\"sparsity\":\"0.7\""), replaced("\"sparsity\":0.7", "\"sparsity\":0.70"),
          replaced("\"shards\":1", "\"shards\":1,\"surprise\":1"), replaced("\"shards\":1,", ""),
          replaced("\"shards\":1", "\"shards\":1.5"), replaced("\"flip\":true", "\"flip\":1"),
          replaced(sha256("faces").hex(), "abc")}) {
        INFO(text);
        CHECK(kind_of(text) == ErrorKind::store);
    }
}

TEST_CASE("a stage's id depends on kind, parameters and the order of what it needs") {
    const std::array<Digest, 2> needs = {sha256("a"), sha256("b")};
    const std::array<Digest, 2> swapped = {sha256("b"), sha256("a")};
    const Digest id = stage_id(StageKind::evaluation, "{}", needs);
    CHECK(id == stage_id(StageKind::evaluation, "{}", needs));
    CHECK(id != stage_id(StageKind::compression, "{}", needs));
    CHECK(id != stage_id(StageKind::evaluation, "{ }", needs));
    CHECK(id != stage_id(StageKind::evaluation, "{}", swapped));
    CHECK(id != stage_id(StageKind::evaluation, "{}", {}));
}

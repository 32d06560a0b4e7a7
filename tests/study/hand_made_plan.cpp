#include "hand_made_plan.hpp"

#include <stdexcept>

#include "faces/make_data.hpp"
#include "fairsweep/dataset.hpp"
#include "plan/stage_id.hpp"
#include "plan/stage_order.hpp"
#include "study/runner.hpp"
#include "study/stage_context.hpp"

namespace fairsweep::study_test {

void make_small_faces(const std::filesystem::path& folder, int test_identities) {
    faces::FaceDataParameters parameters;
    parameters.groups = faces::parse_groups("A,B", 1);
    parameters.identities = 6;
    parameters.images = 6;
    parameters.calibration_identities = 4;
    parameters.calibration_images = 4;
    parameters.test_identities = test_identities;
    parameters.pairs = 60;
    (void)faces::make_data(folder, parameters, 1, [](std::uint64_t, std::uint64_t) {});
}

PlanBuilder::PlanBuilder(const std::filesystem::path& faces) {
    plan.sweep_name = "by hand";
    plan.task = "verification";
    plan.code_version = "test";
    const auto add_data = [&](const std::string& name, const std::string& format, const std::string& folder) {
        DataSource source{name, format, faces / folder, {}};
        // The order of batches follows from the id. Six steps are too few to forget it, so it belongs to the test, not to the way
        // in which sets are hashed.
        const Digest id = sha256("fairsweep tests " + name);
        plan.data[name] = {.source = std::move(source), .id = id, .present = true};
    };
    add_data("train", "recordio", "train");
    add_data("synthetic", "recordio", "synthetic");
    add_data("test", "rfw", "test");
    plan.groups = evaluation_group_names(plan.data["test"].source);
}

StageIndex PlanBuilder::add(StageParameters parameters, std::vector<StageIndex> needs, std::vector<SharedText> data_sets) {
    Stage stage;
    stage.kind = parameters.kind;
    stage.parameters = canonical_text(parameters);
    std::vector<Digest> need_ids;
    for (const StageIndex need : needs) need_ids.push_back(plan.stages[need].id);
    stage.id = stage_id(stage.kind, stage.parameters.text(), need_ids);
    stage.needs = std::move(needs);
    stage.data_sets = std::move(data_sets);
    plan.stages.push_back(std::move(stage));
    return static_cast<StageIndex>(plan.stages.size() - 1);
}

StageIndex PlanBuilder::prepare(int image_size) {
    StageParameters parameters;
    parameters.kind = StageKind::prepare;
    parameters.data = plan.data.at("test").id;
    parameters.image_size = image_size;
    return add(parameters, {}, {"test"});
}

StageIndex PlanBuilder::baseline(const std::string& architecture, std::uint64_t seed, const Recipe& recipe) {
    StageParameters parameters;
    parameters.kind = StageKind::baseline;
    parameters.architecture = architecture;
    parameters.data = plan.data.at("train").id;
    parameters.seed = seed;
    parameters.recipe = recipe;
    return add(parameters, {}, {"train"});
}

StageIndex PlanBuilder::teacher(StageIndex baseline, const std::string& calibration, const Recipe& recipe) {
    StageParameters parameters = parse_stage_parameters(plan.stages[baseline].parameters.text());
    parameters.kind = StageKind::teacher;
    parameters.data = plan.data.at(calibration).id;
    parameters.recipe = recipe;
    return add(parameters, {baseline}, {calibration});
}

StageIndex PlanBuilder::compression(StageIndex baseline, StageIndex teacher, const std::string& calibration, Arm arm,
                                    std::uint64_t seed, const Recipe& recipe) {
    StageParameters parameters = parse_stage_parameters(plan.stages[baseline].parameters.text());
    parameters.kind = StageKind::compression;
    parameters.data = plan.data.at(calibration).id;
    parameters.seed = seed;
    parameters.bits = arm.bits;
    parameters.sparsity = arm.sparsity;
    parameters.distillation = arm.distillation;
    parameters.recipe = recipe;
    return add(parameters, {baseline, teacher}, {calibration});
}

StageIndex PlanBuilder::evaluation(StageIndex network, StageIndex prepare, const Recipe& recipe) {
    StageParameters parameters = parse_stage_parameters(plan.stages[network].parameters.text());
    parameters.kind = StageKind::evaluation;
    parameters.data = plan.data.at("test").id;
    parameters.recipe = recipe;
    return add(parameters, {network, prepare}, {});
}

StageOutcome run(StageRunner& runner, const Plan& plan, StageIndex stage, const std::map<StageIndex, Digest>& left,
                 const StageMonitor& monitor) {
    std::vector<Digest> artefacts(plan.stages.size());
    for (const auto& [index, digest] : left) artefacts[index] = digest;
    return runner.run(order_of(plan, stage, artefacts), monitor);
}

void fill_with_done(const std::filesystem::path& folder, const Plan& plan, const std::vector<StageIndex>& stages) {
    const auto once = make_stage_runner("trained");
    for (const StageIndex stage : stages) {
        const Stage& planned = plan.stages[stage];
        if (std::filesystem::exists(artefact_path("trained", planned.kind, planned.id))) continue;
        const StageOutcome outcome = run(*once, plan, stage);
        if (outcome.state != StageState::done) throw std::runtime_error(outcome.message);
    }
    std::filesystem::remove_all(folder);
    std::filesystem::copy("trained", folder);
}

Recipe small_recipe() {
    Recipe recipe;
    recipe.baseline_schedule = "cosine";
    recipe.baseline_lr_warmup_fraction = 0.1;
    recipe.baseline_nesterov = true;
    recipe.baseline_epochs = 6;
    recipe.baseline_batch_samples = 16;
    recipe.margin_scale = 16.0;
    recipe.margin_rad = 0.0;  // so that losses of different steps compare
    recipe.finetune_steps = 6;
    recipe.finetune_batch_samples = 16;
    recipe.embedding_loss_scale = 128.0;
    recipe.dropout = 0.0;
    return recipe;
}

}  // namespace fairsweep::study_test

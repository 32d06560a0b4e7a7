#include "study/stage_context.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <system_error>

#include "fairsweep/collective.hpp"
#include "fairsweep/error.hpp"
#include "plan/stage_kinds.hpp"
#include "study/prepared_faces.hpp"

namespace fairsweep {

std::filesystem::path artefact_path(const std::filesystem::path& folder, StageKind kind, const Digest& id) {
    return folder / (id.hex() + info_of(kind).artefact_suffix);
}

namespace {

[[noreturn]] void refuse_order(const StageOrder& order, const std::string& where, const std::string& expected) {
    throw_store({.attempted = fmt::format("cannot run the {} stage {}", name_of(order.kind), order.id.short_hex()),
                 .where = where,
                 .found = "",
                 .expected = expected,
                 .hint = ""});
}

}  // namespace

const Need& StageContext::need(StageKind kind) const {
    for (const Need& need : order.needs)
        if (need.kind == kind) return need;
    refuse_order(order, "its needs in the plan", fmt::format("a {} stage", name_of(kind)));
}

const Need& StageContext::network() const {
    for (const Need& need : order.needs)
        if (info_of(need.kind).leaves_network) return need;
    refuse_order(order, "its needs in the plan", "a stage that leaves a network");
}

const DataSource& StageContext::data_source() const {
    if (order.data.empty()) refuse_order(order, "its data set in the plan", "a data set of the plan");
    return order.data.front();
}

std::shared_ptr<FaceCache> StageContext::open_faces() const {
    return caches.open(data_source(), parameters.data, input_size_of(parameters.architecture));
}

LoaderOptions StageContext::batches(std::int64_t first, std::int64_t steps) const {
    LoaderOptions options;
    options.first_batch = first;
    options.end_batch = steps;
    if (monitor.team != nullptr) {
        options.rank = monitor.team->rank();
        options.ranks = monitor.team->size();
    }
    options.threads = parameters.recipe.threads_per_stage;
    return options;
}

void StageContext::progress(std::int64_t done, std::int64_t all) const {
    if (monitor.on_progress) monitor.on_progress(all == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(all));
}

bool StageContext::leaves_files() const { return monitor.team == nullptr || monitor.team->rank() == 0; }

Digest StageContext::state_identity() const {
    std::string text = order.id.hex() + order.code_version;
    for (const Need& need : order.needs) text += need.sha256.hex();
    return sha256(text);
}

void StageContext::forget_state() const {
    for (const char* suffix : {kTrainingStateSuffix, kRowsSuffix}) {
        std::error_code error;
        std::filesystem::remove(folder / (order.id.hex() + suffix), error);
    }
}

std::map<std::string, std::string> StageContext::metadata(const std::string& kind) const {
    std::map<std::string, std::string> metadata{{"kind", kind},
                                                {"version", std::to_string(parameters.version)},
                                                {"stage", order.id.hex()},
                                                {"code", order.code_version},
                                                {"format", "pt"}};
    if (!order.classes.empty()) metadata["class_names"] = nlohmann::json(order.classes).dump();
    return metadata;
}

void check_artefact(const SafetensorsFile& file, const std::string& kind, const Digest& stage_id) {
    const auto check = [&file](const char* key, const std::string& expected) {
        if (file.metadata(key) != expected)
            throw_data({.attempted = "cannot use an artefact",
                        .where = file.path().string() + ", " + key,
                        .found = file.metadata(key).substr(0, 80),
                        .expected = expected,
                        .hint = "the file belongs to something else; delete it, and the stage that wrote it runs again"});
    };
    check("kind", kind);
    check("stage", stage_id.hex());
}

StageOutcome done_outcome(const SafetensorsWriter::Written& written) {
    StageOutcome outcome;
    outcome.state = StageState::done;
    outcome.artefact = written.digest;
    outcome.artefact_bytes = written.size_bytes;
    return outcome;
}

StageOutcome member_outcome() {
    StageOutcome outcome;
    outcome.state = StageState::done;
    return outcome;
}

StageOutcome failed_outcome(FailureClass failure, const std::string& message) {
    StageOutcome outcome;
    outcome.state = StageState::failed;
    outcome.failure = failure;
    outcome.message = message;
    return outcome;
}

StageOutcome preempted_outcome() {
    StageOutcome outcome;
    outcome.state = StageState::preempted;
    outcome.failure = FailureClass::preempted;
    outcome.message = "asked to stop";
    return outcome;
}

StageOutcome diverged_outcome(const std::string& message) {
    StageOutcome outcome;
    outcome.state = StageState::diverged;
    outcome.failure = FailureClass::numeric;
    outcome.message = message;
    return outcome;
}

StageOutcome run_prepare(const StageContext& context) {
    const std::string& task = context.parameters.task;
    const EvaluationImages images = open_evaluation_images(task, context.data_source());
    const auto written =
        write_prepared_faces(context.own_artefact(), task, images, context.parameters.image_size,
                             context.metadata("prepared faces"), [&context](std::uint64_t done, std::uint64_t all) {
                                 context.progress(static_cast<std::int64_t>(done), static_cast<std::int64_t>(all));
                                 return !context.stop_requested();
                             });
    return written.size_bytes == 0 ? preempted_outcome() : done_outcome(written);
}

}  // namespace fairsweep

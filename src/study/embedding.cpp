#include "study/embedding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "compress/non_finite_error.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "metrics/task_figures.hpp"
#include "model/inference.hpp"
#include "plan/tasks.hpp"
#include "study/checkpoint.hpp"
#include "study/prepared_faces.hpp"
#include "study/stage_context.hpp"
#include "study/task_training.hpp"
#include "study/tensors.hpp"

namespace fairsweep {

namespace {

constexpr std::uint64_t kBatchImages = 64;

constexpr const char* kPlain = "embeddings";
constexpr const char* kMirrored = "embeddings_mirrored";

std::span<const std::byte> bytes_of(const torch::Tensor& tensor) {
    return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

/// Unit vectors, float64 [images, dimensions], of the sum of both orientations.
torch::Tensor unit_embeddings(const MirroredEmbeddings& embeddings) {
    torch::Tensor sum = embeddings.plain.to(torch::kDouble);
    if (embeddings.mirrored.defined()) sum = sum + embeddings.mirrored.to(torch::kDouble);
    if (!torch::isfinite(sum).all().item<bool>())
        throw NonFiniteError("the embedding", "the network gives NaN or infinite values");
    const torch::Tensor lengths = sum.norm(2, {1}, true);
    if ((lengths == 0.0).any().item<bool>())
        throw NonFiniteError("the embedding", "the network gives zeros only, which have no direction");
    return (sum / lengths.clamp_min(1e-12)).contiguous();
}

}  // namespace

MirroredEmbeddings embed_faces(Network& network, std::uint64_t images, bool mirror, const FaceReader& read,
                               const std::function<bool(std::uint64_t)>& keep_going) {
    FAIRSWEEP_CHECK(!network.is_training(), "embed with a network in train mode");
    prepare_for_inference(network, Precision::fp32);
    const torch::InferenceMode no_gradients;
    const auto rows = static_cast<std::int64_t>(images);
    MirroredEmbeddings result;
    result.plain = torch::empty({rows, network.output_size()});
    if (mirror) result.mirrored = torch::empty_like(result.plain);
    for (std::uint64_t begin = 0; begin < images; begin += kBatchImages) {
        const auto count = static_cast<std::int64_t>(std::min(kBatchImages, images - begin));
        for (const bool flip : {false, true}) {
            if (flip && !mirror) continue;
            ImageBatch batch(count, network.input_size());
            for (std::int64_t i = 0; i < count; ++i) batch.set(i, read(begin + static_cast<std::uint64_t>(i)), flip);
            const auto first = static_cast<std::int64_t>(begin);
            (flip ? result.mirrored : result.plain).slice(0, first, first + count).copy_(network.outputs(batch.tensor()));
        }
        if (!keep_going(begin + static_cast<std::uint64_t>(count))) return {};
    }
    return result;
}

std::vector<float> cosine_scores(const MirroredEmbeddings& embeddings, std::span<const std::uint32_t> image_a,
                                 std::span<const std::uint32_t> image_b) {
    const torch::Tensor units = unit_embeddings(embeddings);
    const std::int64_t dimensions = units.size(1);
    const double* rows = units.const_data_ptr<double>();
    std::vector<float> scores(image_a.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const double* a = rows + image_a[i] * dimensions;
        const double* b = rows + image_b[i] * dimensions;
        double sum = 0.0;
        for (std::int64_t d = 0; d < dimensions; ++d) sum += a[d] * b[d];
        scores[i] = static_cast<float>(std::clamp(sum, -1.0, 1.0));
    }
    return scores;
}

torch::Tensor half_units(const torch::Tensor& embeddings) {
    if (!torch::isfinite(embeddings).all().item<bool>())
        throw NonFiniteError("the embedding", "the teacher gives NaN or infinite values");
    return (embeddings / embeddings.norm(2, {1}, true).clamp_min(1e-12)).to(torch::kHalf).contiguous();
}

MirroredEmbeddings read_teacher(const SafetensorsFile& file, bool mirrored, std::uint64_t images, int embedding_size) {
    const auto read = [&](const char* name) {
        const TensorEntry& entry = file.require(name, "F16", 2);
        if (entry.shape[0] != images || entry.shape[1] != static_cast<std::uint64_t>(embedding_size))
            throw_data({.attempted = "cannot use the teacher's embeddings",
                        .where = file.path().string() + ", " + name,
                        .found = fmt::format("[{}, {}]", entry.shape[0], entry.shape[1]),
                        .expected = fmt::format("[{}, {}]", images, embedding_size),
                        .hint = "the calibration set changed, or the file belongs to another network"});
        return read_tensor(file, entry).to(torch::kFloat32);
    };
    MirroredEmbeddings teacher;
    teacher.plain = read(kPlain);
    if (mirrored) teacher.mirrored = read(kMirrored);
    return teacher;
}

StageOutcome run_teacher(const StageContext& context) {
    const Need& teaching = context.network();  // a baseline, or a teacher assistant
    const SafetensorsFile checkpoint(context.artefact_of(teaching));
    check_artefact(checkpoint, "network", teaching.id);
    const std::shared_ptr<Network> network = read_network(checkpoint);
    const std::shared_ptr<FaceCache> faces = context.open_faces();
    const MirroredEmbeddings embeddings = embed_faces(
        *network, faces->size(), context.parameters.recipe.flip,
        [&faces](std::uint64_t index) { return faces->face(index).pixels; },
        [&](std::uint64_t done) {
            context.progress(static_cast<std::int64_t>(done), static_cast<std::int64_t>(faces->size()));
            return !context.stop_requested();
        });
    if (!embeddings.plain.defined()) return preempted_outcome();
    const std::vector<std::uint64_t> shape{faces->size(), static_cast<std::uint64_t>(network->output_size())};
    SafetensorsPlan plan{.tensors = {{kPlain, "F16", shape}}, .metadata = context.metadata("teacher embeddings")};
    if (embeddings.mirrored.defined()) plan.tensors.push_back({kMirrored, "F16", shape});
    SafetensorsWriter writer(context.own_artefact(), std::move(plan));
    const TaskTraining& training = training_of(context.parameters.task);
    writer.append(bytes_of(training.target_of(embeddings.plain)));
    if (embeddings.mirrored.defined()) writer.append(bytes_of(training.target_of(embeddings.mirrored)));
    return done_outcome(writer.finish());
}

namespace {

StageOutcome outcome_of_responses(const StageContext& context, const PreparedFaces& faces, std::vector<float> responses) {
    StageOutcome outcome;
    outcome.state = StageState::done;
    outcome.scores = std::move(responses);
    TaskFigures figures = task_figures(context.parameters.task, faces.items(), outcome.scores, context.order.classes.size());
    outcome.measured[Metric::pooled_threshold] = figures.pooled_threshold.value_or(std::numeric_limits<double>::quiet_NaN());
    outcome.groups = std::move(figures.groups);
    return outcome;
}

}  // namespace

StageOutcome run_evaluation(const StageContext& context) {
    const Need& trained = context.network();
    const Need& prepare = context.need(StageKind::prepare);
    const SafetensorsFile checkpoint(context.artefact_of(trained));
    const PreparedFaces faces(context.artefact_of(prepare), context.parameters.task);
    check_artefact(faces.file(), "prepared faces", prepare.id);
    if (checkpoint.metadata("kind") == kScoresKind) {
        check_artefact(checkpoint, kScoresKind, trained.id);
        return outcome_of_responses(context, faces, checkpoint.read<float>(kScoresKind, "F32"));
    }
    check_artefact(checkpoint, "network", trained.id);
    const std::shared_ptr<Network> network = read_network(checkpoint);
    if (faces.image_size() != network->input_size() || faces.items().groups != context.order.groups)
        throw_data({.attempted = "cannot evaluate a network",
                    .where = faces.file().path().string(),
                    .found = fmt::format("{} groups, faces of {} pixels", faces.items().groups.size(), faces.image_size()),
                    .expected = fmt::format("the plan's {} groups, faces of {} pixels", context.order.groups.size(),
                                            network->input_size()),
                    .hint = ""});
    const MirroredEmbeddings embeddings = embed_faces(
        *network, faces.images(), true, [&faces](std::uint64_t index) { return faces.face(index); },
        [&](std::uint64_t done) {
            context.progress(static_cast<std::int64_t>(done), static_cast<std::int64_t>(faces.images()));
            return !context.stop_requested();
        });
    if (!embeddings.plain.defined()) return preempted_outcome();
    return outcome_of_responses(context, faces, training_of(context.parameters.task).responses(embeddings, faces));
}

}  // namespace fairsweep

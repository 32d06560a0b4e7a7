#include "study/embedding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>

#include "compress/non_finite_error.hpp"
#include "compress/quantisation.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "metrics/task_figures.hpp"
#include "model/inference.hpp"
#include "plan/tasks.hpp"
#include "study/checkpoint.hpp"
#include "study/kept_rows.hpp"
#include "study/prepared_faces.hpp"
#include "study/stage_device.hpp"
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

MirroredEmbeddings embed_batch(Network& network, std::uint64_t first, std::uint64_t count, bool mirror, const FaceReader& read,
                               torch::Device device) {
    const torch::InferenceMode no_gradients;
    const auto oriented = [&](bool flip) {
        ImageBatch batch(static_cast<std::int64_t>(count), network.input_size(), device);
        for (std::uint64_t i = 0; i < count; ++i) batch.set(static_cast<std::int64_t>(i), read(first + i), flip);
        return network.outputs(batch.tensor()).contiguous().cpu();
    };
    MirroredEmbeddings result{oriented(false), {}};
    if (mirror) result.mirrored = oriented(true);
    if (device.is_cpu()) return result;  // a pass there has thrown
    if (const torch::Tensor mark = broken_mark(network); mark.defined() && mark.item<float>() != 0.0F) refuse_broken(network);
    return result;
}

MirroredEmbeddings embed_faces(Network& network, std::uint64_t images, bool mirror, const FaceReader& read,
                               const std::function<bool(std::uint64_t)>& keep_going) {
    FAIRSWEEP_CHECK(!network.is_training(), "embed with a network in train mode");
    prepare_for_inference(network, Precision::fp32);
    const torch::InferenceMode no_gradients;
    MirroredEmbeddings result;
    result.plain = torch::empty({static_cast<std::int64_t>(images), network.output_size()});
    if (mirror) result.mirrored = torch::empty_like(result.plain);
    for (std::uint64_t begin = 0; begin < images; begin += kBatchImages) {
        const std::uint64_t count = std::min(kBatchImages, images - begin);
        const auto first = static_cast<std::int64_t>(begin), end = static_cast<std::int64_t>(begin + count);
        const MirroredEmbeddings batch = embed_batch(network, begin, count, mirror, read);
        result.plain.slice(0, first, end).copy_(batch.plain);
        if (mirror) result.mirrored.slice(0, first, end).copy_(batch.mirrored);
        if (!keep_going(begin + count)) return {};
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

TeacherTargets::TeacherTargets(const SafetensorsFile& file, bool mirrored, std::uint64_t images, int values)
    : values_(static_cast<std::size_t>(values)) {
    const auto bytes_of = [&](const char* name) {
        const TensorEntry& entry = file.require(name, "F16", 2);
        if (entry.shape[0] != images || entry.shape[1] != static_cast<std::uint64_t>(values))
            throw_data({.attempted = "cannot use the teacher's embeddings",
                        .where = file.path().string() + ", " + name,
                        .found = fmt::format("[{}, {}]", entry.shape[0], entry.shape[1]),
                        .expected = fmt::format("[{}, {}]", images, values),
                        .hint = "the calibration set changed, or the file belongs to another network"});
        return file.bytes(entry);
    };
    plain_ = bytes_of(kPlain);
    if (mirrored) mirrored_ = bytes_of(kMirrored);
}

torch::Tensor TeacherTargets::of(std::span<const Sample> samples, torch::Device device) const {
    const torch::Tensor rows =
        torch::empty({static_cast<std::int64_t>(samples.size()), static_cast<std::int64_t>(values_)}, sent_to(device));
    float* out = rows.data_ptr<float>();
    std::vector<c10::Half> row(values_);  // rows of a mapped file need not be aligned
    for (const Sample& sample : samples) {
        const std::size_t row_bytes = values_ * sizeof(c10::Half);
        const auto bytes = (sample.flip ? mirrored_ : plain_).subspan(sample.image * row_bytes, row_bytes);
        std::memcpy(row.data(), bytes.data(), row_bytes);
        out = std::copy(row.begin(), row.end(), out);
    }
    return on_device(rows, device);
}

namespace {

/// Both orientations of a row side by side, as they are kept.
torch::Tensor side_by_side(const MirroredEmbeddings& batch) {
    return batch.mirrored.defined() ? torch::cat({batch.plain, batch.mirrored}, 1).contiguous() : batch.plain.contiguous();
}

/// What is kept of all images, in the file <stage id>.rows while it is not all there: batches of kBatchImages, each as `kept_of`
/// makes it [images, values of both orientations].
class EmbeddedRows {
public:
    using KeptOf = std::function<torch::Tensor(const MirroredEmbeddings& batch)>;

    EmbeddedRows(const StageContext& context, std::uint64_t images, std::int64_t values, torch::ScalarType type)
        : context_(context),
          device_(open_device(context.parameters.recipe, "fp32")),
          images_(images),
          values_(values),
          type_(type),
          rows_(context.folder / (context.order.id.hex() + kRowsSuffix), context.state_identity(),
                {.rows = images,
                 .row_bytes = static_cast<std::uint64_t>(values) * torch::elementSize(type),
                 .block_rows = kBatchImages}),
          synced_at_(Clock::now()) {}

    /// Embeds what is not there yet. False when the stage was asked to stop: what there is stays for the next attempt.
    [[nodiscard]] bool complete(Network& network, bool mirror, const FaceReader& read, const KeptOf& kept_of) {
        FAIRSWEEP_CHECK(!network.is_training(), "embed with a network in train mode");
        network.to(device_);
        prepare_for_inference(network, Precision::fp32);
        while (const std::uint64_t count = rows_.next_block_rows()) {
            if (context_.stop_requested()) {
                rows_.sync();
                return false;
            }
            const torch::Tensor kept = kept_of(embed_batch(network, rows_.rows_done(), count, mirror, read, device_));
            FAIRSWEEP_CHECK(kept.scalar_type() == type_ && kept.size(1) == values_, "rows as they were said to be");
            rows_.append(bytes_of(kept));
            sync_when_due();
            context_.progress(static_cast<std::int64_t>(rows_.rows_done()), static_cast<std::int64_t>(images_));
        }
        return true;
    }

    /// Calls with every batch in turn, [images, values].
    void for_each(const std::function<void(const torch::Tensor& batch)>& visit) const {
        for (std::uint64_t row = 0; row < images_; row += kBatchImages) {
            const std::vector<std::byte> block = rows_.block_at(row);
            const auto count = static_cast<std::int64_t>(std::min(kBatchImages, images_ - row));
            torch::Tensor batch = torch::empty({count, values_}, type_);
            std::memcpy(batch.data_ptr(), block.data(), block.size());
            visit(batch);
        }
    }
    void remove() const { rows_.remove(); }
    [[nodiscard]] std::uint64_t rows_done() const { return rows_.rows_done(); }

private:
    using Clock = std::chrono::steady_clock;
    void sync_when_due() {
        if (Clock::now() - synced_at_ < std::chrono::duration<double>(context_.order.run.checkpoint_s)) return;
        rows_.sync();
        synced_at_ = Clock::now();
    }

    const StageContext& context_;
    torch::Device device_;
    std::uint64_t images_;
    std::int64_t values_;
    torch::ScalarType type_;
    KeptRows rows_;
    Clock::time_point synced_at_;
};

}  // namespace

StageOutcome run_teacher(const StageContext& context) {
    const Need& teaching = context.network();  // a baseline, or a teacher assistant
    const SafetensorsFile checkpoint(context.artefact_of(teaching));
    check_artefact(checkpoint, "network", teaching.id);
    const std::shared_ptr<Network> network = read_network(checkpoint);
    const std::shared_ptr<FaceCache> faces = context.open_faces();
    const bool mirror = context.parameters.recipe.flip;
    const std::int64_t values = network->output_size();
    const TaskTraining& training = training_of(context.parameters.task);
    EmbeddedRows rows(context, faces->size(), mirror ? 2 * values : values, torch::kHalf);
    FaceRow row(faces, kBatchImages, context.parameters.recipe.threads_per_stage, rows.rows_done());
    const bool is_complete = rows.complete(
        *network, mirror, [&row](std::uint64_t index) { return row.face(index); },
        [&](const MirroredEmbeddings& batch) {
            MirroredEmbeddings targets{training.target_of(batch.plain), {}};
            if (mirror) targets.mirrored = training.target_of(batch.mirrored);
            return side_by_side(targets);
        });
    if (!is_complete) return preempted_outcome();
    const std::vector<std::uint64_t> shape{faces->size(), static_cast<std::uint64_t>(values)};
    SafetensorsPlan plan{.tensors = {{kPlain, "F16", shape}}, .metadata = context.metadata("teacher embeddings")};
    if (mirror) plan.tensors.push_back({kMirrored, "F16", shape});
    SafetensorsWriter writer(context.own_artefact(), std::move(plan));
    for (const std::int64_t first : mirror ? std::vector<std::int64_t>{0, values} : std::vector<std::int64_t>{0})
        rows.for_each(
            [&](const torch::Tensor& batch) { writer.append(bytes_of(batch.slice(1, first, first + values).contiguous())); });
    StageOutcome outcome = done_outcome(writer.finish());
    rows.remove();
    return outcome;
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
    const std::int64_t values = network->output_size();
    EmbeddedRows rows(context, faces.images(), 2 * values, torch::kFloat);
    if (!rows.complete(
            *network, true, [&faces](std::uint64_t index) { return faces.face(index); }, side_by_side))
        return preempted_outcome();
    const auto images = static_cast<std::int64_t>(faces.images());
    const MirroredEmbeddings embeddings{torch::empty({images, values}), torch::empty({images, values})};
    std::int64_t row = 0;
    rows.for_each([&](const torch::Tensor& batch) {
        embeddings.plain.narrow(0, row, batch.size(0)).copy_(batch.slice(1, 0, values));
        embeddings.mirrored.narrow(0, row, batch.size(0)).copy_(batch.slice(1, values));
        row += batch.size(0);
    });
    StageOutcome outcome =
        outcome_of_responses(context, faces, training_of(context.parameters.task).responses(embeddings, faces));
    rows.remove();
    return outcome;
}

}  // namespace fairsweep

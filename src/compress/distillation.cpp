#include "compress/distillation.hpp"

#include "fairsweep/error.hpp"
#include "fairsweep/sweep.hpp"
#include "model/unit.hpp"

namespace fairsweep {
namespace {

constexpr double kAngleWeight = 2.0;

/// [batch, batch, dimensions]: row j minus row i at (i, j).
torch::Tensor differences(const torch::Tensor& x) { return x.unsqueeze(0) - x.unsqueeze(1); }

/// Distances over their mean, [batch, batch]; the diagonal is 0 and has no gradient.
torch::Tensor relative_distances(const torch::Tensor& difference) {
    const torch::Tensor distance = difference.square().sum(2).clamp_min(kSmallestNorm).sqrt();
    const torch::Tensor off_diagonal = 1.0 - torch::eye(difference.size(0), difference.options());
    const torch::Tensor positive = distance * off_diagonal;
    const auto pairs = static_cast<double>(difference.size(0) * (difference.size(0) - 1));
    return positive / (positive.sum() / pairs).clamp_min(kSmallestNorm);
}

/// Cosines of the angles at every row between every two others, [batch, batch, batch].
torch::Tensor angles(const torch::Tensor& difference) {
    const torch::Tensor direction = unit(difference, 2);
    return torch::bmm(direction, direction.transpose(1, 2));
}

}  // namespace

torch::Tensor embedding_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale) {
    return torch::mse_loss(unit(student), unit(teacher.detach())) * scale;
}

torch::Tensor cosine_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale) {
    return (1.0 - (unit(student) * unit(teacher.detach())).sum(1)).mean() * scale;
}

torch::Tensor relational_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale) {
    const torch::Tensor of_student = differences(unit(student)), of_teacher = differences(unit(teacher.detach()));
    const torch::Tensor distance = torch::smooth_l1_loss(relative_distances(of_student), relative_distances(of_teacher));
    const torch::Tensor angle = torch::smooth_l1_loss(angles(of_student), angles(of_teacher));
    return (distance + kAngleWeight * angle) * scale;
}

torch::Tensor logits_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale) {
    const torch::Tensor target = torch::log_softmax(teacher.detach(), 1);
    return torch::kl_div(torch::log_softmax(student, 1), target, torch::Reduction::Sum, true) /
           static_cast<double>(student.size(0)) * scale;
}

DistillationLoss distillation_loss(const std::string& name) {
    const std::string loss = loss_of(name);
    if (loss == "embedding") return embedding_loss;
    if (loss == "cosine") return cosine_loss;
    if (loss == "relational") return relational_loss;
    if (loss == "logits") return logits_loss;
    throw_usage({.attempted = "cannot fine-tune",
                 .where = "axes.distillation",
                 .found = "'" + name + "'",
                 .expected = "embedding, cosine, relational or logits, maybe with -chain"});
}

}  // namespace fairsweep

#pragma once
/// Losses of the fine-tune: how far the student's embeddings are from the teacher's. Both are [batch, dimensions] of any
/// length and are compared as unit vectors, unit(x) = x / max(|x|, 1e-12); no gradient to the teacher; results are
/// 0-dimensional.
#include <torch/torch.h>

#include <string>

namespace fairsweep {

/// scale * mean over batch and dimensions of (unit(student) - unit(teacher))^2, the reference's loss. scale = dimensions
/// gives 2 - 2 cos.
[[nodiscard]] torch::Tensor embedding_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale);

/// scale * mean over the batch of 1 - cos(student, teacher).
[[nodiscard]] torch::Tensor cosine_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale);

/// Relational knowledge distillation (Park et al., CVPR 2019, arXiv 1904.05068, eqs. 5-8 and RKD-DA's weights):
/// scale * (distance + 2 * angle). distance: Huber (delta 1) between the two sets' pairwise distances, each divided by the
/// mean of its positive ones; angle: Huber between the cosines of the angles in all triplets. Means over all batch^2 pairs
/// and batch^3 triplets. Memory grows with batch^2 * dimensions and batch^3: 128 images of 512 dimensions need some 100 MB.
[[nodiscard]] torch::Tensor relational_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale);

/// Of classifiers, [batch, classes]: scale * mean over the batch of the divergence KL(softmax(teacher) || softmax(student))
/// (Hinton et al., 2015, arXiv 1503.02531, at temperature 1). It needs no labels.
[[nodiscard]] torch::Tensor logits_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale);

/// By a job file's word: embedding, cosine, relational or logits, maybe with "-chain", which changes the teacher and not the
/// loss. Throws a usage Error for another one.
using DistillationLoss = torch::Tensor (*)(const torch::Tensor& student, const torch::Tensor& teacher, double scale);
[[nodiscard]] DistillationLoss distillation_loss(const std::string& name);

}  // namespace fairsweep

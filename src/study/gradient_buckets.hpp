#pragma once
/// Sums of gradients over the ranks of a team, which begin while the backward pass still runs. Gradients lie in buckets that the order
/// of registration alone fixes, the last tensors first, since theirs are ready first: 1 MB, then 25 MB each. Buckets are handed to the
/// team in their order on every rank.
#include <torch/torch.h>

#include <vector>

#include "fairsweep/collective.hpp"

namespace fairsweep {

using Tensors = std::vector<torch::Tensor>;

/// A dense float32 tensor as what a team works on.
[[nodiscard]] inline Buffer buffer_of(const torch::Tensor& tensor) {
    return {.data = tensor.data_ptr(), .count = static_cast<std::size_t>(tensor.numel()), .type = Scalar::f32, .on_device = !tensor.is_cpu()};
}

class GradientBuckets {
public:
    /// `team` and the tensors must outlive the buckets. Local.
    GradientBuckets(Collective& team, const Tensors& trained);
    /// Ends the team where a sum is still under way: its memory goes.
    ~GradientBuckets();
    GradientBuckets(const GradientBuckets&) = delete;
    GradientBuckets& operator=(const GradientBuckets&) = delete;

    [[nodiscard]] bool are_of(const Tensors& trained) const;
    /// Before the backward pass of this rank's last part. `earlier`: sums over subtrees of its parts before, [subtrees][trained],
    /// the nearest last; undefined where a part had no gradient.
    void begin(std::vector<Tensors> earlier);
    /// After it, or in its place: hands over what is left. What has no gradient counts as zero.
    void post_rest();
    /// Waits, at most `limit_s` for each bucket, and puts the sums over all ranks where this rank has a gradient: in the tensors'
    /// .grad, which are taken. Undefined where it has none. Throws a TeamError. Collective.
    [[nodiscard]] Tensors finish(double limit_s);

private:
    struct Place {
        std::size_t bucket = 0;
        std::int64_t begin = 0;  ///< in elements
    };
    struct Bucket {
        torch::Tensor flat{};       ///< float32, [elements]
        std::size_t tensors = 0, missing = 0;
        Ticket ticket{};
    };
    void arrived(std::size_t tensor, const torch::Tensor& gradient);
    void post_complete();
    [[nodiscard]] torch::Tensor view_of(std::size_t tensor) const;

    Collective& team_;
    Tensors trained_;
    std::vector<unsigned> hooks_;
    std::vector<Place> places_;  ///< [trained]
    std::vector<Bucket> buckets_;
    std::vector<Tensors> earlier_;
    std::vector<bool> has_arrived_;  ///< [trained]
    std::size_t posted_ = 0, waited_ = 0;  ///< buckets
    bool is_open_ = false;           ///< gradients of the last part are awaited
};

}  // namespace fairsweep

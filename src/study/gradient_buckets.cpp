#include "study/gradient_buckets.hpp"

#include <algorithm>
#include <utility>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

constexpr std::int64_t kFirstBucketBytes = 1 << 20, kBucketBytes = 25 << 20;

/// The sum of a part and of the complete subtrees to its left, as TreeSum adds them. Undefined where nothing is.
torch::Tensor with_earlier(const std::vector<Tensors>& earlier, std::size_t tensor, torch::Tensor value) {
    for (auto subtree = earlier.rbegin(); subtree != earlier.rend(); ++subtree) {
        const torch::Tensor& left = (*subtree)[tensor];
        if (left.defined()) value = value.defined() ? left.add_(value) : left;
    }
    return value;
}

}  // namespace

GradientBuckets::GradientBuckets(Collective& team, const Tensors& trained)
    : team_(team), trained_(trained), places_(trained.size()), has_arrived_(trained.size(), false) {
    std::int64_t limit_bytes = kFirstBucketBytes, elements = 0;
    const auto close = [&] {
        buckets_.back().flat = torch::zeros({elements}, trained.front().options().requires_grad(false));
        elements = 0;
        limit_bytes = kBucketBytes;
    };
    for (std::size_t i = trained.size(); i-- > 0;) {
        if (elements == 0) buckets_.emplace_back();
        places_[i] = {buckets_.size() - 1, elements};
        ++buckets_.back().tensors;
        elements += trained[i].numel();
        if (elements * static_cast<std::int64_t>(sizeof(float)) >= limit_bytes) close();
    }
    if (elements > 0) close();
    for (std::size_t i = 0; i < trained.size(); ++i)
        hooks_.push_back(trained_[i].register_hook([this, i](const torch::Tensor& gradient) { arrived(i, gradient); }));
}

GradientBuckets::~GradientBuckets() {
    for (std::size_t i = 0; i < trained_.size(); ++i) trained_[i].remove_hook(hooks_[i]);
    if (waited_ < posted_) team_.abort("a step was given up");
}

bool GradientBuckets::are_of(const Tensors& trained) const {
    return std::equal(trained.begin(), trained.end(), trained_.begin(), trained_.end(),
                      [](const torch::Tensor& a, const torch::Tensor& b) { return a.is_same(b); });
}

void GradientBuckets::begin(std::vector<Tensors> earlier) {
    FAIRSWEEP_CHECK(waited_ == posted_, "the sums of the step before were waited for");
    earlier_ = std::move(earlier);
    posted_ = waited_ = 0;
    is_open_ = true;
    std::fill(has_arrived_.begin(), has_arrived_.end(), false);
    for (Bucket& bucket : buckets_) bucket.missing = bucket.tensors;
}

torch::Tensor GradientBuckets::view_of(std::size_t tensor) const {
    const std::int64_t begin = places_[tensor].begin;
    return buckets_[places_[tensor].bucket].flat.slice(0, begin, begin + trained_[tensor].numel()).view(trained_[tensor].sizes());
}

void GradientBuckets::arrived(std::size_t tensor, const torch::Tensor& gradient) {
    if (!is_open_ || !gradient.defined()) return;  // of an earlier part; of a tensor that nothing depends on
    const torch::NoGradGuard no_gradients;
    view_of(tensor).copy_(with_earlier(earlier_, tensor, gradient));
    has_arrived_[tensor] = true;
    --buckets_[places_[tensor].bucket].missing;
    post_complete();
}

void GradientBuckets::post_complete() {
    for (; posted_ < buckets_.size() && buckets_[posted_].missing == 0; ++posted_) {
        buckets_[posted_].ticket = team_.all_reduce(buffer_of(buckets_[posted_].flat), Reduction::sum);
    }
}

void GradientBuckets::post_rest() {
    const torch::NoGradGuard no_gradients;
    is_open_ = false;
    for (std::size_t i = 0; i < trained_.size(); ++i) {
        if (has_arrived_[i]) continue;
        const torch::Tensor value = with_earlier(earlier_, i, {});
        if (value.defined())
            view_of(i).copy_(value);
        else
            view_of(i).zero_();
        trained_[i].mutable_grad() = value;
    }
    for (Bucket& bucket : buckets_) bucket.missing = 0;
    post_complete();
}

Tensors GradientBuckets::finish(double limit_s) {
    const torch::NoGradGuard no_gradients;
    for (; waited_ < posted_; ++waited_) wait(team_, buckets_[waited_].ticket, limit_s, [] { return true; });
    Tensors sums;
    for (std::size_t i = 0; i < trained_.size(); ++i) {
        sums.push_back(trained_[i].grad());
        trained_[i].mutable_grad() = torch::Tensor();
        if (sums.back().defined()) sums.back().copy_(view_of(i));
    }
    earlier_.clear();
    return sums;
}

}  // namespace fairsweep

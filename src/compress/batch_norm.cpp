#include "compress/batch_norm.hpp"

#include <string>

namespace fairsweep {
namespace {

using torch::nn::BatchNorm2dImpl;

void fold(Convolution& convolution, BatchNorm2dImpl& norm) {
    const double eps = norm.options.eps();
    const torch::Tensor factor = norm.weight.to(torch::kDouble) / (norm.running_var.to(torch::kDouble) + eps).sqrt();
    norm.bias.sub_(norm.running_mean.to(torch::kDouble) * factor);
    convolution.weight.mul_(factor.view({-1, 1, 1, 1}));
    norm.weight.fill_(1.0);
    norm.weight.requires_grad_(false);
    norm.running_mean.zero_();
    norm.running_var.fill_(1.0 - eps);
}

/// The BatchNorm that follows a convolution among a module's children, by the names of the two families: a block that ends
/// in bn3 has a BatchNorm before its first convolution.
std::string norm_after(const std::string& convolution, bool has_bn3) {
    if (convolution == "conv") return "bn";
    if (convolution == "0") return "1";
    if (convolution == "conv1") return has_bn3 ? "bn2" : "bn1";
    if (convolution == "conv2") return "bn3";
    return {};
}

void fold_children(torch::nn::Module& module) {
    const auto children = module.named_children();
    for (const auto& item : children) {
        fold_children(*item.value());
        auto* convolution = dynamic_cast<Convolution*>(item.value().get());
        const std::string name = norm_after(item.key(), children.contains("bn3"));
        if (convolution == nullptr || !children.contains(name)) continue;
        if (auto* norm = dynamic_cast<BatchNorm2dImpl*>(children[name].get())) fold(*convolution, *norm);
    }
}

}  // namespace

void freeze_batch_norm(torch::nn::Module& network) {
    for (const auto& module : network.modules(false)) {
        if (module->as<torch::nn::BatchNorm2d>() != nullptr || module->as<torch::nn::BatchNorm1d>() != nullptr) module->eval();
    }
}

void fold_batch_norm(torch::nn::Module& network) {
    const torch::NoGradGuard no_grad;
    fold_children(network);
    freeze_batch_norm(network);
}

}  // namespace fairsweep

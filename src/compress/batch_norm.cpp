#include "compress/batch_norm.hpp"

namespace fairsweep {
namespace {

void fold(Convolution& convolution, torch::nn::BatchNorm2dImpl& norm) {
    const auto [factor, shift] = affine_of(norm);
    norm.bias.copy_(shift);
    convolution.weight.mul_(factor.view({-1, 1, 1, 1}));
    norm.weight.fill_(1.0);
    norm.weight.requires_grad_(false);
    norm.running_mean.zero_();
    norm.running_var.fill_(1.0 - norm.options.eps());
}

}  // namespace

void freeze_batch_norm(torch::nn::Module& network) {
    for (const auto& module : network.modules(false)) {
        if (module->as<torch::nn::BatchNorm2d>() != nullptr || module->as<torch::nn::BatchNorm1d>() != nullptr) module->eval();
    }
}

void fold_batch_norm(torch::nn::Module& network) {
    const torch::NoGradGuard no_grad;
    for (const auto& [name, layer] : weighted_layers(network)) {
        auto* convolution = dynamic_cast<Convolution*>(layer);
        if (convolution != nullptr && convolution->norm) fold(*convolution, *convolution->norm);
    }
    freeze_batch_norm(network);
}

}  // namespace fairsweep

#include "model/families.hpp"

namespace fairsweep {
namespace {

using torch::nn::BatchNorm1d;
using torch::nn::BatchNorm2d;

/// conv -> BN [-> PReLU].
struct ConvBlock : Unit {
    ConvBlock(const ConvolutionShape& shape, bool with_prelu)
        : conv(register_module("conv", std::make_shared<Convolution>(shape))) {
        conv->norm = register_module("bn", BatchNorm2d(shape.out));
        if (with_prelu) prelu = register_module("prelu", std::make_shared<PRelu>(shape.out));
    }
    torch::Tensor forward(const torch::Tensor& x) override {
        torch::Tensor y = conv->forward_normalised(x);
        return prelu ? prelu->forward(y) : y;
    }
    std::shared_ptr<Convolution> conv;
    std::shared_ptr<PRelu> prelu;
};

constexpr bool kPRelu = true, kLinear = false;

/// 1x1 to `groups` channels -> 3x3 depthwise with the stride -> 1x1 without PReLU [-> + identity].
struct DepthWise : Unit {
    DepthWise(int in, int out, int groups, int stride, bool residual)
        : conv(register_module("conv", std::make_shared<ConvBlock>(ConvolutionShape{.in = in, .out = groups}, kPRelu))),
          conv_dw(register_module(
              "conv_dw",
              std::make_shared<ConvBlock>(
                  ConvolutionShape{.in = groups, .out = groups, .kernel = 3, .stride = stride, .padding = 1, .groups = groups},
                  kPRelu))),
          project(register_module("project", std::make_shared<ConvBlock>(ConvolutionShape{.in = groups, .out = out}, kLinear))) {
        if (residual) sum = register_module("sum", std::make_shared<ActivationPoint>());
    }
    torch::Tensor forward(const torch::Tensor& x) override {
        const torch::Tensor y = project->forward(conv_dw->forward(conv->forward(x)));
        return sum ? sum->forward(residual_sum(x, y)) : y;
    }
    std::shared_ptr<ConvBlock> conv, conv_dw, project;
    std::shared_ptr<ActivationPoint> sum;
};

/// `repeats` residual units, named model.0, model.1, ...
struct Residual : Unit {
    Residual(int channels, int groups, int repeats) : model(register_module("model", torch::nn::Sequential())) {
        for (int i = 0; i < repeats; ++i) model->push_back(std::make_shared<DepthWise>(channels, channels, groups, 1, true));
    }
    torch::Tensor forward(const torch::Tensor& x) override { return model->forward(x); }
    torch::nn::Sequential model;
};

/// Depthwise convolution over the whole map -> linear without bias -> BatchNorm1d.
struct OutputLayer : Unit {
    OutputLayer(int channels, int side, int embedding_size)
        : conv_6_dw(register_module(
              "conv_6_dw", std::make_shared<ConvBlock>(
                               ConvolutionShape{.in = channels, .out = channels, .kernel = side, .groups = channels}, kLinear))),
          linear(register_module("linear", std::make_shared<Linear>(channels, embedding_size, false))),
          bn(register_module("bn", BatchNorm1d(embedding_size))) {}
    torch::Tensor forward(const torch::Tensor& x) override { return bn(linear->forward(conv_6_dw->forward(x).flatten(1))); }
    std::shared_ptr<ConvBlock> conv_6_dw;
    std::shared_ptr<Linear> linear;
    BatchNorm1d bn;
};

struct MobileFaceNet : Network {
    explicit MobileFaceNet(const Architecture& a) : Network(a) {
        const int w = a.width, side = halved(halved(halved(halved(a.input_size))));
        const ConvolutionShape stem{.in = 3, .out = w, .kernel = 3, .stride = 2, .padding = 1};
        const ConvolutionShape depthwise{.in = w, .out = w, .kernel = 3, .padding = 1, .groups = w};
        add("conv1", std::make_shared<ConvBlock>(stem, kPRelu));
        add("conv2_dw", std::make_shared<ConvBlock>(depthwise, kPRelu));
        add("conv_23", std::make_shared<DepthWise>(w, w, 2 * w, 2, false));
        add("conv_3", std::make_shared<Residual>(w, 2 * w, a.stage_blocks[0]));
        add("conv_34", std::make_shared<DepthWise>(w, 2 * w, 4 * w, 2, false));
        add("conv_4", std::make_shared<Residual>(2 * w, 4 * w, a.stage_blocks[1]));
        add("conv_45", std::make_shared<DepthWise>(2 * w, 2 * w, 8 * w, 2, false));
        add("conv_5", std::make_shared<Residual>(2 * w, 4 * w, a.stage_blocks[2]));
        add("conv_6_sep", std::make_shared<ConvBlock>(ConvolutionShape{.in = 2 * w, .out = 8 * w}, kPRelu));
        add("output_layer", std::make_shared<OutputLayer>(8 * w, side, a.embedding_size));
    }

    torch::Tensor forward(torch::Tensor x) override {
        for (const auto& part : parts) x = part->forward(x);
        return x;
    }

    void set_dropout(double, std::uint64_t) override {}

private:
    void add(const std::string& name, const std::shared_ptr<Unit>& part) { parts.push_back(register_module(name, part)); }
    std::vector<std::shared_ptr<Unit>> parts;
};

}  // namespace

std::shared_ptr<Network> build_mobilefacenet(const Architecture& architecture) {
    return std::make_shared<MobileFaceNet>(architecture);
}

}  // namespace fairsweep

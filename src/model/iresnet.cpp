#include "model/families.hpp"

namespace fairsweep {
namespace {

using torch::nn::BatchNorm1d;
using torch::nn::BatchNorm2d;

/// conv1x1 -> BN, named as a sequence ("0", "1").
struct Downsample : torch::nn::Module {
    Downsample(int in, int out, int stride)
        : conv(register_module("0", std::make_shared<Convolution>(ConvolutionShape{.in = in, .out = out, .stride = stride}))) {
        conv->norm = register_module("1", BatchNorm2d(out));
    }
    torch::Tensor forward(const torch::Tensor& x) { return conv->forward_normalised(x); }
    std::shared_ptr<Convolution> conv;
};

constexpr int kSeReduction = 16;

/// Squeeze and excitation (Hu et al., CVPR 2018): mean over the map -> 1x1 -> ReLU -> 1x1 -> sigmoid -> scales the channels.
/// As in the reference the ReLU is followed by an activation point; the sigmoid and the product are not.
struct SqueezeExcitation : Unit {
    explicit SqueezeExcitation(int channels)
        : fc1(register_module("fc1",
                              std::make_shared<Convolution>(ConvolutionShape{.in = channels, .out = channels / kSeReduction}))),
          relu(register_module("relu", std::make_shared<ActivationPoint>())),
          fc2(register_module("fc2",
                              std::make_shared<Convolution>(ConvolutionShape{.in = channels / kSeReduction, .out = channels}))) {}
    torch::Tensor forward(const torch::Tensor& x) override {
        // threshold(x, 0, 0) is ReLU, but keeps its input for the gradient: a quantiser overwrites the output.
        const torch::Tensor squeezed = relu->forward(torch::threshold(fc1->forward(x.mean({2, 3}, /*keepdim=*/true)), 0, 0));
        return x * torch::sigmoid(fc2->forward(squeezed));
    }
    std::shared_ptr<Convolution> fc1;
    std::shared_ptr<ActivationPoint> relu;
    std::shared_ptr<Convolution> fc2;
};

/// BN -> conv3x3 -> BN -> PReLU -> conv3x3 (carries the stride) -> BN [-> SE] -> + identity; nothing follows the addition.
struct IResNetBlock : Unit {
    IResNetBlock(int in, int out, int stride, bool use_se)
        : bn1(register_module("bn1", BatchNorm2d(in))),
          conv1(register_module(
              "conv1", std::make_shared<Convolution>(ConvolutionShape{.in = in, .out = out, .kernel = 3, .padding = 1}))),
          bn2(register_module("bn2", BatchNorm2d(out))),
          prelu(register_module("prelu", std::make_shared<PRelu>(out))),
          conv2(register_module("conv2", std::make_shared<Convolution>(ConvolutionShape{
                                             .in = out, .out = out, .kernel = 3, .stride = stride, .padding = 1}))),
          bn3(register_module("bn3", BatchNorm2d(out))) {
        if (stride != 1 || in != out) downsample = register_module("downsample", std::make_shared<Downsample>(in, out, stride));
        if (use_se) se_block = register_module("se_block", std::make_shared<SqueezeExcitation>(out));
        sum = register_module("sum", std::make_shared<ActivationPoint>());
        conv1->norm = bn2;
        conv2->norm = bn3;
    }

    torch::Tensor forward(const torch::Tensor& x) override {
        torch::Tensor y = prelu->forward(conv1->forward_normalised(bn1(x)));
        y = conv2->forward_normalised(y);
        if (se_block) y = se_block->forward(y);
        return sum->forward(residual_sum(downsample ? downsample->forward(x) : x, y));
    }

    BatchNorm2d bn1;
    std::shared_ptr<Convolution> conv1;
    BatchNorm2d bn2;
    std::shared_ptr<PRelu> prelu;
    std::shared_ptr<Convolution> conv2;
    BatchNorm2d bn3;
    std::shared_ptr<Downsample> downsample;
    std::shared_ptr<SqueezeExcitation> se_block;
    std::shared_ptr<ActivationPoint> sum;
};

torch::nn::Sequential make_stage(int in, int out, int blocks, bool use_se) {
    torch::nn::Sequential stage;
    for (int i = 0; i < blocks; ++i)
        stage->push_back(std::make_shared<IResNetBlock>(i == 0 ? in : out, out, i == 0 ? 2 : 1, use_se));
    return stage;
}

struct IResNet : Network {
    explicit IResNet(const Architecture& a)
        : Network(a),
          conv1(register_module("conv1", std::make_shared<Convolution>(ConvolutionShape{
                                             .in = 3, .out = a.width, .kernel = 3, .stride = a.stem_stride, .padding = 1}))),
          bn1(register_module("bn1", BatchNorm2d(a.width))),
          prelu(register_module("prelu", std::make_shared<PRelu>(a.width))) {
        conv1->norm = bn1;
        int channels = a.width;
        int side = a.stem_stride == 2 ? halved(a.input_size) : a.input_size;
        for (std::size_t i = 0; i < 4; ++i) {
            const int out = a.width << i;
            layers[i] = register_module("layer" + std::to_string(i + 1), make_stage(channels, out, a.stage_blocks[i], a.use_se));
            channels = out;
            side = halved(side);
        }
        bn2 = register_module("bn2", BatchNorm2d(channels));
        dropout = register_module("dropout", std::make_shared<Dropout>());
        fc = register_module("fc", std::make_shared<Linear>(channels * side * side, a.embedding_size, true));
        features = register_module("features", BatchNorm1d(a.embedding_size));
        features->weight.requires_grad_(false);  // fixed at 1: the scale of an embedding means nothing
    }

    torch::Tensor forward(torch::Tensor x) override {
        x = prelu->forward(conv1->forward_normalised(x));
        for (auto& layer : layers) x = layer->forward(x);
        // Flattened as (channel, row, column) whatever the memory format.
        x = dropout->forward(bn2(x).flatten(1));
        return features(fc->forward(x));
    }

    void set_dropout(double probability, std::uint64_t seed) override { dropout->set(probability, seed); }

    std::shared_ptr<Convolution> conv1;
    BatchNorm2d bn1;
    std::shared_ptr<PRelu> prelu;
    std::array<torch::nn::Sequential, 4> layers{nullptr, nullptr, nullptr, nullptr};
    BatchNorm2d bn2{nullptr};
    std::shared_ptr<Dropout> dropout;
    std::shared_ptr<Linear> fc;
    BatchNorm1d features{nullptr};
};

}  // namespace

std::shared_ptr<Network> build_iresnet(const Architecture& architecture) { return std::make_shared<IResNet>(architecture); }

}  // namespace fairsweep

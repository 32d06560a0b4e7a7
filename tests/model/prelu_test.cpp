/// Our PReLU against LibTorch's own.
#include "model/prelu.hpp"

#include <cmath>
#include <initializer_list>
#include <vector>

#include "model/network.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

struct Result {
    torch::Tensor y, x_gradient, slope_gradient;
};

template <class Prelu>
Result run(const Prelu& apply, const torch::Tensor& x_value, const torch::Tensor& slope_value, const torch::Tensor& upstream) {
    const torch::Tensor x = x_value.detach().clone().requires_grad_(), slopes = slope_value.detach().clone().requires_grad_();
    const torch::Tensor y = apply(x, slopes);
    y.backward(upstream);
    return {y.detach(), x.grad(), slopes.grad()};
}

Result ours(const torch::Tensor& x, const torch::Tensor& slopes, const torch::Tensor& upstream) {
    return run([](const torch::Tensor& a, const torch::Tensor& b) { return fairsweep::prelu(a, b); }, x, slopes, upstream);
}
Result torchs(const torch::Tensor& x, const torch::Tensor& slopes, const torch::Tensor& upstream) {
    return run([](const torch::Tensor& a, const torch::Tensor& b) { return torch::prelu(a, b); }, x, slopes, upstream);
}

double relative_error(const torch::Tensor& value, const torch::Tensor& expected) {
    return ((value - expected).norm() / expected.norm()).item<double>();
}

torch::Tensor laid_out(const torch::Tensor& x, bool channels_last) {
    return channels_last ? x.contiguous(torch::MemoryFormat::ChannelsLast) : x.contiguous();
}

}  // namespace

TEST_CASE("PReLU and its gradient of the activation equal LibTorch's bit for bit in float32") {
    torch::manual_seed(1);
    for (const bool channels_last : {false, true}) {
        // 37 channels and 13 x 11 pixels: no multiple of any vector's width; the large one takes more than one thread.
        for (const auto& shape : {std::vector<std::int64_t>{3, 37, 13, 11}, {4, 64, 56, 56}, {2, 1, 5, 7}}) {
            torch::Tensor x = laid_out(torch::randn(shape), channels_last);
            x[0][0][0][0] = 0.0;
            const torch::Tensor slopes = torch::randn({shape[1]}), upstream = laid_out(torch::randn(shape), channels_last);
            const Result own = ours(x, slopes, upstream), expected = torchs(x, slopes, upstream);
            CHECK(torch::equal(own.y, expected.y));
            CHECK(own.y.strides() == x.strides());
            CHECK(torch::equal(own.x_gradient, expected.x_gradient));
            // Sums in another order. Against double, as LibTorch's own float sums are no better.
            const Result exact = torchs(x.to(torch::kDouble), slopes.to(torch::kDouble), upstream.to(torch::kDouble));
            CHECK(relative_error(own.slope_gradient.to(torch::kDouble), exact.slope_gradient) < 2e-6);
        }
    }
}

TEST_CASE("PReLU takes an upstream gradient and an activation in any layout") {
    torch::manual_seed(2);
    const torch::Tensor x = torch::randn({4, 8, 6, 10}).transpose(2, 3), slopes = torch::randn({8});
    const torch::Tensor upstream = torch::randn({4, 8, 10, 6}).contiguous(torch::MemoryFormat::ChannelsLast);
    const Result own = ours(x, slopes, upstream), expected = torchs(x, slopes, upstream);
    CHECK(torch::equal(own.y, expected.y));
    CHECK(torch::equal(own.x_gradient, expected.x_gradient));
    const torch::Tensor flat = torch::randn({5, 8});
    CHECK(torch::equal(fairsweep::prelu(flat, slopes), torch::prelu(flat, slopes)));
}

TEST_CASE("PReLU in bfloat16 rounds once, and sums the slopes' gradient in more than bfloat16") {
    torch::manual_seed(3);
    const torch::Tensor x = laid_out(torch::randn({4, 24, 9, 9}).to(torch::kBFloat16), true);
    const torch::Tensor upstream = laid_out(torch::randn({4, 24, 9, 9}).to(torch::kBFloat16), true), slopes = torch::randn({24});
    const Result own = ours(x, slopes, upstream);
    const Result exact = torchs(x.to(torch::kFloat), slopes, upstream.to(torch::kFloat));
    CHECK(torch::equal(own.y, exact.y.to(torch::kBFloat16)));
    CHECK(torch::equal(own.x_gradient, exact.x_gradient.to(torch::kBFloat16)));
    CHECK(own.slope_gradient.scalar_type() == torch::kFloat);
    CHECK(relative_error(own.slope_gradient, exact.slope_gradient) < 1e-5);
}

TEST_CASE("PReLU lets NaN and infinity through") {
    const torch::Tensor slopes = torch::full({1}, 0.25);
    for (const auto type : {torch::kFloat, torch::kBFloat16}) {
        const torch::Tensor y =
            fairsweep::prelu(torch::tensor({{NAN}, {INFINITY}, {-INFINITY}}).to(type), slopes).to(torch::kFloat);
        CHECK(std::isnan(y[0].item<float>()));
        CHECK(y[1].item<float>() == INFINITY);
        CHECK(y[2].item<float>() == -INFINITY);
    }
}

TEST_CASE("a network in bfloat16 trains its float32 masters and embeds nearly as in float32") {
    torch::manual_seed(4);
    const auto network = make_network("iresnet10-w16-56", 1);
    const torch::Tensor images = laid_out(torch::rand({8, 3, 56, 56}) * 2 - 1, true);
    network->eval();
    const torch::Tensor exact = network->forward(images);
    set_precision(*network, Precision::bf16);
    const torch::Tensor rough = network->forward(images);
    CHECK(rough.scalar_type() == torch::kFloat);
    CHECK_FALSE(torch::equal(exact, rough));
    // bfloat16 keeps 8 bits: one rounding is 2^-9 = 0.2 %, a dozen layers add up to about a per cent.
    CHECK(torch::cosine_similarity(exact, rough).min().item<double>() > 0.999);
    network->train();
    network->forward(images).square().mean().backward();
    for (const auto& item : network->named_parameters()) {
        CHECK(item.value().scalar_type() == torch::kFloat);
        if (item.value().requires_grad()) CHECK(item.value().grad().scalar_type() == torch::kFloat);
    }
    set_precision(*network, Precision::fp32);
    network->eval();
    CHECK(network->forward(images).scalar_type() == torch::kFloat);
}

TEST_CASE("In place: the same bits, over x where it is plain or channels-last, else in a copy") {
    torch::manual_seed(5);
    const torch::Tensor slopes = torch::rand({40}) - 0.3;
    for (const auto type : {torch::kFloat, torch::kBFloat16}) {
        const torch::Tensor plain = torch::randn({3, 40, 5, 7}).to(type);
        for (const torch::Tensor& x : {plain.clone(), plain.contiguous(torch::MemoryFormat::ChannelsLast).clone(),
                                       plain.transpose(2, 3).clone(torch::MemoryFormat::Contiguous).transpose(2, 3)}) {
            const torch::Tensor expected = fairsweep::prelu(x, slopes), before = x.clone();
            const torch::Tensor found = fairsweep::prelu_in_place(x, slopes);
            CHECK(torch::equal(found, expected));
            const bool in_place = found.data_ptr() == x.data_ptr();
            CHECK(in_place == (x.is_contiguous() || x.is_contiguous(torch::MemoryFormat::ChannelsLast)));
            CHECK((in_place || torch::equal(x, before)));
        }
    }
}

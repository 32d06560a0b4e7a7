// Sizes of the networks against the tables of the reference, and the strided 1x1 convolutions that crash LibTorch.
#include "model/network_cost.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "plan/cost.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;

namespace {

std::map<std::string, std::int64_t> parameters_by_module(const NetworkCost& cost) {
    std::map<std::string, std::int64_t> result;
    for (const ModuleCost& module : cost.modules) result[module.name] = module.parameters;
    return result;
}

NetworkCost cost_of(const std::string& name) { return network_cost(*build_network(name)); }

}  // namespace

TEST_CASE("The four IResNets have the reference's totals, layer counts and multiply-accumulates") {
    struct Row {
        const char* name;
        std::int64_t total, with_se, quantised, buffers, macs;
        int convolutions, norms, prelus, points;
    };
    for (const Row& row : {Row{"iresnet18", 24025600, 24112640, 24008384, 14751, 2609954816, 21, 30, 9, 17},
                           Row{"iresnet34", 34139328, 34296512, 34109120, 25911, 4459642880, 37, 54, 17, 33},
                           Row{"iresnet50", 43590848, 43813568, 43546304, 38223, 6309330944, 53, 78, 25, 49},
                           Row{"iresnet100", 65156160, 65528384, 65074880, 69786, 12089606144, 103, 153, 50, 99}}) {
        INFO(row.name);
        const NetworkCost cost = cost_of(row.name);
        CHECK(cost.parameters == row.total);
        CHECK(cost.quantised == row.quantised);
        CHECK(cost.buffers == row.buffers);
        CHECK(cost.macs == row.macs);
        CHECK(cost.convolutions == row.convolutions);
        CHECK(cost.linears == 1);
        CHECK(cost.batch_norms_2d == row.norms);
        CHECK(cost.prelus == row.prelus);
        CHECK(cost.activation_points == row.points);
        const NetworkCost se = cost_of(std::string(row.name) + "-se");
        const int blocks = row.points - row.prelus;
        CHECK(se.parameters == row.with_se);
        CHECK(se.convolutions == row.convolutions + 2 * blocks);
        CHECK(se.activation_points == row.points + blocks);  // one after each ReLU
        // On one pixel each weight is used once.
        CHECK(se.macs - cost.macs == row.with_se - row.total);
        CHECK(network_size(std::string(row.name) + "-se").macs == static_cast<double>(se.macs));
        CHECK(network_size(std::string(row.name) + "-se").weights == static_cast<double>(se.quantised));
    }
}

TEST_CASE("Parameters per module are those of the reference") {
    using Table = std::map<std::string, std::int64_t>;
    const Table common{{"conv1", 1728}, {"bn1", 128}, {"prelu", 64}, {"bn2", 1024}, {"fc", 12845568}, {"features", 1024}};
    const auto with = [&common](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
        Table table = common;
        table.insert({{"layer1", a}, {"layer2", b}, {"layer3", c}, {"layer4", d}});
        return table;
    };
    CHECK(parameters_by_module(cost_of("iresnet18")) == with(152576, 526208, 2100992, 8396288));
    CHECK(parameters_by_module(cost_of("iresnet34")) == with(226752, 1117824, 6826752, 13118464));
    CHECK(parameters_by_module(cost_of("iresnet50")) == with(226752, 1117824, 16278272, 13118464));
    CHECK(parameters_by_module(cost_of("iresnet100")) == with(226752, 3780096, 35181312, 13118464));
    const Table mobile{{"conv1", 1920},       {"conv2_dw", 768},
                       {"conv_23", 18432},    {"conv_3", 73728},
                       {"conv_34", 53248},    {"conv_4", 417792},
                       {"conv_45", 139008},   {"conv_5", 139264},
                       {"conv_6_sep", 67072}, {"output_layer", 26112 + 512 * 128 + 256}};
    CHECK(parameters_by_module(cost_of("mobilefacenet")) == mobile);
}

TEST_CASE("MobileFaceNet has the reference's totals") {
    const NetworkCost cost = cost_of("mobilefacenet");
    CHECK(cost.parameters == 1003136);
    CHECK(cost.quantised == 976000);
    CHECK(cost.buffers == 19634);
    CHECK(cost.macs == 220965376);
    CHECK(cost.convolutions == 49);
    CHECK(cost.linears == 1);
    CHECK(cost.batch_norms_2d == 49);  // the table's 50 counts the BatchNorm1d too
    CHECK(cost.prelus == 33);
    CHECK(cost.activation_points == 45);
}

TEST_CASE("Counting leaves the network as it was") {
    const auto network = make_network("iresnet10-w16-56-se", 3);
    std::vector<torch::Tensor> before;
    for (const auto& [name, tensor] : state_of(*network)) before.push_back(tensor.clone());
    const NetworkCost cost = network_cost(*network);
    CHECK(cost.macs == static_cast<std::int64_t>(network_size("iresnet10-w16-56-se").macs));
    CHECK(network->is_training());
    std::size_t i = 0;
    for (const auto& [name, tensor] : state_of(*network)) CHECK(torch::equal(tensor, before[i++]));
}

TEST_CASE("Squeeze and excitation has the reference's names and the quantiser after its ReLU") {
    const auto network = build_network("iresnet18-se");
    std::vector<std::string> names;
    for (const auto& item : network->named_parameters())
        if (item.key().starts_with("layer2.0.se_block.")) names.push_back(item.key());
    CHECK(names == std::vector<std::string>{"layer2.0.se_block.fc1.weight", "layer2.0.se_block.fc2.weight"});
    CHECK(network->named_parameters()["layer2.0.se_block.fc1.weight"].sizes().vec() == std::vector<std::int64_t>{8, 128, 1, 1});
    CHECK(network->named_parameters()["layer2.0.se_block.fc2.weight"].sizes().vec() == std::vector<std::int64_t>{128, 8, 1, 1});
    std::vector<std::string> points;
    for (const auto& [name, point] : activation_points(*network))
        if (name.starts_with("layer2.0.")) points.push_back(name);
    CHECK(points == std::vector<std::string>{"layer2.0.prelu.output", "layer2.0.se_block.relu", "layer2.0.sum"});
}

TEST_CASE("Squeeze and excitation scales each channel by its gate") {
    const torch::NoGradGuard no_gradients;
    const auto plain = make_network("iresnet10-w16-56", 3), gated = make_network("iresnet10-w16-56-se", 3);
    plain->eval();
    gated->eval();
    const torch::Tensor images = golden::noise({2, 3, 56, 56}, 1);
    // With the last gate at sigmoid(0) = 1/2 a block is the plain one with half the residual branch, and so is a plain
    // block whose bn3 is halved.
    for (auto& [name, tensor] : state_of(*gated))
        if (name.ends_with("se_block.fc2.weight")) tensor.zero_();
    for (auto& [name, tensor] : state_of(*plain))
        if (name.ends_with("bn3.weight") || name.ends_with("bn3.bias")) tensor.mul_(0.5);
    const torch::Tensor a = gated->forward(images), b = plain->forward(images);
    CHECK(golden::l2(a - b) <= 1e-5 * golden::l2(b));
    for (auto& [name, tensor] : state_of(*gated))
        if (name.ends_with("se_block.fc2.weight")) tensor.fill_(1.0);
    CHECK(golden::l2(gated->forward(images) - b) > 1e-2 * golden::l2(b));
}

TEST_CASE("Strided 1x1 convolutions of few channels train in channels-last memory") {
    // LibTorch 2.15 ends with a segmentation fault in this weight gradient (8 -> 16 channels on a map of 56 x 56, any batch).
    // Widths of networks start at 16; layers whose channels were removed may be narrower.
    for (const auto& [in, out] : {std::pair{4, 8}, std::pair{8, 16}, std::pair{16, 8}, std::pair{5, 7}, std::pair{16, 32}}) {
        INFO(in << " -> " << out);
        Convolution layer({.in = in, .out = out, .stride = 2});
        {
            const torch::NoGradGuard no_gradients;
            layer.weight.copy_(golden::noise({out, in, 1, 1}, 7));
        }
        const torch::Tensor images = golden::noise({16, in, 56, 56}, 8);
        torch::Tensor x = images.contiguous(torch::MemoryFormat::ChannelsLast).requires_grad_();
        layer.forward(x).square().sum().backward();
        // The same by a matrix product, which has no such kernel.
        const torch::Tensor plain = images.clone().requires_grad_();
        const torch::Tensor weight = layer.weight.detach().clone().requires_grad_();
        const torch::Tensor corners = plain.slice(2, 0, 56, 2).slice(3, 0, 56, 2).flatten(2);  // [16, in, 784]
        torch::matmul(weight.view({out, in}), corners).square().sum().backward();
        CHECK(golden::l2(layer.weight.grad() - weight.grad()) <= 1e-5 * golden::l2(weight.grad()));
        CHECK(golden::l2(x.grad() - plain.grad()) <= 1e-5 * golden::l2(plain.grad()));
    }
}

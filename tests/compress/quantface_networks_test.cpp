// Parity with the public reference code: whole converted networks at 16, 8, 6 and 4 bits.
#include <memory>
#include <set>
#include <utility>

#include "parity_checks.hpp"

using namespace fairsweep;
using namespace fairsweep::golden;

namespace {

/// Measures what goes into an attached quantiser and what comes out.
struct NormRecorder : ActivationTransform {
    explicit NormRecorder(std::shared_ptr<ActivationTransform> quantiser) : inner(std::move(quantiser)) {}
    torch::Tensor forward(torch::Tensor x) override {
        input_l2 = l2(x);
        const torch::Tensor out = inner->forward(std::move(x));
        output_l2 = l2(out);
        return out;
    }
    std::shared_ptr<ActivationTransform> inner;
    double input_l2 = 0.0, output_l2 = 0.0;
};

std::vector<std::shared_ptr<NormRecorder>> record_norms(Network& network) {
    std::vector<std::shared_ptr<NormRecorder>> recorders;
    for (const auto& [name, point] : activation_points(network)) {
        recorders.push_back(std::make_shared<NormRecorder>(point->attached()));
        point->attach(recorders.back());
    }
    return recorders;
}

/// Relative. At 8 bits and below a deep network is chaotic in the last bit (golden README, section 7): norms and ranges stay
/// near the reference's, embeddings say something at 8 and 6 bits and nothing below. w6a6: three times what was measured.
struct Limits {
    double range, norm, embedding;
};
Limits limits_of(const std::string& setting) {
    if (setting == "w16a16") return {.range = 1e-3, .norm = 5e-5, .embedding = 2e-3};
    if (setting == "w8a8") return {.range = 0.15, .norm = 7e-3, .embedding = 0.3};
    if (setting == "w6a6") return {.range = 0.4, .norm = 0.014, .embedding = 0.6};
    return {.range = 0.4, .norm = 0.1, .embedding = 0.0};
}

/// Two calibration batches, ranges frozen, one batch evaluated.
void check_forward(Network& network, const Json& golden, const Json& setting, const Limits& limits) {
    const torch::NoGradGuard no_grad;
    set_quantisers(network, {.weight = setting.at("weight_bits"), .activation = setting.at("activation_bits")});
    network.eval();
    for (const Json& k : golden.at("calibration_k")) network.forward(images(2, k));
    set_observing(network, false);
    const Json& quantisers = setting.at("quantisers");
    // The first depends on one layer, the third on the first block: no chaos yet.
    check_ranges(activation_ranges(network), quantisers, [&](std::size_t i) { return i == 0 || i == 2 ? 1e-5 : limits.range; });
    const auto recorders = record_norms(network);
    const torch::Tensor embeddings = network.forward(images(2, golden.at("evaluation_k")));
    for (std::size_t i = 0; i < recorders.size(); ++i) {
        INFO(quantisers[i][0].get<std::string>());
        CHECK(relative_difference(recorders[i]->input_l2, quantisers[i][3].get<double>()) <= limits.norm);
        CHECK(relative_difference(recorders[i]->output_l2, quantisers[i][4].get<double>()) <= limits.norm);
    }
    for (std::size_t row = 0; row < 2; ++row) {
        const Json& expected = setting.at("embedding")[row];
        const torch::Tensor found = embeddings[static_cast<std::int64_t>(row)], first = tensor_of(expected.at("first16"));
        if (limits.embedding == 0.0) continue;
        CHECK(l2(found.slice(0, 0, 16) - first) <= limits.embedding * l2(first));
        check_tensor(found, expected, limits.embedding);
        CHECK(std::abs(found.mean().item<double>() - expected.at("mean").get<double>()) * std::sqrt(found.numel()) <=
              limits.embedding * expected.at("l2").get<double>());
    }
}

}  // namespace

TEST_CASE("Whole networks have the reference's ranges, norms at every quantiser and embeddings") {
    const Json golden = read("quantized_forward.json");
    for (const auto& [architecture, model] : golden.at("models").items()) {
        const auto network = filled_network(architecture);
        CHECK(activation_points(*network).size() == model.at("quantiser_count").get<std::size_t>());
        std::int64_t total = 0, trainable = 0;
        for (const torch::Tensor& parameter : network->parameters()) {
            total += parameter.numel();
            trainable += parameter.requires_grad() ? parameter.numel() : 0;
        }
        CHECK(total == model.at("parameters_total").get<std::int64_t>());
        CHECK(trainable == model.at("parameters_trainable").get<std::int64_t>());
        for (const auto& [name, setting] : model.at("settings").items()) {
            INFO(architecture << ", " << name);
            check_forward(*network, golden, setting, limits_of(name));
        }
    }
}

TEST_CASE("The state of a quantised network has the reference's names, but for its nesting and its unused buffers") {
    const Json models = read("quantized_forward.json").at("models");
    for (const auto& [architecture, model] : models.items()) {
        INFO(architecture);
        const auto network = build_network(architecture);
        set_quantisers(*network, {.weight = 8, .activation = 8});
        std::set<std::pair<std::string, std::vector<std::int64_t>>> ours, theirs;
        for (const auto& [name, tensor] : state_of(*network)) ours.insert({name, tensor.sizes().vec()});
        for (const Json& entry : model.at("state_dict")) {
            std::string name = our_name(entry[0].get<std::string>());
            if (name.ends_with(".beta") || name.ends_with(".beta_t")) continue;  // never used by the reference
            name = std::regex_replace(name, std::regex("prelu\\.quantAct\\."), "prelu.output.quantiser.");
            name = std::regex_replace(name, std::regex("(layer[0-9]\\.[0-9]+|model\\.[0-9]+)\\.1\\.x_"), "$1.sum.quantiser.x_");
            theirs.insert({name, entry[1].get<std::vector<std::int64_t>>()});
        }
        CHECK((ours == theirs));
    }
}

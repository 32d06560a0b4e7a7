/// Loads what tests/study/torch_import.py wrote into the working folder.
#include "study/weights.hpp"

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "compress/quantisation.hpp"
#include "fairsweep/error.hpp"
#include "model/state_fit.hpp"
#include "study/checkpoint.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;

namespace {

constexpr const char* kReduced = "iresnet10-w16-56";

torch::Tensor floats_of(const std::string& file, const std::vector<std::int64_t>& shape) {
    torch::Tensor tensor = torch::empty(shape);
    std::ifstream stream(file, std::ios::binary);
    stream.read(static_cast<char*>(tensor.data_ptr()), static_cast<std::streamsize>(tensor.nbytes()));
    REQUIRE(stream.good());
    return tensor;
}

std::string refusal(const std::string& architecture, const std::string& file) {
    try {
        (void)load_weights(architecture, file);
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was refused";
}

void write_plain_safetensors(const std::string& file, const NamedTensors& tensors, const std::string& prefix) {
    SafetensorsPlan plan;
    for (const auto& [name, tensor] : tensors) {
        TensorEntry entry{.name = prefix + name, .dtype = dtype_word(tensor.scalar_type()), .shape = {}};
        for (const std::int64_t side : tensor.sizes()) entry.shape.push_back(static_cast<std::uint64_t>(side));
        plan.tensors.push_back(entry);
    }
    SafetensorsWriter writer(file, plan);
    for (const auto& [name, tensor] : tensors) {
        const torch::Tensor whole = tensor.detach().contiguous();
        writer.append({static_cast<const std::byte*>(whole.const_data_ptr()), whole.nbytes()});
    }
    (void)writer.finish();
}

}  // namespace

TEST_CASE("a network written from the description in Python gives the same embeddings here") {
    const torch::NoGradGuard no_grad;
    const torch::Tensor images = floats_of("images.f32", {3, 3, 56, 56});
    for (const char* name : {"plain", "parallel", "double", "half", "strided", "old"}) {
        for (const char* format : {"zip", "legacy"}) {
            INFO(name << " " << format);
            const LoadedWeights loaded = load_weights(kReduced, std::string(name) + "." + format + ".pth");
            CHECK(loaded.kind == std::string("torch ") + format);
            CHECK(loaded.bits.is_float());
            CHECK_FALSE(loaded.network->is_training());
            const torch::Tensor there = floats_of(std::string(name) + ".f32", {3, 128});
            const torch::Tensor here = loaded.network->forward(images);
            // Two versions of torch add in different orders: 2e-6 was measured for whole networks, five times that is allowed.
            CHECK(golden::l2(here - there) <= 1e-5 * golden::l2(there));
        }
    }
}

TEST_CASE("a full network through a .pth has the reference's embeddings") {
    const torch::NoGradGuard no_grad;
    const LoadedWeights loaded = load_weights("mobilefacenet", "mobilefacenet.pth");
    const torch::Tensor here = loaded.network->forward(golden::images(2, 100003));
    const golden::Json expected = golden::read("models.json").at("models").at("mobilefacenet").at("embedding");
    for (std::int64_t row = 0; row < 2; ++row) {
        const golden::Json& image = expected.at(static_cast<std::size_t>(row));
        const torch::Tensor first = golden::tensor_of(image.at("first16"));
        CHECK(golden::l2(here[row].slice(0, 0, 16) - first) <= 1e-5 * golden::l2(first));
        CHECK(std::abs(golden::checksum(here[row]) - image.at("checksum").get<double>()) <= 1e-5 * image.at("l2").get<double>());
    }
}

TEST_CASE("weights that do not fit say what is missing, what is too much, and what would fit") {
    const std::string unfit = refusal(kReduced, "unfit.pth");
    CHECK_THAT(unfit, ContainsSubstring("2 missing (bn2.weight, fc.bias)") && ContainsSubstring("1 unexpected (head.weight)") &&
                          ContainsSubstring("no architecture"));
    const std::string other = refusal("iresnet18", "plain.zip.pth");
    CHECK_THAT(other, ContainsSubstring("of another shape (conv1.weight [16, 3, 3, 3] instead of [64, 3, 3, 3]") &&
                          ContainsSubstring("missing (layer1.1.bn1.weight") &&
                          ContainsSubstring("--architecture iresnet10-w16-56"));
    CHECK_THAT(refusal("iresnet100", "mobilefacenet.pth"), ContainsSubstring("--architecture mobilefacenet"));
    CHECK_THAT(refusal(kReduced, "whole.zip.pth"), ContainsSubstring("__main__.Reduced") && ContainsSubstring("state_dict()"));
    CHECK_THAT(refusal(kReduced, "nan.pth"), ContainsSubstring("fc.bias") && ContainsSubstring("NaN"));
    CHECK_THAT(refusal("iresnet11", "plain.zip.pth"), ContainsSubstring("iresnet11"));
    CHECK_THAT(refusal(kReduced, "images.f32"), ContainsSubstring("another kind"));
    CHECK_THAT(refusal(kReduced, "absent.pth"), ContainsSubstring("absent.pth"));
}

TEST_CASE("the architecture of a state is found for full and reduced members") {
    for (const char* name :
         {"mobilefacenet", "iresnet18", "iresnet34", "iresnet10-w16-56", "iresnet18-w32", "mobilefacenet-w16-56"})
        CHECK(fitting_architecture(shapes_of_architecture(name)) == name);
    NamedShapes state = shapes_of_architecture("mobilefacenet");
    state.pop_back();
    state.pop_back();
    CHECK(fitting_architecture(state).empty());
}

TEST_CASE("safetensors of others are loaded, with and without the prefix of DataParallel") {
    const torch::NoGradGuard no_grad;
    const auto network = make_network(kReduced, 3);
    network->eval();
    const torch::Tensor images = golden::noise({2, 3, 56, 56}, 5);
    for (const char* prefix : {"", "module."}) {
        write_plain_safetensors("weights.bin", state_of(*network), prefix);
        const LoadedWeights loaded = load_weights(kReduced, "weights.bin");
        CHECK(loaded.kind == "safetensors");
        CHECK(torch::equal(loaded.network->forward(images), network->forward(images)));
    }
    NamedTensors rounded;
    for (const auto& [name, tensor] : state_of(*network))
        rounded.emplace_back(name, tensor.is_floating_point() ? tensor.to(torch::kBFloat16) : tensor);
    write_plain_safetensors("bfloat16.safetensors", rounded, "");
    const LoadedWeights loaded = load_weights(kReduced, "bfloat16.safetensors");
    CHECK(torch::equal(state_of(*loaded.network)[0].second, rounded[0].second.to(torch::kFloat)));
}

TEST_CASE("checkpoints of other people's training are read bit for bit, and what is left out is reported") {
    const NamedTensors plain = state_of(*load_weights(kReduced, "plain.zip.pth").network);
    const std::vector<std::pair<std::string, std::string>> layouts{{"adaface", "head.kernel"},
                                                                   {"magface", "fc.weight, parallel_fc.weight"},
                                                                   {"facexzoo", "head.weight"},
                                                                   {"compiled", ""},
                                                                   {"compiled_parallel", ""},
                                                                   {"best_acc", "1 tensor under best_acc1"},
                                                                   {"loss", "1 tensor under loss"},
                                                                   {"rng", "1 tensor under torch_rng"},
                                                                   {"config", ""},
                                                                   {"head_inside", "head.weight, arcface.weight"},
                                                                   {"optimiser", "1 tensor under optimizer"}};
    for (const auto& [name, left_out] : layouts) {
        INFO(name);
        const LoadedWeights loaded = load_weights(kReduced, name + ".pth");
        CHECK(loaded.left_out == left_out);
        CHECK(loaded.architecture == kReduced);
        const NamedTensors state = state_of(*loaded.network);
        REQUIRE(state.size() == plain.size());
        for (std::size_t i = 0; i < state.size(); ++i) CHECK(torch::equal(state[i].second, plain[i].second));
    }
    CHECK(torch::equal(state_of(*load_weights(kReduced, "same_twice.pth").network)[0].second, plain[0].second));
}

TEST_CASE("a file with several networks is refused with their names, and a line that chooses one") {
    CHECK_THAT(refusal(kReduced, "two.pth"),
               ContainsSubstring("its `model`; its `ema`") && ContainsSubstring("torch.save(ck['ema'],"));
    CHECK_THAT(refusal(kReduced, "two_prefixes.pth"),
               ContainsSubstring("without the prefix `student.`") && ContainsSubstring("without the prefix `teacher.`") &&
                   ContainsSubstring("k[8:]: v for k, v in ck.items() if k.startswith('teacher.')"));
    CHECK_THAT(refusal(kReduced, "plain_and_prefix.pth"), ContainsSubstring("2 networks"));
}

TEST_CASE("a state that holds more than the network, or it in another form, says what to do") {
    CHECK_THAT(refusal(kReduced, "neck.pth"),
               ContainsSubstring("1 unexpected (neck.weight)") && ContainsSubstring("take them out"));
    CHECK_THAT(refusal(kReduced, "pruned.pth"), ContainsSubstring("torch.nn.utils.prune") && ContainsSubstring("_mask'"));
    CHECK_THAT(refusal(kReduced, "normed.pth"), ContainsSubstring("remove_weight_norm"));
    CHECK_THAT(refusal("iresnet18", "adaface.pth"), ContainsSubstring("its `state_dict`, without the prefix `model.`") &&
                                                        ContainsSubstring("--architecture iresnet10-w16-56"));
    // A deeper network holds every tensor of a shallower one: half of it must not pass for the whole.
    write_plain_safetensors("deeper.safetensors", state_of(*build_network("iresnet18-w16-56")), "backbone.");
    CHECK_THAT(refusal(kReduced, "deeper.safetensors"),
               ContainsSubstring("unexpected (layer1.1.") && ContainsSubstring("--architecture iresnet18-w16-56"));
}

TEST_CASE("files that are no weights are called by their names") {
    const auto refused = [](const std::string& content, const std::string& name, const std::string& hint) {
        std::ofstream("other.pth", std::ios::binary) << content;
        CHECK_THAT(refusal(kReduced, "other.pth"), ContainsSubstring(name) && ContainsSubstring(hint));
    };
    refused("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 260000\n", "a Git LFS pointer", "git lfs pull");
    refused("<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title>", "a web page", "download again");
    refused(std::string("\x08\x07\x12\x07pytorch\x1a\x05", 13), "an ONNX model", "torch.save(network.state_dict()");
}

TEST_CASE("without an architecture our own checkpoint says it, and of other files it is said which fits") {
    const auto network = make_network(kReduced, 3);
    (void)write_checkpoint("own.ckpt", *network, {.architecture = kReduced, .bits = {}, .sparsity = 0.0}, {});
    CHECK(load_weights("", "own.ckpt").architecture == kReduced);
    CHECK_THAT(refusal("", "adaface.pth"), ContainsSubstring("its tensors fit --architecture iresnet10-w16-56"));
}

TEST_CASE("our own checkpoint brings its bits and ranges, and knows its architecture") {
    const torch::NoGradGuard no_grad;
    const auto network = make_network(kReduced, 3);
    network->eval();
    set_quantisers(*network, {.weight = 6, .activation = 6});
    const torch::Tensor images = golden::noise({2, 3, 56, 56}, 5);
    (void)network->forward(images);
    set_observing(*network, false);
    (void)write_checkpoint("own.anything", *network, {.architecture = kReduced, .bits = {6, 6}, .sparsity = 0.0}, {});
    const LoadedWeights loaded = load_weights(kReduced, "own.anything");
    CHECK(loaded.kind == "fairsweep checkpoint");
    CHECK(loaded.bits == Bits{6, 6});
    CHECK(torch::equal(loaded.network->forward(images), network->forward(images)));
    CHECK_THAT(refusal("iresnet18", "own.anything"), ContainsSubstring("--architecture iresnet10-w16-56"));
}

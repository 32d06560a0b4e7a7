/// Reads what tests/data/torch_files.py wrote into ./files.
#include "data/torch_checkpoint.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "allocation_counter.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/random.hpp"
#include "support/catch.hpp"
#include "support/mutation.hpp"

using namespace fairsweep;
using nlohmann::json;

namespace {

json expectations() { return json::parse(read_text_file("files/expected.json")); }

std::vector<double> values_of(const CheckpointTensor& tensor) {
    return std::visit([](const auto& data) { return std::vector<double>(data.begin(), data.end()); }, tensor.data);
}

/// A tensor's values must be as many as its shape says, whatever the file says.
void check_whole(const TorchCheckpoint& checkpoint) {
    for (const CheckpointTensor& tensor : checkpoint.tensors) {
        std::uint64_t elements = 1;
        for (const std::uint64_t side : tensor.shape) elements *= side;
        if (values_of(tensor).size() != elements) throw std::logic_error("a tensor without all its values");
    }
}

void survive_mutations(const std::string& file, std::uint64_t seeds) {
    const std::string whole = read_text_file("files/" + file);
    int values = 0;
    int errors = 0;
    fixture::largest_allocation_bytes = 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        RandomStream random(seed, 0, file.c_str());
        std::ofstream("mutated.pth", std::ios::binary) << fixture::mutated(whole, random, {});
        try {
            check_whole(read_torch_checkpoint("mutated.pth"));
            ++values;
        } catch (const Error& error) {
            ++errors;
            INFO("seed " << seed << ": " << error.what());
            CHECK(error.kind() == ErrorKind::data);
            CHECK_FALSE(error.parts().where.empty());
        }
    }
    INFO(file << ": " << values << " values, " << errors << " errors");
    CHECK(values > 50);
    CHECK(errors > 500);
    // Nothing larger than the file justifies: its bytes, times the growth that the header allows.
    CHECK(fixture::largest_allocation_bytes <= kMaxCheckpointGrowth * whole.size() + (1 << 20));
}

}  // namespace

TEST_CASE("checkpoints written by torch in both formats give their names, shapes and values exactly") {
    const json cases = expectations().at("read");
    REQUIRE(cases.size() >= 20);
    for (const auto& [file, expected] : cases.items()) {
        INFO(file);
        const TorchCheckpoint checkpoint = read_torch_checkpoint("files/" + file);
        CHECK(looks_like_torch_checkpoint("files/" + file));
        CHECK(checkpoint.format == expected.at("format").get<std::string>());
        CHECK(checkpoint.nested_under == expected.at("nested_under").get<std::vector<std::string>>());
        CHECK(checkpoint.had_module_prefix == expected.at("prefix").get<bool>());
        REQUIRE(checkpoint.tensors.size() == expected.at("tensors").size());
        for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
            const CheckpointTensor& tensor = checkpoint.tensors[i];
            const json& wanted = expected.at("tensors").at(i);
            INFO(tensor.name);
            CHECK(tensor.name == wanted.at("name").get<std::string>());
            CHECK(tensor.dtype == wanted.at("dtype").get<std::string>());
            CHECK(tensor.shape == wanted.at("shape").get<std::vector<std::uint64_t>>());
            CHECK(values_of(tensor) == wanted.at("values").get<std::vector<double>>());
        }
    }
}

TEST_CASE("what is no state_dict is refused with what it is, where, and what to do") {
    const json cases = expectations().at("refused");
    REQUIRE(cases.size() >= 15);
    for (const auto& [file, words] : cases.items()) {
        INFO(file);
        std::string message;
        try {
            (void)read_torch_checkpoint("files/" + file);
        } catch (const Error& error) {
            message = error.what();
            CHECK(error.kind() == ErrorKind::data);
        }
        CHECK_THAT(message, ContainsSubstring(file));
        for (const auto& word : words) CHECK_THAT(message, ContainsSubstring(word.get<std::string>()));
    }
}

TEST_CASE("mutated checkpoints of both formats give values or errors, and take little memory") {
    survive_mutations("module_state.zip.pth", 1500);
    survive_mutations("module_state.legacy.pth", 3000);
    survive_mutations("types.legacy.pth", 3000);
    survive_mutations("views.legacy.pth", 2000);
}

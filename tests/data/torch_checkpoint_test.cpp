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

std::vector<double> numbers_of(const TorchValues& values) {
    return std::visit([](const auto& data) { return std::vector<double>(data.begin(), data.end()); }, values);
}

/// Reads all tensors of all states: each must have as many values as its shape says, whatever the file says.
void read_whole(TorchCheckpoint& checkpoint) {
    for (std::size_t s = 0; s < checkpoint.states().size(); ++s) {
        for (std::size_t t = 0; t < checkpoint.states()[s].tensors.size(); ++t) {
            std::uint64_t elements = 1;
            for (const std::uint64_t side : checkpoint.states()[s].tensors[t].shape) elements *= side;
            if (numbers_of(checkpoint.values(s, t)).size() != elements) throw std::logic_error("a tensor without all its values");
        }
    }
}

/// The place of the state under those keys.
std::size_t state_under(const TorchCheckpoint& checkpoint, const std::vector<std::string>& keys) {
    const auto& states = checkpoint.states();
    const auto found =
        std::find_if(states.begin(), states.end(), [&](const TorchState& one) { return one.nested_under == keys; });
    REQUIRE(found != states.end());
    return static_cast<std::size_t>(found - states.begin());
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
            TorchCheckpoint checkpoint("mutated.pth");
            read_whole(checkpoint);
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
        TorchCheckpoint checkpoint("files/" + file);
        CHECK(looks_like_torch_checkpoint("files/" + file));
        CHECK(checkpoint.format() == expected.at("format").get<std::string>());
        const std::size_t place = state_under(checkpoint, expected.at("nested_under").get<std::vector<std::string>>());
        const TorchState& state = checkpoint.states()[place];
        const std::string prefix = expected.at("prefix").get<bool>() ? "module." : "";
        REQUIRE(state.tensors.size() == expected.at("tensors").size());
        for (std::size_t i = 0; i < state.tensors.size(); ++i) {
            const TorchTensor& tensor = state.tensors[i];
            const json& wanted = expected.at("tensors").at(i);
            INFO(tensor.name);
            CHECK(tensor.name == prefix + wanted.at("name").get<std::string>());
            CHECK(tensor.dtype == wanted.at("dtype").get<std::string>());
            CHECK(tensor.shape == wanted.at("shape").get<std::vector<std::uint64_t>>());
            CHECK(numbers_of(checkpoint.values(place, i)) == wanted.at("values").get<std::vector<double>>());
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
            TorchCheckpoint checkpoint("files/" + file);
            read_whole(checkpoint);
        } catch (const Error& error) {
            message = error.what();
            CHECK(error.kind() == ErrorKind::data);
        }
        CHECK_THAT(message, ContainsSubstring(file));
        for (const auto& word : words) CHECK_THAT(message, ContainsSubstring(word.get<std::string>()));
    }
}

TEST_CASE("the buffers of an optimiser are states of their own") {
    const TorchCheckpoint checkpoint("files/with_optimiser.zip.pth");
    CHECK(checkpoint.states().size() > 1);
    CHECK(checkpoint.states().front().nested_under == std::vector<std::string>{"optimizer", "state", "0"});
}

TEST_CASE("an archive that claims millions of entries is refused before they are read") {
    std::string end("PK\x05\x06", 4);  // zip64: the record, its locator, the end
    std::string record =
        std::string("PK\x06\x06", 4) + std::string(28, '\0') + std::string("\0\x2d\x31\x01\0\0\0\0", 8) + std::string(16, '\0');
    std::string locator =
        std::string("PK\x06\x07", 4) + std::string(4, '\0') + std::string("\x04\0\0\0\0\0\0\0", 8) + std::string(4, '\0');
    end += std::string(4, '\0') + std::string(4, '\xff') + std::string(10, '\0');
    std::ofstream("many.pth", std::ios::binary) << std::string("PK\x03\x04", 4) << record << locator << end;
    CHECK_THROWS_WITH(TorchCheckpoint("many.pth"), ContainsSubstring("20000000 entries"));
}

TEST_CASE("mutated checkpoints of both formats give values or errors, and take little memory") {
    survive_mutations("module_state.zip.pth", 1500);
    survive_mutations("module_state.legacy.pth", 3000);
    survive_mutations("types.legacy.pth", 3000);
    survive_mutations("views.legacy.pth", 2000);
}

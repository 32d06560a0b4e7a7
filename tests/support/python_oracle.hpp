#pragma once
/// Asks a Python script (Debian's python3-torch) for the numbers that a test compares with: JSON in, JSON out, at test time.
#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace fairsweep::oracle {

using Json = nlohmann::json;

/// Runs tests/<script> with the question as its file; files are left in the test's own folder.
inline Json ask(const std::string& script, const Json& question) {
    std::ofstream("question.json") << question.dump();
    const std::string command = "OMP_NUM_THREADS=1 /usr/bin/python3 '" + std::string(FAIRSWEEP_SOURCE_DIR) + "/tests/" + script +
                                "' question.json > answer.json";
    const int status = std::system(command.c_str());  // NOLINT: a fixed command of the tests
    REQUIRE(status == 0);
    std::ifstream answer("answer.json");
    return Json::parse(answer);
}

/// Nested lists, doubles that read back exactly.
inline Json json_of(const torch::Tensor& tensor) {
    const torch::Tensor values = tensor.detach().to(torch::kDouble).contiguous();
    if (values.dim() == 0) return values.item<double>();
    Json list = Json::array();
    if (values.dim() == 1) {
        for (std::int64_t i = 0; i < values.size(0); ++i) list.push_back(values.const_data_ptr<double>()[i]);
        return list;
    }
    for (std::int64_t i = 0; i < values.size(0); ++i) list.push_back(json_of(values[i]));
    return list;
}

inline void append_numbers(const Json& json, std::vector<double>& numbers) {
    if (!json.is_array()) {
        numbers.push_back(json.get<double>());
        return;
    }
    for (const Json& part : json) append_numbers(part, numbers);
}

/// Largest difference between a list of the answer and a tensor, divided by the list's largest magnitude.
inline double difference(const Json& expected, const torch::Tensor& found) {
    std::vector<double> numbers;
    append_numbers(expected, numbers);
    REQUIRE(static_cast<std::int64_t>(numbers.size()) == found.numel());
    const torch::Tensor a = torch::tensor(numbers, torch::kDouble), b = found.detach().to(torch::kDouble).flatten();
    return (a - b).abs().max().item<double>() / std::max(1e-30, a.abs().max().item<double>());
}

}  // namespace fairsweep::oracle

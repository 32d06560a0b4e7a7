#include "model/architecture.hpp"

#include <map>
#include <regex>
#include <string>

#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

constexpr int kMinWidth = 16, kMaxWidth = 512, kMinInput = 32, kMaxInput = 224;

const std::map<std::string, std::array<int, 4>>& iresnet_blocks() {
    static const std::map<std::string, std::array<int, 4>> blocks{
        {"10", {1, 1, 1, 1}}, {"18", {2, 2, 2, 2}}, {"34", {3, 4, 6, 3}}, {"50", {3, 4, 14, 3}}, {"100", {3, 13, 30, 3}}};
    return blocks;
}

[[noreturn]] void refuse(const std::string& name, const std::string& expected) {
    throw_usage({.attempted = "understand the architecture name",
                 .where = name,
                 .found = {},
                 .expected = expected,
                 .hint = "examples: iresnet18, mobilefacenet, iresnet10-w16-56"});
}

int number_in(const std::string& name, const std::string& text, int low, int high, const std::string& what) {
    const int value = std::stoi(text);  // at most four digits: the pattern says so
    if (value < low || value > high) refuse(name, what + " in " + std::to_string(low) + " ... " + std::to_string(high));
    return value;
}

}  // namespace

Architecture parse_architecture(const std::string& name) {
    static const std::regex pattern("(mobilefacenet|iresnet(10|18|34|50|100))(-w([0-9]{1,4})(-([0-9]{1,4}))?)?");
    std::smatch match;
    if (name.size() > 64 || !std::regex_match(name, match, pattern))
        refuse(name, "iresnet<10|18|34|50|100>[-w<width>[-<input>]] or mobilefacenet[-w<width>[-<input>]]");
    Architecture result;
    const bool reduced = match[3].matched;
    const bool is_iresnet = match[2].matched;
    result.family = is_iresnet ? NetworkFamily::iresnet : NetworkFamily::mobilefacenet;
    if (is_iresnet) {
        if (!reduced && match[2] == "10") refuse(name, "a width for this depth, such as iresnet10-w16-56");
        result.stage_blocks = iresnet_blocks().at(match[2]);
        result.embedding_size = reduced ? 128 : 512;
        result.stem_stride = reduced ? 2 : 1;
    } else {
        // Reduced members halve the first stage's repeats and keep one unit in the others: 44,896 parameters at width 16.
        result.stage_blocks = reduced ? std::array<int, 4>{2, 1, 1, 0} : std::array<int, 4>{4, 6, 2, 0};
        result.embedding_size = reduced ? 64 : 128;
        result.stem_stride = 2;
    }
    if (reduced) result.width = number_in(name, match[4], kMinWidth, kMaxWidth, "a width");
    if (match[6].matched) result.input_size = number_in(name, match[6], kMinInput, kMaxInput, "an input size");
    return result;
}

}  // namespace fairsweep

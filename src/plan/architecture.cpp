#include "plan/architecture.hpp"

#include <charconv>

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr int kFullInputSize = 112;

/// The whole of `digits` as a number without sign or leading zero.
std::optional<int> plain_number(std::string_view digits) {
    int value = 0;
    if (digits.empty() || digits.front() < '1' || digits.front() > '9') return std::nullopt;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec != std::errc{} || result.ptr != digits.data() + digits.size()) return std::nullopt;
    return value;
}

bool is_multiple_of_8_in(int value, int low, int high) { return value >= low && value <= high && value % 8 == 0; }

/// "w16-56" or "w16" into width and input size.
bool read_reduction(std::string_view text, ArchitectureName& name) {
    if (text.empty() || text.front() != 'w') return false;
    text.remove_prefix(1);
    const auto dash = text.find('-');
    const auto width = plain_number(text.substr(0, dash));
    // Narrower than 16: LibTorch 2.15 crashes in the weight gradient of some 8-channel convolutions on the CPU.
    if (!width || !is_multiple_of_8_in(*width, 16, 512)) return false;
    name.width = *width;
    name.is_reduced = true;
    if (dash == std::string_view::npos) return true;
    const auto size = plain_number(text.substr(dash + 1));
    // One network has one name, or it would have two ids: 112 is not written.
    if (!size || !is_multiple_of_8_in(*size, 32, 224) || *size == kFullInputSize) return false;
    name.input_size = *size;
    return true;
}

}  // namespace

std::optional<ArchitectureName> read_architecture_name(std::string_view text) {
    ArchitectureName name;
    const auto dash = text.find('-');
    const std::string_view base = text.substr(0, dash);
    constexpr std::string_view kIResNet = "iresnet";
    if (base == "mobilefacenet") {
        name.family = ArchitectureName::Family::mobilefacenet;
    } else if (base.substr(0, kIResNet.size()) == kIResNet) {
        name.family = ArchitectureName::Family::iresnet;
        const auto depth = plain_number(base.substr(kIResNet.size()));
        if (!depth || (*depth != 10 && *depth != 18 && *depth != 34 && *depth != 50 && *depth != 100)) return std::nullopt;
        name.depth = *depth;
    } else {
        return std::nullopt;
    }
    if (dash == std::string_view::npos) {
        // Depth 10 is ours, for tests and the demo; it exists only reduced.
        if (name.family == ArchitectureName::Family::iresnet && name.depth == 10) return std::nullopt;
        return name;
    }
    if (!read_reduction(text.substr(dash + 1), name)) return std::nullopt;
    return name;
}

const std::vector<std::string>& known_architectures() {
    static const std::vector<std::string> names = {"mobilefacenet", "iresnet18",        "iresnet34",           "iresnet50",
                                                   "iresnet100",    "iresnet10-w16-56", "mobilefacenet-w16-56"};
    return names;
}

int input_size_of(const std::string& architecture) {
    const auto name = read_architecture_name(architecture);
    if (!name) {
        const std::string near = nearest_word(architecture, known_architectures());
        throw_usage(
            {.attempted = "cannot tell the input size of a network",
             .where = {},
             .found = "'" + architecture + "'",
             .expected =
                 "mobilefacenet, iresnet18, iresnet34, iresnet50, iresnet100 or a reduced member such as iresnet10-w16-56",
             .hint = near.empty() ? "" : "did you mean '" + near + "'?"});
    }
    return name->input_size;
}

}  // namespace fairsweep

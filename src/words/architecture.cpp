#include "words/architecture.hpp"

#include <charconv>
#include <map>

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
bool read_reduction(std::string_view text, Architecture& architecture) {
    if (text.empty() || text.front() != 'w') return false;
    text.remove_prefix(1);
    const auto dash = text.find('-');
    const auto width = plain_number(text.substr(0, dash));
    // Narrower than 16: LibTorch 2.15 crashes in the weight gradient of some 8-channel convolutions on the CPU.
    if (!width || !is_multiple_of_8_in(*width, 16, 512)) return false;
    architecture.width = *width;
    architecture.is_reduced = true;
    if (dash == std::string_view::npos) return true;
    const auto size = plain_number(text.substr(dash + 1));
    // One network has one name, or it would have two ids: 112 is not written.
    if (!size || !is_multiple_of_8_in(*size, 32, 224) || *size == kFullInputSize) return false;
    architecture.input_size = *size;
    return true;
}

const std::array<int, 4>* blocks_of(int depth) {
    static const std::map<int, std::array<int, 4>> blocks{
        {10, {1, 1, 1, 1}}, {18, {2, 2, 2, 2}}, {34, {3, 4, 6, 3}}, {50, {3, 4, 14, 3}}, {100, {3, 13, 30, 3}}};
    const auto found = blocks.find(depth);
    return found == blocks.end() ? nullptr : &found->second;
}

bool read_family(std::string_view base, Architecture& architecture) {
    constexpr std::string_view kIResNet = "iresnet";
    if (base == "mobilefacenet") {
        architecture.family = NetworkFamily::mobilefacenet;
        return true;
    }
    if (base.substr(0, kIResNet.size()) != kIResNet) return false;
    architecture.family = NetworkFamily::iresnet;
    architecture.depth = plain_number(base.substr(kIResNet.size())).value_or(0);
    return blocks_of(architecture.depth) != nullptr;
}

/// What follows from family, depth and reduction.
void complete(Architecture& architecture) {
    const bool reduced = architecture.is_reduced;
    if (architecture.family == NetworkFamily::iresnet) {
        architecture.stage_blocks = *blocks_of(architecture.depth);
        architecture.embedding_size = reduced ? 128 : 512;
        architecture.stem_stride = reduced ? 2 : 1;
    } else {
        // Reduced members halve the first stage's repeats and keep one unit in the others: 44,896 parameters at width 16.
        architecture.stage_blocks = reduced ? std::array<int, 4>{2, 1, 1, 0} : std::array<int, 4>{4, 6, 2, 0};
        architecture.embedding_size = reduced ? 64 : 128;
        architecture.stem_stride = 2;
    }
}

}  // namespace

std::optional<Architecture> read_architecture_name(std::string_view text) {
    constexpr std::string_view kSe = "-se";
    Architecture architecture;
    if (text.size() > kSe.size() && text.substr(text.size() - kSe.size()) == kSe) {
        architecture.use_se = true;
        text.remove_suffix(kSe.size());
    }
    const auto dash = text.find('-');
    if (!read_family(text.substr(0, dash), architecture)) return std::nullopt;
    if (dash != std::string_view::npos && !read_reduction(text.substr(dash + 1), architecture)) return std::nullopt;
    const bool is_iresnet = architecture.family == NetworkFamily::iresnet;
    // Depth 10 is ours, for tests and the demo; it exists only reduced.
    if (is_iresnet && architecture.depth == 10 && !architecture.is_reduced) return std::nullopt;
    if (!is_iresnet && architecture.use_se) return std::nullopt;
    complete(architecture);
    return architecture;
}

Architecture parse_architecture(const std::string& name) {
    if (const auto architecture = read_architecture_name(name)) return *architecture;
    const std::string near = nearest_word(name, known_architectures());
    throw_usage({.attempted = "cannot understand the name of a network",
                 .found = "'" + name.substr(0, 80) + "'",
                 .expected = "mobilefacenet, iresnet18, iresnet34, iresnet50, iresnet100 or a reduced member such as "
                             "iresnet10-w16-56 (widths 16 ... 512); an iresnet may end in -se",
                 .hint = near.empty() ? "" : "did you mean '" + near + "'?"});
}

const std::vector<std::string>& known_architectures() {
    static const std::vector<std::string> names = {"mobilefacenet", "iresnet18",        "iresnet34",           "iresnet50",
                                                   "iresnet100",    "iresnet18-se",     "iresnet34-se",        "iresnet50-se",
                                                   "iresnet100-se", "iresnet10-w16-56", "mobilefacenet-w16-56"};
    return names;
}

int input_size_of(const std::string& architecture) { return parse_architecture(architecture).input_size; }

}  // namespace fairsweep

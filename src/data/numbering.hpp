#pragma once
/// Names of people and groups in tables: which cells are none, and numbers for those that are.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fairsweep {

/// Names may not be longer: that of a file cannot.
inline constexpr std::size_t kMaxNameBytes = 255;

/// Numbers for names, in the order of first use.
class Numbering {
public:
    std::uint32_t of(const std::string& name) {
        const auto [place, is_new] = numbers_.try_emplace(name, next_);
        if (is_new) ++next_;
        return place->second;
    }
    std::uint32_t nobody() { return next_++; }  ///< a number without a name
    [[nodiscard]] std::size_t size() const { return numbers_.size(); }

private:
    std::unordered_map<std::string, std::uint32_t> numbers_;
    std::uint32_t next_ = 0;
};

/// What programs write where there is no name. (A person may be called Nan, not nan.)
[[nodiscard]] inline bool is_no_name(std::string_view text) {
    constexpr std::array<std::string_view, 10> kNothing{"", "nan", "NaN", "NA", "N/A", "n/a", "<NA>", "None", "null", "NULL"};
    return std::ranges::find(kNothing, text) != kNothing.end();
}

}  // namespace fairsweep

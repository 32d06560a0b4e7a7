#include "data/unicode.hpp"

#include <fmt/format.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kMaxShownBytes = 120;

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::optional<std::vector<UChar>> utf16_of(std::string_view text) {
    if (text.size() > std::numeric_limits<int32_t>::max()) return std::nullopt;
    std::vector<UChar> result(text.size());  // never more units than bytes
    int32_t units = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8(result.data(), static_cast<int32_t>(result.size()), &units, text.data(), static_cast<int32_t>(text.size()),
                  &status);
    if (U_FAILURE(status) != 0) return std::nullopt;
    result.resize(static_cast<std::size_t>(units));
    return result;
}

std::string utf8_of(const std::vector<UChar>& text) {
    std::string result(3 * text.size(), '\0');  // never more bytes than that
    int32_t bytes = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8(result.data(), static_cast<int32_t>(result.size()), &bytes, text.data(), static_cast<int32_t>(text.size()),
                &status);
    FAIRSWEEP_CHECK(U_SUCCESS(status) != 0, "write text that ICU has read");
    result.resize(static_cast<std::size_t>(bytes));
    return result;
}

/// Bytes of the UTF-8 letter at the start of `text`; 0 when there is none.
std::size_t letter_bytes(std::string_view text) {
    for (std::size_t bytes = 1; bytes <= std::min<std::size_t>(4, text.size()); ++bytes)
        if (is_utf8(text.substr(0, bytes))) return bytes;
    return 0;
}

}  // namespace

std::optional<std::string> composed_text(std::string_view text) {
    if (is_ascii(text)) return std::string(text);
    const auto source = utf16_of(text);
    if (!source) return std::nullopt;
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* nfc = unorm2_getNFCInstance(&status);
    FAIRSWEEP_CHECK(U_SUCCESS(status) != 0, "ICU has its own tables");
    std::vector<UChar> result(3 * source->size() + 1);  // the largest growth of NFC in UTF-16
    const int32_t units = unorm2_normalize(nfc, source->data(), static_cast<int32_t>(source->size()), result.data(),
                                           static_cast<int32_t>(result.size()), &status);
    FAIRSWEEP_CHECK(U_SUCCESS(status) != 0, "compose text that ICU has read");
    result.resize(static_cast<std::size_t>(units));
    return utf8_of(result);
}

bool is_utf8(std::string_view text) { return is_ascii(text) || utf16_of(text).has_value(); }

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower;
}

std::string_view without_byte_order_mark(std::string_view text) {
    constexpr std::string_view kMark = "\xef\xbb\xbf";
    return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

bool looks_like_utf16(std::string_view text) { return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"); }

std::string shown_text(std::string_view text) {
    std::string shown;
    while (!text.empty() && shown.size() < kMaxShownBytes) {
        const std::size_t bytes = letter_bytes(text);
        const auto first = static_cast<unsigned char>(text.front());
        if (bytes == 0 || first < 0x20 || first == 0x7f)
            shown += fmt::format("\\x{:02x}", first);
        else
            shown += text.substr(0, bytes);
        text.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    return text.empty() ? shown : shown + "...";
}

}  // namespace fairsweep

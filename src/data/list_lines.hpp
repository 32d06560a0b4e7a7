#pragma once
/// What the lists of a verification set share: lines of fields, names that may become parts of paths, errors with the line.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fairsweep {

/// What stands between the fields of a line. Fields are trimmed; empty ones are left out.
enum class FieldSeparator { tab, comma, semicolon, blanks };
[[nodiscard]] const char* name_of(FieldSeparator separator);  ///< "TABs", as errors say it

struct ListLine {
    const std::filesystem::path& path;
    std::uint32_t number = 0;  ///< from 1
    std::string_view text;     ///< trimmed
    std::vector<std::string_view> fields;

    [[noreturn]] void damaged(std::string attempted, std::string found, std::string expected, std::string hint = {}) const;
    [[nodiscard]] std::string shown() const;  ///< the line for a message
};

/// Calls take() for every line with text; lines end with LF or CRLF, a byte order mark before the first is skipped. Throws a
/// data error for a text in UTF-16.
void for_each_list_line(std::string_view text, const std::filesystem::path& path, FieldSeparator separator,
                        const std::function<void(const ListLine&)>& take);

/// The name of a folder or file; one that could leave its folder is refused.
[[nodiscard]] std::string checked_name(const ListLine& line, std::string_view name);

}  // namespace fairsweep

#pragma once
/// Records of a CSV text (RFC 4180: fields may be quoted, a quote inside is doubled) with any separator.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fairsweep {

/// What separates the fields of a table: the most frequent of comma, semicolon and TAB in its first line.
[[nodiscard]] char separator_of(std::string_view text);

class CsvReader {
public:
    /// `path` names the text in errors and must outlive the reader, `attempted` says what cannot be done with a text that is
    /// refused and must outlive it too. A byte order mark is skipped; UTF-16 is a data error.
    CsvReader(std::string_view text, const std::filesystem::path& path, char separator,
              const char* attempted = "cannot read a table of scores");

    /// The fields of the next record that is not empty, those without quotes trimmed; false at the end.
    bool next(std::vector<std::string>& fields);
    [[nodiscard]] std::uint64_t line() const { return line_; }  ///< where the record read last begins, from 1

    /// Throws a data error that names the line read last, or, with refuse_file(), the file alone.
    [[noreturn]] void refuse(const std::string& found, const std::string& expected, const std::string& hint = {}) const;
    [[noreturn]] void refuse_file(const std::string& found, const std::string& expected, const std::string& hint = {}) const;

private:
    void read_record(std::vector<std::string>& fields);
    std::string plain_field();
    std::string quoted_field();

    std::string_view rest_;
    const std::filesystem::path& path_;
    char separator_;
    const char* attempted_;
    std::uint64_t line_ = 0;
    std::uint64_t breaks_ = 0;  ///< line ends inside the quoted fields of the record
};

}  // namespace fairsweep

#include "data/csv_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/damage.hpp"
#include "data/unicode.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kMaxColumns = 1000;

}  // namespace

char separator_of(std::string_view text) {
    std::array<std::size_t, 3> counts{};
    constexpr std::string_view kSeparators = ",;\t";
    bool is_quoted = false;
    for (const char c : text) {
        if (c == '"') is_quoted = !is_quoted;
        if (is_quoted) continue;
        if (c == '\n' || c == '\r') break;
        if (const std::size_t i = kSeparators.find(c); i != std::string_view::npos) ++counts[i];
    }
    return kSeparators[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())];
}

CsvReader::CsvReader(std::string_view text, const std::filesystem::path& path, char separator, const char* attempted)
    : rest_(without_byte_order_mark(text)), path_(path), separator_(separator), attempted_(attempted) {
    if (looks_like_utf16(text)) refuse_file("text in UTF-16", "UTF-8", "iconv -f UTF-16 -t UTF-8 OLD > NEW");
}

bool CsvReader::next(std::vector<std::string>& fields) {
    while (!rest_.empty()) {
        line_ += 1 + breaks_;
        breaks_ = 0;
        fields.clear();
        read_record(fields);
        if (fields.size() > 1 || !fields[0].empty()) return true;
    }
    return false;
}

void CsvReader::refuse(const std::string& found, const std::string& expected, const std::string& hint) const {
    throw_damaged({.file = path_, .offset = {}, .line = line_},
                  {.attempted = attempted_, .found = found, .expected = expected, .hint = hint});
}

void CsvReader::refuse_file(const std::string& found, const std::string& expected, const std::string& hint) const {
    throw_damaged({.file = path_, .offset = {}, .line = {}},
                  {.attempted = attempted_, .found = found, .expected = expected, .hint = hint});
}

void CsvReader::read_record(std::vector<std::string>& fields) {
    while (true) {
        if (fields.size() == kMaxColumns) refuse(fmt::format("more than {} fields", kMaxColumns), "a table");
        const bool is_quoted = rest_.starts_with('"');
        fields.push_back(is_quoted ? quoted_field() : plain_field());
        if (rest_.starts_with(separator_)) {
            rest_.remove_prefix(1);
            continue;
        }
        if (rest_.starts_with("\r\n"))
            rest_.remove_prefix(2);
        else if (rest_.starts_with('\n') || rest_.starts_with('\r'))
            rest_.remove_prefix(1);
        else if (!rest_.empty())
            refuse("text after a closing quote", fmt::format("'{}' or the end of the line", separator_));
        return;
    }
}

std::string CsvReader::plain_field() {
    const char ends[] = {separator_, '\r', '\n', '\0'};
    const std::size_t end = std::min(rest_.find_first_of(ends), rest_.size());
    std::string field(trim(rest_.substr(0, end)));
    rest_.remove_prefix(end);
    return field;
}

std::string CsvReader::quoted_field() {
    std::string field;
    rest_.remove_prefix(1);
    while (true) {
        const std::size_t end = rest_.find('"');
        if (end == std::string_view::npos) refuse("a quote that is not closed", "a closing quote");
        field += rest_.substr(0, end);
        breaks_ += static_cast<std::uint64_t>(std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
        rest_.remove_prefix(end + 1);
        if (!rest_.starts_with('"')) return field;
        field += '"';
        rest_.remove_prefix(1);
    }
}

}  // namespace fairsweep

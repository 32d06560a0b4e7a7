// Result tables live in the analysis file as /analysis/<table>/<column>. Writing builds a new file: everything that stays
// is copied, which also gives the space of replaced tables back.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "fairsweep/check.hpp"
#include "fairsweep/new_file.hpp"
#include "store/analysis_file.hpp"
#include "store/h5.hpp"
#include "store/known_files.hpp"
#include "store/seal.hpp"

namespace fairsweep {
namespace {

constexpr const char* kColumnOrder = "columns";  // attribute of a table: names by commas, in the order they were written
constexpr const char* kUnits = "units";          // same order, by commas

bool is_name(std::string_view name) {
    return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

/// A column may be named after a key of the recipe that is an axis: "recipe.finetune_lr".
bool is_column_name(std::string_view name) {
    constexpr std::string_view kRecipe = "recipe.";
    return is_name(name.starts_with(kRecipe) ? name.substr(kRecipe.size()) : name);
}

std::size_t length_of(const ResultColumn& column) {
    return std::visit([](const auto& values) { return values.size(); }, column.values);
}

void check_table(const ResultTable& table) {
    FAIRSWEEP_CHECK(is_name(table.name), "a table's name is lower-case letters, digits, '_'");
    std::set<std::string> names;
    for (const ResultColumn& column : table.columns) {
        FAIRSWEEP_CHECK(is_column_name(column.name) && names.insert(column.name).second, "columns have names of their own");
        FAIRSWEEP_CHECK(length_of(column) == length_of(table.columns.front()), "columns of a table have one length");
        FAIRSWEEP_CHECK(column.unit.find(',') == std::string::npos, "a unit has no comma");
    }
}

template <typename Part>
std::string join(const std::vector<ResultColumn>& columns, Part part) {
    std::string text;
    for (const ResultColumn& column : columns) text += (text.empty() && &column == &columns.front() ? "" : ",") + part(column);
    return text;
}

void put_table(h5::Writer& file, const ResultTable& table) {
    const std::string group = "/analysis/" + table.name;
    file.make_group(group);
    for (const ResultColumn& column : table.columns) {
        const std::string path = group + "/" + column.name;
        if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) file.put_text(path, *texts);
        if (const auto* doubles = std::get_if<std::vector<double>>(&column.values)) file.put(path, *doubles);
        if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values)) file.put(path, *integers);
        if (!column.unit.empty()) file.set_attribute(path, "unit", column.unit);
    }
    file.set_attribute(group, kColumnOrder, join(table.columns, [](const ResultColumn& c) { return c.name; }));
    file.set_attribute(group, kUnits, join(table.columns, [](const ResultColumn& c) { return c.unit; }));
    for (const auto& [name, text] : table.attributes) {
        FAIRSWEEP_CHECK(name != kColumnOrder && name != kUnits, "'columns' and 'units' are the table's own attributes");
        file.set_attribute(group, name, text);
    }
}

std::vector<std::string> split_commas(const std::string& text) {
    std::vector<std::string> parts(1);
    for (const char letter : text) {
        if (letter == ',') {
            parts.emplace_back();
        } else {
            parts.back() += letter;
        }
    }
    return parts;
}

ResultColumn get_column(const h5::Reader& file, const std::string& path) {
    ResultColumn column;
    switch (file.type_class(path)) {
        case H5T_STRING:
            column.values = file.get_text(path);
            break;
        case H5T_FLOAT:
            column.values = file.get<double>(path);
            break;
        case H5T_INTEGER:
            column.values = file.get<std::int64_t>(path);
            break;
        default:
            file.damaged(path, "another type", "strings, doubles or 64-bit integers");
    }
    return column;
}

}  // namespace

void write_result_tables(const std::filesystem::path& path, std::span<const ResultTable> tables) {
    std::set<std::string> replaced;
    for (const ResultTable& table : tables) {
        check_table(table);
        FAIRSWEEP_CHECK(replaced.insert(table.name).second, "tables have names of their own");
    }
    remove_leftovers_of(path);
    NewFile made(path);
    {
        const h5::Reader old = open_analysis(path);
        h5::Writer file(made.file(), h5::Storage::compressed);
        for (const std::string& name : old.children("/")) {
            if (name != "analysis") file.copy_from(old.id(), "/" + name, "/" + name);
        }
        file.set_attribute("/", "format", std::string(kAnalysisFormat));
        file.set_attribute("/", "version", kAnalysisVersion);
        file.make_group("/analysis");
        if (old.has("/analysis")) {
            for (const std::string& name : old.children("/analysis")) {
                if (!replaced.contains(name)) file.copy_from(old.id(), "/analysis/" + name, "/analysis/" + name);
            }
        }
        for (const ResultTable& table : tables) put_table(file, table);
        file.finish_file();
    }
    seal(made.file());
    made.take_place();
}

std::vector<std::string> result_table_names(const std::filesystem::path& path) {
    const h5::Reader file = open_analysis(path);
    return file.has("/analysis") ? file.children("/analysis") : std::vector<std::string>{};
}

ResultTable read_result_table(const std::filesystem::path& path, const std::string& name) {
    const h5::Reader file = open_analysis(path);
    const std::string group = "/analysis/" + name;
    if (!file.has(group)) file.damaged(group, "no such table", "a table that `fairsweep analyze` writes");
    ResultTable table;
    table.name = name;
    const std::string order = file.text_attribute(group, kColumnOrder);
    const std::vector<std::string> names = order.empty() ? std::vector<std::string>{} : split_commas(order);
    const std::vector<std::string> units = split_commas(file.text_attribute(group, kUnits));
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!is_column_name(names[i])) file.damaged(group + "@columns", order, "names by commas");
        ResultColumn column = get_column(file, group + "/" + names[i]);
        column.name = names[i];
        column.unit = i < units.size() ? units[i] : "";
        if (!table.columns.empty() && length_of(column) != length_of(table.columns.front())) {
            file.damaged(group + "/" + names[i], fmt::format("{} values", length_of(column)),
                         fmt::format("{}", length_of(table.columns.front())));
        }
        table.columns.push_back(std::move(column));
    }
    for (const std::string& attribute : file.attribute_names(group)) {
        if (attribute != kColumnOrder && attribute != kUnits) table.attributes[attribute] = file.text_attribute(group, attribute);
    }
    return table;
}

}  // namespace fairsweep

#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "report/tables.hpp"
#include "store/analysis_file.hpp"

namespace fairsweep {

/// Builds a table column by column from a list of items.
template <typename Item>
class TableBuilder {
public:
    TableBuilder(std::string name, const std::vector<Item>& items) : items_(&items) { table_.name = std::move(name); }

    template <typename Value>
    TableBuilder& number(const std::string& name, const std::string& unit, Value value) {
        std::vector<double> values;
        for (const Item& item : *items_) values.push_back(static_cast<double>(value(item)));
        table_.columns.push_back({name, unit, std::move(values)});
        return *this;
    }
    template <typename Value>
    TableBuilder& count(const std::string& name, const std::string& unit, Value value) {
        std::vector<std::int64_t> values;
        for (const Item& item : *items_) values.push_back(static_cast<std::int64_t>(value(item)));
        table_.columns.push_back({name, unit, std::move(values)});
        return *this;
    }
    template <typename Value>
    TableBuilder& text(const std::string& name, Value value) {
        std::vector<std::string> values;
        // An empty text is missing to pandas, and its groupby drops the row.
        for (const Item& item : *items_) values.push_back(std::string(value(item)).empty() ? kNoText : value(item));
        table_.columns.push_back({name, "", std::move(values)});
        return *this;
    }
    /// value, lower and upper limit of a 95 % interval
    template <typename Value>
    TableBuilder& figure(const std::string& name, const std::string& unit, Value value) {
        number(name, unit, [&](const Item& item) { return value(item).value; });
        return limits(name, unit, [&](const Item& item) { return value(item).interval; });
    }
    template <typename Value>
    TableBuilder& limits(const std::string& name, const std::string& unit, Value interval) {
        number(name + "_low", unit, [&](const Item& item) { return interval(item).low; });
        return number(name + "_high", unit, [&](const Item& item) { return interval(item).high; });
    }
    template <typename Value>
    TableBuilder& no_bias(const std::string& name, const std::string& unit, Value value) {
        number(name + "_no_bias_mean", unit, [&](const Item& item) { return value(item).mean; });
        return number(name + "_no_bias_p95", unit, [&](const Item& item) { return value(item).p95; });
    }
    [[nodiscard]] ResultTable finish(const std::map<std::string, std::string>& conventions) {
        table_.attributes = conventions;
        return std::move(table_);
    }

private:
    const std::vector<Item>* items_;
    ResultTable table_;
};

}  // namespace fairsweep

#include "compress/quantiser_settings.hpp"

#include <charconv>
#include <initializer_list>
#include <map>
#include <sstream>
#include <utility>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

template <typename Value>
using Words = std::initializer_list<std::pair<const char*, Value>>;

const Words<GridKind> kGrids{{"symmetric", GridKind::symmetric}, {"asymmetric", GridKind::asymmetric}};
const Words<bool> kGranularities{{"channel", true}, {"tensor", false}};
const Words<RangeRule> kWeightRules{{"minmax", RangeRule::minmax},
                                    {"percentile", RangeRule::percentile},
                                    {"mse", RangeRule::mse},
                                    {"learned", RangeRule::learned}};
const Words<RangeRule> kActivationRules{{"minmax", RangeRule::minmax},
                                        {"moving-average", RangeRule::moving_average},
                                        {"percentile", RangeRule::percentile},
                                        {"mse", RangeRule::mse},
                                        {"learned", RangeRule::learned}};

template <typename Value>
Value value_of(const char* key, const std::string& word, const Words<Value>& words) {
    std::string known;
    for (const auto& [name, value] : words) {
        if (word == name) return value;
        known += (known.empty() ? "" : ", ") + std::string(name);
    }
    throw_usage({.attempted = "cannot quantise",
                 .where = std::string("recipe.") + key,
                 .found = "'" + word.substr(0, 40) + "'",
                 .expected = "one of " + known});
}

template <typename Value>
std::string word_of(Value value, const Words<Value>& words) {
    for (const auto& [name, known] : words)
        if (known == value) return name;
    return {};
}

[[noreturn]] void refuse_text(const std::string& text) {
    throw_data({.attempted = "cannot read the quantiser's settings",
                .where = "key quantiser",
                .found = "'" + text.substr(0, 80) + "'",
                .expected = "quantface, or modern and its keys as this version writes them"});
}

/// The text's words as a recipe; numbers that cannot be read become 0, which the caller notices.
Recipe recipe_of(const std::string& text) {
    std::map<std::string, std::string> values;
    std::istringstream words(text);
    Recipe recipe;
    words >> recipe.preset;
    for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        if (equals != std::string::npos) values[word.substr(0, equals)] = word.substr(equals + 1);
    }
    const auto number = [&values](const char* key) {
        const std::string& word = values[key];
        double value = 0.0;
        const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
        return result.ec == std::errc() && value >= 0.0 && value <= 64.0 ? value : 0.0;
    };
    recipe.weight_grid = values["weight_grid"];
    recipe.weight_granularity = values["weight_granularity"];
    recipe.weight_range = values["weight_range"];
    recipe.activation_grid = values["activation_grid"];
    recipe.activation_range = values["activation_range"];
    recipe.range_averaging = number("range_averaging");
    recipe.range_percentile = number("range_percentile");
    recipe.edge_bits = static_cast<int>(number("edge_bits"));
    recipe.slope_bits = static_cast<int>(number("slope_bits"));
    return recipe;
}

}  // namespace

QuantiserSettings settings_of(const Recipe& recipe) {
    QuantiserSettings settings;
    settings.preset = value_of<Preset>("preset", recipe.preset, {{"quantface", Preset::quantface}, {"modern", Preset::modern}});
    if (settings.preset == Preset::quantface) return settings;
    settings.weight_grid = value_of("weight_grid", recipe.weight_grid, kGrids);
    settings.weight_per_channel = value_of("weight_granularity", recipe.weight_granularity, kGranularities);
    settings.weight_range = value_of("weight_range", recipe.weight_range, kWeightRules);
    settings.activation_grid = value_of("activation_grid", recipe.activation_grid, kGrids);
    settings.activation_range = value_of("activation_range", recipe.activation_range, kActivationRules);
    settings.averaging = recipe.range_averaging;
    settings.percentile = recipe.range_percentile;
    settings.edge_bits = recipe.edge_bits;
    settings.slope_bits = recipe.slope_bits;
    return settings;
}

std::string text_of(const QuantiserSettings& settings) {
    if (settings.preset == Preset::quantface) return "quantface";
    return "modern weight_grid=" + word_of(settings.weight_grid, kGrids) +
           " weight_granularity=" + word_of(settings.weight_per_channel, kGranularities) +
           " weight_range=" + word_of(settings.weight_range, kWeightRules) +
           " activation_grid=" + word_of(settings.activation_grid, kGrids) +
           " activation_range=" + word_of(settings.activation_range, kActivationRules) +
           " range_averaging=" + exact_number(settings.averaging) + " range_percentile=" + exact_number(settings.percentile) +
           " edge_bits=" + std::to_string(settings.edge_bits) + " slope_bits=" + std::to_string(settings.slope_bits);
}

QuantiserSettings parse_settings(const std::string& text) {
    QuantiserSettings settings;
    try {
        settings = settings_of(recipe_of(text));
    } catch (const Error&) {
        refuse_text(text);
    }
    if (text_of(settings) != text) refuse_text(text);
    return settings;
}

}  // namespace fairsweep

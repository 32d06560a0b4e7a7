#include "study/foreign_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

/// First tensors of the families' networks: where a name ends so, the prefix is what stands before.
constexpr std::array<std::string_view, 2> kFirstTensors{"conv1.weight", "conv1.conv.weight"};
/// Parts of names that margin heads and losses have in the field's training scripts.
constexpr std::array<std::string_view, 11> kHeadWords{"head",      "margin", "face",   "classif", "logit", "loss",
                                                      "criterion", "kernel", "metric", "center",  "prox"};
constexpr std::size_t kShown = 4;           // names in a message
constexpr std::size_t kPlacesSearched = 4;  // for another architecture: each costs building networks

std::string first_part(std::string_view name) { return std::string(name.substr(0, name.find('.'))); }

bool is_head(std::string_view part) {
    std::string lower(part);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower == "weight" || std::any_of(kHeadWords.begin(), kHeadWords.end(),
                                            [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

/// What stands before `first_tensor` in names: "", "module.", ...
std::vector<std::string> prefixes_of(const NamedShapes& tensors, std::string_view first_tensor) {
    std::vector<std::string> prefixes;
    for (const auto& [name, shape] : tensors) {
        if (!name.ends_with(first_tensor)) continue;
        const std::string prefix = name.substr(0, name.size() - first_tensor.size());
        if (prefix.empty() || prefix.ends_with('.')) prefixes.push_back(prefix);
    }
    return prefixes;
}

/// The tensors behind a prefix, without it; those of a head are left away on wish.
NamedShapes behind(const NamedShapes& tensors, const std::string& prefix, bool with_head) {
    NamedShapes inside;
    for (const auto& [name, shape] : tensors) {
        if (!name.starts_with(prefix)) continue;
        const std::string rest = name.substr(prefix.size());
        if (with_head || !is_head(first_part(rest))) inside.emplace_back(rest, shape);
    }
    return inside;
}

/// A network's state by names.
class OwnState {
public:
    explicit OwnState(const NamedShapes& own) {
        for (const auto& [name, shape] : own) {
            names_.insert(name);
            modules_.insert(first_part(name));
            if (!is_counter(name)) needed_.emplace(name, shape);
        }
    }
    [[nodiscard]] bool is_own(const std::string& name) const { return names_.contains(name); }

    /// All tensors behind the prefix with their shapes, and none of another network among its modules.
    [[nodiscard]] bool lies_behind(const std::string& prefix, const NamedShapes& tensors) const {
        std::size_t found = 0;
        for (const auto& [name, shape] : tensors) {
            if (!name.starts_with(prefix)) continue;
            const std::string rest = name.substr(prefix.size());
            const auto needed = needed_.find(rest);
            if (needed != needed_.end()) {
                if (needed->second != shape) return false;
                ++found;
            } else if (!is_own(rest) && modules_.contains(first_part(rest))) {
                return false;
            }
        }
        return found == needed_.size();
    }

private:
    std::set<std::string> names_, modules_;
    std::map<std::string, Shape> needed_;
};

/// Names that a match does not take, or none when one of them makes it doubtful that this is the network.
std::optional<std::vector<std::string>> others_beside(const OwnState& network, const NamedShapes& tensors,
                                                      const std::string& prefix, const std::vector<std::string>& fitting) {
    std::vector<std::string> others;
    for (const auto& [name, shape] : tensors) {
        const bool inside = name.starts_with(prefix);
        const std::string rest = inside ? name.substr(prefix.size()) : name;
        if (inside && network.is_own(rest)) continue;
        const bool of_another = std::any_of(fitting.begin(), fitting.end(), [&](const std::string& other) {
            return other.size() > prefix.size() && name.starts_with(other);
        });
        if (inside && !of_another && !is_head(first_part(rest))) return std::nullopt;
        others.push_back(name);
    }
    return others;
}

std::string names_text(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) text += (i == 0 ? "" : ", ") + names[i].substr(0, 120);
    return names.size() > kShown ? text + ", ..." : text;
}

struct Place {
    std::size_t state = 0;
    std::string prefix;
};

/// Where a network may lie, whatever it is.
std::vector<Place> places_in(const std::vector<ForeignState>& states) {
    std::vector<Place> places;
    for (std::size_t i = 0; i < states.size(); ++i)
        for (const std::string_view first : kFirstTensors)
            for (std::string& prefix : prefixes_of(states[i].tensors, first)) places.push_back({i, std::move(prefix)});
    return places;
}

/// "--architecture iresnet50 (its `state_dict`)", or nothing.
std::string what_fits(const std::vector<ForeignState>& states) {
    std::size_t searched = 0;
    for (const Place& place : places_in(states)) {
        if (++searched > kPlacesSearched) break;
        const std::string name = fitting_architecture(behind(states[place.state].tensors, place.prefix, false));
        if (name.empty()) continue;
        const bool reduced = name.find("-w") != std::string::npos;
        return "--architecture " + name + (reduced ? ", or another input size with the same shapes" : "");
    }
    return {};
}

std::string python_keys(const ForeignState& state) {
    std::string text;
    for (const std::string& key : state.nested_under) text += "['" + key + "']";
    return text;
}

/// Weights that torch computes from others when the network runs, and the call that leaves the result.
struct Reparametrisation {
    std::string_view part;  ///< of names
    std::string_view also;  ///< of others
    const char* name;
    const char* remedy;
};
constexpr std::array<Reparametrisation, 3> kReparametrisations{
    {{"weight_orig", "weight_u", "spectral norm", "torch.nn.utils.remove_spectral_norm(module)"},
     {"weight_g", "weight_v", "weight norm", "torch.nn.utils.remove_weight_norm(module)"},
     {"parametrizations.", "original", "a parametrisation",
      "torch.nn.utils.parametrize.remove_parametrizations(module, 'weight')"}}};

std::string reparametrisation_hint(const ForeignState& state, const std::string& where) {
    const auto any = [&](std::string_view part) {
        return std::any_of(state.tensors.begin(), state.tensors.end(),
                           [&](const auto& one) { return one.first.find(part) != std::string::npos; });
    };
    if (any("weight_orig") && any("weight_mask"))
        return fmt::format(
            "they are pruned by torch.nn.utils.prune; in Python: state = torch.load('{}', map_location='cpu'){}; "
            "state.update({{k[:-5]: state.pop(k) * state.pop(k[:-5] + '_mask') for k in list(state) if k.endswith('_orig')}}); "
            "torch.save(state, 'weights.pth')",
            where, python_keys(state));
    for (const Reparametrisation& known : kReparametrisations)
        if (any(known.part) && any(known.also))
            return fmt::format("they are under {}; in Python, before saving: {} for every module that has it", known.name,
                               known.remedy);
    return {};
}

/// The place where fewest names are missing, whatever their shapes.
Place best_place(const std::vector<ForeignState>& states, const NamedShapes& own) {
    std::vector<Place> places = places_in(states);
    for (std::size_t i = 0; i < states.size(); ++i) places.push_back({i, ""});
    Place best;
    std::pair<std::size_t, std::size_t> least{own.size() + 1, 0};  // missing, of another shape
    for (Place& place : places) {
        const StateFit fit = compare_state(own, behind(states[place.state].tensors, place.prefix, true));
        const std::pair wrong{fit.missing.size(), fit.misshapen.size()};
        if (wrong >= least) continue;
        least = wrong;
        best = std::move(place);
    }
    return best;
}

}  // namespace

std::vector<StateMatch> find_network(const std::vector<ForeignState>& states, const NamedShapes& own) {
    const OwnState network(own);
    std::vector<StateMatch> matches;
    for (std::size_t i = 0; i < states.size(); ++i) {
        const NamedShapes& tensors = states[i].tensors;
        std::vector<std::string> fitting;
        for (const std::string& prefix : prefixes_of(tensors, own.front().first))
            if (network.lies_behind(prefix, tensors)) fitting.push_back(prefix);
        for (const std::string& prefix : fitting)
            if (auto others = others_beside(network, tensors, prefix, fitting))
                matches.push_back({i, prefix, std::move(*others)});
    }
    return matches;
}

std::string text_of(const ForeignState& state, const std::string& prefix) {
    std::string text =
        state.nested_under.empty() ? "the file's own tensors" : fmt::format("its `{}`", fmt::join(state.nested_under, "."));
    return prefix.empty() ? text : text + ", without the prefix `" + prefix + "`";
}

std::string left_out_text(const std::vector<ForeignState>& states, const StateMatch& match) {
    std::string text;
    if (!match.left_out.empty()) text = names_text(match.left_out);
    std::vector<std::string> elsewhere;
    std::size_t count = 0;
    for (std::size_t i = 0; i < states.size(); ++i) {
        if (i == match.state) continue;
        count += states[i].tensors.size();
        const std::string key = states[i].nested_under.empty() ? states[i].tensors.front().first : states[i].nested_under.front();
        if (std::find(elsewhere.begin(), elsewhere.end(), key) == elsewhere.end()) elsewhere.push_back(key);
    }
    if (count == 0) return text;
    return text + (text.empty() ? "" : "; ") +
           fmt::format("{} under {}", count == 1 ? "1 tensor" : fmt::format("{} tensors", count), names_text(elsewhere));
}

void refuse_unfit(const std::vector<ForeignState>& states, const std::string& architecture, const NamedShapes& own,
                  const std::string& where) {
    const Place best = best_place(states, own);
    const ForeignState& state = states[best.state];
    const NamedShapes given = behind(state.tensors, best.prefix, true);
    const StateFit fit = compare_state(own, given);
    std::string hint = reparametrisation_hint(state, where);
    if (hint.empty()) {
        const std::string better = what_fits(states);
        hint = better.empty() ? "no architecture that fairsweep knows fits" : "they fit " + better;
        if (better.empty() && fit.missing.empty() && fit.misshapen.empty())
            hint = "all tensors of " + architecture +
                   " are there; where the unexpected ones are no part of the network, take them out before saving";
    }
    const bool plain = state.nested_under.empty() && best.prefix.empty();
    throw_data({.attempted = "these weights are not a state of " + architecture,
                .where = where + (plain ? "" : ", " + text_of(state, best.prefix)),
                .found = std::to_string(given.size()) + " tensors: " + fit.text(),
                .expected = "the " + std::to_string(own.size()) + " tensors of " + architecture,
                .hint = hint});
}

void refuse_unnamed(const std::vector<ForeignState>& states, const std::string& where) {
    const std::string fits = what_fits(states);
    throw_usage({.attempted = "cannot tell the architecture of these weights",
                 .where = where,
                 .found = "a file that does not say it",
                 .expected = "--architecture A; only checkpoints of fairsweep say theirs",
                 .hint = fits.empty() ? "no architecture that fairsweep knows fits" : "its tensors fit " + fits});
}

void refuse_ambiguous(const std::vector<ForeignState>& states, const std::vector<StateMatch>& matches,
                      const std::string& architecture, const std::string& where) {
    std::string found;
    for (const StateMatch& match : matches) found += (found.empty() ? "" : "; ") + text_of(states[match.state], match.prefix);
    const StateMatch& last = matches.back();
    const std::string keys = "ck" + python_keys(states[last.state]);
    const std::string chosen = last.prefix.empty() ? keys
                                                   : fmt::format("{{k[{}:]: v for k, v in {}.items() if k.startswith('{}')}}",
                                                                 last.prefix.size(), keys, last.prefix);
    throw_data(
        {.attempted = "cannot tell which weights are meant",
         .where = where,
         .found = fmt::format("{} networks of {} with different values: {}", matches.size(), architecture, found),
         .expected = "one",
         .hint = fmt::format("choose one in Python: ck = torch.load('{}', map_location='cpu'); torch.save({}, 'weights.pth')",
                             where, chosen)});
}

}  // namespace fairsweep

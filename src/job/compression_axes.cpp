#include "job/compression_axes.hpp"

#include <algorithm>

#include "job/values.hpp"
#include "words/pruning_words.hpp"

namespace fairsweep {

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

void check_pruning_value(const JobEntry& entry, const std::string& value) {
    if (with_pruning_words({}, value)) return;
    std::string expected = "recipe, or words joined by '+', at most one of each kind:";
    for (const PruningKey& key : pruning_keys()) expected += (&key == &pruning_keys().front() ? " " : "; ") + joined(key.words);
    refuse_value(entry, "'" + value + "'", expected);
}

std::vector<std::string> distillation_names() {
    std::vector<std::string> names;
    for (const char* loss : {"embedding", "cosine", "relational"}) {
        names.emplace_back(loss);
        names.push_back(std::string(loss) + std::string(kChainSuffix));
    }
    return names;
}

void read_compression_axes(const JobEntries& entries, Sweep& sweep) {
    if (const JobEntry* entry = entries.find("axes", "pruning")) {
        sweep.prunings = list_of(*entry);
        for (const std::string& value : sweep.prunings) check_pruning_value(*entry, value);
    }
    if (const JobEntry* entry = entries.find("axes", "distillation")) {
        sweep.distillations = list_of(*entry);
        const std::vector<std::string> known = distillation_names();
        for (const std::string& name : sweep.distillations) {
            if (std::find(known.begin(), known.end(), name) == known.end())
                refuse_value(*entry, "'" + name + "'", "one of " + joined(known), suggestion(name, known));
        }
    }
}

}  // namespace fairsweep

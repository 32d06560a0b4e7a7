#include "words/program_command.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cctype>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"
#include "words/recipe_keys.hpp"

namespace fairsweep {
namespace {

using enum PlaceholderKind;

constexpr std::string_view kRecipePrefix = "recipe.";
constexpr std::array kPlaceholders{
    Placeholder{"architecture", value, "the axis: iresnet18"},
    Placeholder{"training_set", value, "the axis: the name of the data section"},
    Placeholder{"bits", value, "the axis: 8, w4a8; 32 in the sham and dense arms"},
    Placeholder{"weight_bits", value, "of them, those of the weights: 4"},
    Placeholder{"activation_bits", value, "of them, those of the activations: 8"},
    Placeholder{"calibration", value, "the axis: real, or the name of a data section; none in the dense arm"},
    Placeholder{"sparsity", value, "the axis: 0.5; 0 in the sham and dense arms"},
    Placeholder{"pruning", value, "the axis, in full: unstructured+global+one-shot+together; none where nothing is pruned"},
    Placeholder{"distillation", value, "the axis: embedding; none in the dense arm"},
    Placeholder{"arm", value, "dense, sham or compressed"},
    Placeholder{"seed", value, "the seed"},
    Placeholder{"recipe.KEY", value, "the value of any key of [recipe]"},
    Placeholder{"threads", value, "recipe.threads_per_stage; where it is not named, OMP_NUM_THREADS is 1"},
    Placeholder{"baseline", network, "the checkpoint of fairsweep's own baseline (safetensors); a stage that is trained before"},
    Placeholder{"training_data", data, "the path of the training set"},
    Placeholder{"calibration_data", data, "the path of the calibration set; the training set where calibration is real"},
    Placeholder{"evaluation_data", data, "the path of the evaluation set"},
    Placeholder{"artefact", own_path, "the file to write the result to; must be there"},
    Placeholder{"work", own_path, "a folder for the program's own files, kept until the stage is done"},
};

struct Word {
    std::string text;
    bool is_quoted = false;
};

[[noreturn]] void refuse(const std::string& found, const std::string& expected, const std::string& hint = {}) {
    throw_usage({.attempted = "cannot read a command", .found = found, .expected = expected, .hint = hint});
}

bool is_blank(char letter) { return letter == ' ' || letter == '\t'; }

/// One word from `at` on, which is no blank; leaves `at` behind it.
Word take_word(std::string_view command, std::size_t& at) {
    Word word;
    char quote = '\0';
    for (; at < command.size() && (quote != '\0' || !is_blank(command[at])); ++at) {
        const char letter = command[at];
        const bool is_escape = letter == '\\' && quote != '\'';
        if (letter == quote) {
            quote = '\0';
        } else if (quote == '\0' && (letter == '\'' || letter == '"')) {
            quote = letter;
            word.is_quoted = true;
        } else if (is_escape && at + 1 == command.size()) {
            refuse("a \\ at the end of '" + std::string(command) + "'", "a letter behind it");
        } else if (is_escape && (quote == '\0' || std::string_view("\"\\$`").find(command[at + 1]) != std::string_view::npos)) {
            word.text += command[++at];
            word.is_quoted = true;
        } else {
            word.text += letter;
        }
    }
    if (quote != '\0') refuse(std::string("an open ") + quote + " in '" + std::string(command) + "'", "another one behind it");
    return word;
}

std::vector<Word> take_words(std::string_view command) {
    std::vector<Word> words;
    for (std::size_t at = 0;;) {
        while (at < command.size() && is_blank(command[at])) ++at;
        if (at == command.size()) return words;
        words.push_back(take_word(command, at));
    }
}

void refuse_shell_words(const std::vector<Word>& words) {
    constexpr std::array<std::string_view, 14> kShell{"|", "||", "&",  "&&",   ";",  ">",   ">>",
                                                      "<", "<<", "2>", "2>&1", "&>", "2>>", ">&2"};
    for (const Word& word : words) {
        if (word.is_quoted || std::find(kShell.begin(), kShell.end(), word.text) == kShell.end()) continue;
        refuse("the word " + word.text, "one program with its arguments",
               "there is no shell; its output goes to a log, and `sh -c '...'` is a program, too. As an argument: '" + word.text +
                   "'");
    }
}

/// Literal text or a placeholder of a word.
struct Part {
    std::string text;
    bool is_placeholder = false;
};

std::vector<Part> parts_of(std::string_view word) {
    std::vector<Part> parts;
    const auto add_letter = [&parts](char letter) {
        if (parts.empty() || parts.back().is_placeholder) parts.push_back({});
        parts.back().text += letter;
    };
    for (std::size_t at = 0; at < word.size(); ++at) {
        const char letter = word[at];
        if ((letter == '{' || letter == '}') && at + 1 < word.size() && word[at + 1] == letter) {
            add_letter(letter);
            ++at;
        } else if (letter == '{') {
            const std::size_t close = word.find('}', at);
            if (close == std::string_view::npos)
                refuse("an open { in '" + std::string(word) + "'", "{NAME}", "a brace that is meant is written twice: {{");
            parts.push_back({std::string(word.substr(at + 1, close - at - 1)), true});
            at = close;
        } else if (letter == '}') {
            refuse("a } without { in '" + std::string(word) + "'", "{NAME}", "a brace that is meant is written twice: }}");
        } else {
            add_letter(letter);
        }
    }
    return parts;
}

void refuse_placeholder(const std::string& name, std::string_view word) {
    std::vector<std::string> known;
    std::string list;
    for (const Placeholder& one : placeholders()) {
        known.emplace_back(one.name);
        list += (list.empty() ? "{" : ", {") + std::string(one.name) + "}";
    }
    for (const std::string& key : recipe_key_names()) known.push_back(std::string(kRecipePrefix) + key);
    const std::string near = nearest_word(name, known);
    const bool is_variable = word.find("${" + name + "}") != std::string_view::npos;
    std::string hint = near.empty() ? "" : "did you mean {" + near + "}?";
    if (near.empty()) hint = "a brace that is meant is written twice: {{ and }}";
    if (is_variable) hint = "there is no shell: variables of the environment are not replaced in commands";
    refuse("{" + name + "}", list, hint);
}

void check_placeholders(std::string_view command, std::string_view word) {
    for (const Part& part : parts_of(word)) {
        if (!part.is_placeholder) continue;
        if (find_placeholder(part.text) == nullptr) refuse_placeholder(part.text, word);
        if (!names_placeholder(command, part.text))
            refuse("{" + part.text + "} with a quote or \\ in it", "{" + part.text + "}", "quotes go around the braces");
    }
}

struct Signal {
    const char* word;
    int number;
};
constexpr std::array kSignals{Signal{"TERM", SIGTERM}, Signal{"INT", SIGINT},   Signal{"HUP", SIGHUP},  Signal{"QUIT", SIGQUIT},
                              Signal{"USR1", SIGUSR1}, Signal{"USR2", SIGUSR2}, Signal{"KILL", SIGKILL}};

}  // namespace

std::span<const Placeholder> placeholders() { return kPlaceholders; }

const Placeholder* find_placeholder(std::string_view name) {
    const bool is_key = name.starts_with(kRecipePrefix) && find_recipe_key(name.substr(kRecipePrefix.size())) != nullptr;
    for (const Placeholder& one : placeholders())
        if (is_key ? std::string_view(one.name) == "recipe.KEY" : one.name == name && name != "recipe.KEY") return &one;
    return nullptr;
}

bool names_placeholder(std::string_view command, std::string_view name) {
    for (std::size_t at = 0; at < command.size(); ++at) {
        if (command[at] != '{') continue;
        if (at + 1 < command.size() && command[at + 1] == '{') {
            ++at;
            continue;
        }
        const std::size_t close = command.find('}', at);
        if (close == std::string_view::npos) return false;
        if (command.substr(at + 1, close - at - 1) == name) return true;
        at = close;
    }
    return false;
}

std::vector<std::string> split_command(std::string_view command) {
    const std::vector<Word> words = take_words(command);
    if (words.empty() || words.front().text.empty()) refuse("nothing", "a program and its arguments");
    refuse_shell_words(words);
    std::vector<std::string> texts;
    for (const Word& word : words) {
        check_placeholders(command, word.text);
        texts.push_back(word.text);
    }
    return texts;
}

std::vector<std::string> filled_words(std::string_view command,
                                      const std::function<std::string(const std::string& name)>& value_of) {
    std::vector<std::string> words = split_command(command);
    for (std::string& word : words) {
        std::string filled;
        for (const Part& part : parts_of(word)) filled += part.is_placeholder ? value_of(part.text) : part.text;
        word = std::move(filled);
    }
    return words;
}

const std::vector<std::string>& stop_signal_words() {
    static const std::vector<std::string> words = [] {
        std::vector<std::string> list;
        for (const Signal& one : kSignals) list.emplace_back(one.word);
        return list;
    }();
    return words;
}

std::optional<int> stop_signal_number(std::string_view word) {
    for (const Signal& one : kSignals)
        if (word == one.word) return one.number;
    return std::nullopt;
}

Digest digest_of_depends(std::span<const Digest> contents) {
    std::string text;
    for (const Digest& content : contents) text += content.hex() + "\n";
    return sha256(text);
}

}  // namespace fairsweep

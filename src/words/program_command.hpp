#pragma once
/// Commands of [program.NAME]: words as a POSIX shell splits them, run without a shell, with placeholders such as {bits}.
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fairsweep/hash.hpp"

namespace fairsweep {

/// What a placeholder stands for decides what it does to the identity of a stage.
enum class PlaceholderKind {
    value,     ///< an axis or a key of the recipe: its value is part of the identity
    data,      ///< the path of a data set: the hash of its content is part of the identity
    network,   ///< the path of a checkpoint of fairsweep: a stage that is needed
    own_path,  ///< where this stage writes: no part of the identity
};

struct Placeholder {
    const char* name;  ///< "bits"; "recipe.KEY" stands for all keys of the recipe
    PlaceholderKind kind{};
    const char* meaning;
};

/// All there are, in the order of the documents.
[[nodiscard]] std::span<const Placeholder> placeholders();
/// The row of a name; nullptr for an unknown one. "recipe.finetune_lr" has that of "recipe.KEY".
[[nodiscard]] const Placeholder* find_placeholder(std::string_view name);

/// Whether the command names the placeholder. Reads the text as it stands: `{{` and `}}` are braces, no placeholders.
[[nodiscard]] bool names_placeholder(std::string_view command, std::string_view name);

/// The words of a command: blanks part them; '...', "..." and \ keep them together as in a POSIX shell; nothing is expanded.
/// Throws a usage error (with an empty `where`) for an empty command, an open quote, a word that only a shell understands, an
/// unknown placeholder, and a brace that is neither doubled nor part of a placeholder.
[[nodiscard]] std::vector<std::string> split_command(std::string_view command);
/// The words with `value_of` in the place of every placeholder: a value with blanks stays in its word.
[[nodiscard]] std::vector<std::string> filled_words(std::string_view command,
                                                    const std::function<std::string(const std::string& name)>& value_of);

/// "TERM", "INT", "HUP", "QUIT", "USR1", "USR2" or "KILL": what a program can be asked to stop with.
[[nodiscard]] const std::vector<std::string>& stop_signal_words();
[[nodiscard]] std::optional<int> stop_signal_number(std::string_view word);

/// Of the contents of the files that a program depends on, in their order. Their names are no part of it.
[[nodiscard]] Digest digest_of_depends(std::span<const Digest> contents);

/// What a program leaves.
inline constexpr const char* kResultCheckpoint = "checkpoint";
inline constexpr const char* kResultEmbeddings = "embeddings";
inline constexpr const char* kResultScores = "scores";

}  // namespace fairsweep

#include "words/program_command.hpp"

#include <set>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using Words = std::vector<std::string>;

namespace {

std::string refusal(const std::string& command) {
    try {
        static_cast<void>(split_command(command));
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
    FAIL_CHECK("accepted: " << command);
    return {};
}

}  // namespace

TEST_CASE("a command is split as a shell splits it, and nothing is expanded") {
    CHECK(split_command("python3 qat.py  --lr\t0.1 ") == Words{"python3", "qat.py", "--lr", "0.1"});
    CHECK(split_command(R"(a 'b c' "d e" f\ g 'h'"i"j)") == Words{"a", "b c", "d e", "f g", "hij"});
    CHECK(split_command(R"(a "say \"x\" \n" '\n' "")") == Words{"a", R"(say "x" \n)", R"(\n)", ""});
    CHECK(split_command("sh -c 'a | b > c; echo $HOME *'") == Words{"sh", "-c", "a | b > c; echo $HOME *"});
    CHECK(split_command("a '|' \\; >x $HOME *.py ~") == Words{"a", "|", ";", ">x", "$HOME", "*.py", "~"});
}

TEST_CASE("what only a shell understands is refused") {
    for (const char* word : {"|", "||", "&", "&&", ";", ">", ">>", "<", "2>&1"})
        CHECK_THAT(refusal(std::string("train {artefact} ") + word + " log"), ContainsSubstring("there is no shell"));
    CHECK_THAT(refusal("a 'b"), ContainsSubstring("open '"));
    CHECK_THAT(refusal("a \"b"), ContainsSubstring("open \""));
    CHECK_THAT(refusal("a b\\"), ContainsSubstring("at the end"));
    CHECK_THAT(refusal("  "), ContainsSubstring("a program and its arguments"));
}

TEST_CASE("placeholders are replaced inside words, and values stay in their word") {
    const auto value = [](const std::string& name) { return name == "artefact" ? "/a b/'c'" : "<" + name + ">"; };
    CHECK(filled_words("t --bits={bits} '{seed}' {artefact} {recipe.finetune_lr}{arm}", value) ==
          Words{"t", "--bits=<bits>", "<seed>", "/a b/'c'", "<recipe.finetune_lr><arm>"});
    CHECK(filled_words("t {{bits}} {{{bits}}} a}}b", value) == Words{"t", "{bits}", "{<bits>}", "a}b"});
}

TEST_CASE("unknown placeholders and single braces are refused with help") {
    CHECK_THAT(refusal("t {bit}"), ContainsSubstring("did you mean {bits}?") && ContainsSubstring("{recipe.KEY}"));
    CHECK_THAT(refusal("t {recipe.finetune_rl}"), ContainsSubstring("did you mean {recipe.finetune_lr}?"));
    CHECK_THAT(refusal("t {recipe.KEY}"), ContainsSubstring("{recipe.KEY}"));
    CHECK_THAT(refusal("t ${HOME}/x"), ContainsSubstring("there is no shell"));
    CHECK_THAT(refusal("t {bits"), ContainsSubstring("written twice"));
    CHECK_THAT(refusal("t bits}"), ContainsSubstring("written twice"));
    CHECK_THAT(refusal("t {'bits'}"), ContainsSubstring("quotes go around"));
}

TEST_CASE("whether a command names a placeholder is told from its text") {
    CHECK(names_placeholder("t --b={bits}", "bits"));
    CHECK_FALSE(names_placeholder("t --b={weight_bits}", "bits"));
    CHECK_FALSE(names_placeholder("t --b={{bits}}", "bits"));
    CHECK(names_placeholder("t --b={{{bits}}}", "bits"));
    CHECK(names_placeholder("t {{x}} {recipe.momentum}", "recipe.momentum"));
}

TEST_CASE("jobs/README.md has a row for every placeholder") {
    const std::string text = read_text_file(std::string(FAIRSWEEP_SOURCE_DIR) + "/jobs/README.md");
    std::set<std::string> names;
    for (const Placeholder& one : placeholders()) {
        INFO(one.name);
        CHECK(names.insert(one.name).second);
        CHECK_THAT(text, ContainsSubstring("`{" + std::string(one.name) + "}`"));
        CHECK_FALSE(std::string(one.meaning).empty());
    }
}

#include "plan/constraint.hpp"

#include <array>
#include <charconv>
#include <cctype>
#include <optional>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"
#include "words/pruning_words.hpp"

namespace fairsweep {
namespace {

using Operator = ConstraintRule::Operator;
using Subject = ConstraintRule::Subject;

constexpr int kDeepestNesting = 64;  // the parser recurses
constexpr const char* kSeed = "seed";
constexpr const char* kArm = "arm";

std::vector<Subject> subjects_of(const std::vector<AxisInfo>& axes) {
    std::vector<Subject> subjects;
    for (const AxisInfo& axis : axes) subjects.push_back({subjects.size(), axis.name, axis.kind});
    subjects.push_back({subjects.size(), kSeed, AxisKind::number});
    subjects.push_back({subjects.size(), kArm, AxisKind::word});
    return subjects;
}

bool is_word_letter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' || c == '+' || c == ':';
}

template <typename Value>
bool compare(Operator op, const Value& left, const Value& right) {
    switch (op) {
        case Operator::equal:
            return left == right;
        case Operator::not_equal:
            return left != right;
        case Operator::less:
            return left < right;
        case Operator::less_equal:
            return left <= right;
        case Operator::greater:
            return left > right;
        case Operator::greater_equal:
            return left >= right;
    }
    return false;
}

bool is_equality(Operator op) { return op == Operator::equal || op == Operator::not_equal; }

/// "cubic+layer" as points say it: "layer+cubic".
std::string canonical_pruning(const std::string& word) {
    const std::optional<Recipe> recipe = with_pruning_words({}, word);
    return recipe ? pruning_text(*recipe) : word;
}

/// Nothing: the point has no number there, and no comparison of numbers holds but !=.
std::optional<double> number_in(const Point& point, const Subject& subject) {
    if (subject.place >= point.axes.size()) return static_cast<double>(point.seed);
    const AxisValue& value = point.axes[subject.place];
    if (const auto* bits = std::get_if<Bits>(&value)) return static_cast<double>(bits->weight);
    const auto* number = std::get_if<double>(&value);
    return number == nullptr ? std::nullopt : std::optional<double>(*number);
}

std::string word_in(const Point& point, const Subject& subject) {
    return subject.place >= point.axes.size() ? name_of(point.arm) : text_of(point.axes[subject.place]);
}

bool is_compared_as_text(const ConstraintRule::Comparison& comparison) {
    const AxisKind kind = comparison.subject.kind;
    return kind == AxisKind::word || (kind == AxisKind::bits && is_equality(comparison.op));
}

bool holds(const ConstraintRule::Comparison& comparison, const Point& point) {
    if (is_compared_as_text(comparison)) {
        const bool is_pruning = comparison.subject.place == index_of(Axis::pruning);
        return compare(comparison.op, word_in(point, comparison.subject),
                       is_pruning ? canonical_pruning(comparison.word) : comparison.word);
    }
    const auto number = number_in(point, comparison.subject);
    return number ? compare(comparison.op, *number, comparison.number) : comparison.op == Operator::not_equal;
}

}  // namespace

/// Recursive descent over the text; writes the rule in reverse Polish order.
class ConstraintParser {
public:
    ConstraintParser(const std::string& text, const std::string& where, const std::vector<AxisInfo>& axes)
        : text_(text), where_(where), subjects_(subjects_of(axes)) {}

    ConstraintRule parse() {
        read_rule(0);
        skip_blanks();
        if (position_ != text_.size()) refuse("'and', 'or' or the end of the rule");
        return std::move(rule_);
    }

private:
    void read_rule(int depth) {
        read_and_rule(depth);
        while (take_keyword("or")) {
            read_and_rule(depth);
            rule_.program_.push_back(ConstraintRule::kOr);
        }
    }

    void read_and_rule(int depth) {
        read_factor(depth);
        while (take_keyword("and")) {
            read_factor(depth);
            rule_.program_.push_back(ConstraintRule::kAnd);
        }
    }

    void read_factor(int depth) {
        if (depth > kDeepestNesting) refuse("at most " + std::to_string(kDeepestNesting) + " nested parentheses");
        skip_blanks();
        if (position_ < text_.size() && text_[position_] == '(') {
            ++position_;
            read_rule(depth + 1);
            skip_blanks();
            if (position_ >= text_.size() || text_[position_] != ')') refuse("')'");
            ++position_;
            return;
        }
        ConstraintRule::Comparison comparison;
        comparison.subject = read_subject();
        comparison.op = read_operator(comparison.subject);
        read_value(comparison);
        rule_.program_.push_back(static_cast<int>(rule_.comparisons_.size()));
        rule_.comparisons_.push_back(std::move(comparison));
    }

    const Subject& read_subject() {
        skip_blanks();
        const std::size_t begin = position_;
        const std::string word = read_word();
        std::vector<std::string> names;
        for (const Subject& subject : subjects_) {
            if (word == subject.name) return subject;
            names.push_back(subject.name);
        }
        position_ = begin;
        const std::string near = nearest_word(word, names);
        refuse("an axis: " + listed(names), word.empty() || near.empty() ? "" : "did you mean '" + near + "'?");
    }

    static std::string listed(const std::vector<std::string>& names) {
        std::string text;
        for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
        return text;
    }

    Operator read_operator(const Subject& subject) {
        skip_blanks();
        const std::size_t begin = position_;
        static constexpr std::array<std::pair<std::string_view, Operator>, 6> kOperators = {{{"==", Operator::equal},
                                                                                             {"!=", Operator::not_equal},
                                                                                             {"<=", Operator::less_equal},
                                                                                             {">=", Operator::greater_equal},
                                                                                             {"<", Operator::less},
                                                                                             {">", Operator::greater}}};
        for (const auto& [text, op] : kOperators) {
            if (text_.compare(begin, text.size(), text) != 0) continue;
            if (subject.kind == AxisKind::word && !is_equality(op))
                refuse("== or !=", subject.name + " is a word: it has no order");
            position_ += text.size();
            return op;
        }
        refuse("one of == != < <= > >=", text_.compare(begin, 1, "=") == 0 ? "equality is written ==" : "");
    }

    void read_value(ConstraintRule::Comparison& comparison) {
        skip_blanks();
        const std::size_t begin = position_;
        comparison.word = read_word();
        if (comparison.word.empty()) refuse("a value");
        if (comparison.subject.kind == AxisKind::word) return;
        const bool is_bits = comparison.subject.kind == AxisKind::bits;
        const char* end = comparison.word.data() + comparison.word.size();
        const auto result = std::from_chars(comparison.word.data(), end, comparison.number);
        const bool is_number = result.ec == std::errc{} && result.ptr == end;
        if (is_number || is_compared_as_text(comparison)) return;
        position_ = begin;
        refuse("a number", is_bits ? "bits are ordered by their weight width: bits < 8" : "");
    }

    bool take_keyword(std::string_view keyword) {
        skip_blanks();
        const std::size_t begin = position_;
        if (read_word() == keyword) return true;
        position_ = begin;
        return false;
    }

    std::string read_word() {
        const std::size_t begin = position_;
        while (position_ < text_.size() && is_word_letter(text_[position_])) ++position_;
        return text_.substr(begin, position_ - begin);
    }

    void skip_blanks() {
        while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t')) ++position_;
    }

    [[noreturn]] void refuse(const std::string& expected, const std::string& hint = {}) const {
        const std::string rest = text_.substr(position_);
        throw_usage({.attempted = "cannot understand an exclude rule",
                     .where = where_ + ", column " + std::to_string(position_ + 1),
                     .found = (rest.empty() ? "the end" : "'" + rest + "'") + " in: " + text_,
                     .expected = expected,
                     .hint = hint});
    }

    const std::string& text_;
    const std::string& where_;
    const std::vector<Subject> subjects_;
    std::size_t position_ = 0;
    ConstraintRule rule_;
};

ConstraintRule ConstraintRule::parse(const std::string& text, const std::string& where, const std::vector<AxisInfo>& axes) {
    return ConstraintParser(text, where, axes).parse();
}

bool ConstraintRule::matches(const Point& point) const {
    // Only operands wait on the stack, so it is never deeper than the number of comparisons.
    std::vector<bool> stack;
    for (const int step : program_) {
        if (step >= 0) {
            stack.push_back(holds(comparisons_[static_cast<std::size_t>(step)], point));
            continue;
        }
        const bool right = stack.back();
        stack.pop_back();
        stack.back() = step == kAnd ? stack.back() && right : stack.back() || right;
    }
    return stack.back();
}

}  // namespace fairsweep

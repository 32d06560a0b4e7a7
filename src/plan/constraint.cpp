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

using Axis = ConstraintRule::Axis;
using Operator = ConstraintRule::Operator;

constexpr std::array kAxes = {Axis::architecture, Axis::training_set, Axis::bits, Axis::calibration, Axis::sparsity,
                              Axis::pruning,      Axis::distillation, Axis::seed, Axis::arm};
constexpr int kDeepestNesting = 64;  // the parser recurses

bool is_word_axis(Axis axis) { return axis != Axis::bits && axis != Axis::sparsity && axis != Axis::seed; }
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

bool holds(const ConstraintRule::Comparison& comparison, const Point& point) {
    const Operator op = comparison.op;
    switch (comparison.axis) {
        case Axis::architecture:
            return compare(op, point.architecture, comparison.word);
        case Axis::training_set:
            return compare(op, point.training_set, comparison.word);
        case Axis::calibration:
            return compare(op, point.calibration, comparison.word);
        case Axis::pruning:
            return compare(op, point.pruning, canonical_pruning(comparison.word));
        case Axis::distillation:
            return compare(op, point.distillation, comparison.word);
        case Axis::arm:
            return compare(op, std::string(name_of(point.arm)), comparison.word);
        case Axis::sparsity:
            return compare(op, point.sparsity, comparison.number);
        case Axis::seed:
            return compare(op, static_cast<double>(point.seed), comparison.number);
        case Axis::bits:
            if (is_equality(op)) return compare(op, point.bits.text(), comparison.word);
            return compare(op, static_cast<double>(point.bits.weight), comparison.number);
    }
    return false;
}

}  // namespace

const char* name_of(Axis axis) {
    switch (axis) {
        case Axis::architecture:
            return "architecture";
        case Axis::training_set:
            return "training_set";
        case Axis::bits:
            return "bits";
        case Axis::calibration:
            return "calibration";
        case Axis::sparsity:
            return "sparsity";
        case Axis::pruning:
            return "pruning";
        case Axis::distillation:
            return "distillation";
        case Axis::seed:
            return "seed";
        case Axis::arm:
            return "arm";
    }
    check_failed("axis", "name of an unknown axis");
}

/// Recursive descent over the text; writes the rule in reverse Polish order.
class ConstraintParser {
public:
    ConstraintParser(const std::string& text, const std::string& where) : text_(text), where_(where) {}

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
        comparison.axis = read_axis();
        comparison.op = read_operator(comparison.axis);
        read_value(comparison);
        rule_.program_.push_back(static_cast<int>(rule_.comparisons_.size()));
        rule_.comparisons_.push_back(std::move(comparison));
    }

    Axis read_axis() {
        skip_blanks();
        const std::size_t begin = position_;
        const std::string word = read_word();
        std::vector<std::string> names;
        for (const Axis axis : kAxes) {
            if (word == name_of(axis)) return axis;
            names.emplace_back(name_of(axis));
        }
        position_ = begin;
        const std::string near = nearest_word(word, names);
        refuse("an axis: architecture, training_set, bits, calibration, sparsity, pruning, distillation, seed or arm",
               word.empty() || near.empty() ? "" : "did you mean '" + near + "'?");
    }

    Operator read_operator(Axis axis) {
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
            if (is_word_axis(axis) && !is_equality(op)) {
                refuse("== or !=", std::string(name_of(axis)) + " is a word: it has no order");
            }
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
        if (is_word_axis(comparison.axis)) return;
        const bool is_bits_text = comparison.axis == Axis::bits && is_equality(comparison.op);
        const char* end = comparison.word.data() + comparison.word.size();
        const auto result = std::from_chars(comparison.word.data(), end, comparison.number);
        const bool is_number = result.ec == std::errc{} && result.ptr == end;
        if (is_number || is_bits_text) return;
        position_ = begin;
        refuse("a number", comparison.axis == Axis::bits ? "bits are ordered by their weight width: bits < 8" : "");
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
    std::size_t position_ = 0;
    ConstraintRule rule_;
};

ConstraintRule ConstraintRule::parse(const std::string& text, const std::string& where) {
    return ConstraintParser(text, where).parse();
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

#pragma once
/// The language of `exclude` rules: comparisons of an axis with a value, joined by `and`, `or` and parentheses.
///
///   rule       := and_rule { "or" and_rule }
///   and_rule   := factor { "and" factor }
///   factor     := "(" rule ")" | axis operator value
///   axis       := architecture | training_set | bits | calibration | sparsity | pruning | distillation | seed | arm
///   operator   := == | != | < | <= | > | >=
///
/// Words compare with == and != only. `bits` is equal by text (8, w4a8) and ordered by its weight width (bits < 8).
#include <string>
#include <vector>

#include "fairsweep/plan.hpp"

namespace fairsweep {

class ConstraintRule {
public:
    enum class Axis { architecture, training_set, bits, calibration, sparsity, pruning, distillation, seed, arm };
    enum class Operator { equal, not_equal, less, less_equal, greater, greater_equal };
    struct Comparison {
        Axis axis{};
        Operator op{};
        std::string word;     ///< value as written (word axes, bits with == and !=)
        double number = 0.0;  ///< value of a numeric comparison
    };

    /// Throws a usage error that shows the column; `where` names the rule's place in the job file.
    [[nodiscard]] static ConstraintRule parse(const std::string& text, const std::string& where);

    /// True when the rule excludes the point.
    [[nodiscard]] bool matches(const Point& point) const;
    /// The rule's comparisons, in the order written: whoever knows which words exist checks them.
    [[nodiscard]] const std::vector<Comparison>& comparisons() const { return comparisons_; }

private:
    /// The rule in reverse Polish order: a comparison's index, or one of the two joins.
    static constexpr int kAnd = -1;
    static constexpr int kOr = -2;
    friend class ConstraintParser;
    std::vector<Comparison> comparisons_;
    std::vector<int> program_;
};

/// The axis as rules and job files spell it.
[[nodiscard]] const char* name_of(ConstraintRule::Axis axis);

}  // namespace fairsweep

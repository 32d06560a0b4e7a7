#pragma once
/// The language of `exclude` rules: comparisons of an axis with a value, joined by `and`, `or` and parentheses.
///
///   rule       := and_rule { "or" and_rule }
///   and_rule   := factor { "and" factor }
///   factor     := "(" rule ")" | axis operator value
///   axis       := an axis of the sweep (architecture, bits, recipe.finetune_lr ...) | seed | arm
///   operator   := == | != | < | <= | > | >=
///
/// Words compare with == and != only; an axis that has no part in a point has the word none there and no number. `bits` is equal
/// by text (8, w4a8) and ordered by its weight width (bits < 8).
#include <string>
#include <vector>

#include "fairsweep/plan.hpp"

namespace fairsweep {

class ConstraintRule {
public:
    enum class Operator { equal, not_equal, less, less_equal, greater, greater_equal };
    /// What a comparison is about: the axis at that place of the sweep, or the seed or the arm, which come after the axes.
    struct Subject {
        std::size_t place = 0;
        std::string name;
        AxisKind kind{};
    };
    struct Comparison {
        Subject subject;
        Operator op{};
        std::string word;     ///< value as written (word axes, bits with == and !=)
        double number = 0.0;  ///< value of a numeric comparison
    };

    /// Throws a usage error that shows the column; `where` names the rule's place in the job file, `axes` are the sweep's.
    [[nodiscard]] static ConstraintRule parse(const std::string& text, const std::string& where,
                                              const std::vector<AxisInfo>& axes = common_axes());

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

}  // namespace fairsweep

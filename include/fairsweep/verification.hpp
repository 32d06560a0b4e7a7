#pragma once
/// The figures of the task "verification", typed for those who compute with them.
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace fairsweep {

/// Figures of one demographic group, as the evaluation stage measured them. Rates are fractions, accuracies percent.
struct GroupFigures {
    std::uint32_t genuine = 0;
    std::uint32_t impostor = 0;
    std::uint32_t correct_10fold = 0;  ///< right decisions of the 10-fold protocol
    double accuracy_10fold = 0.0;      ///< percent, mean over folds
    double accuracy_pooled = 0.0;      ///< percent, at the one threshold pooled over groups
    double fmr = 0.0;                  ///< false match rate at the pooled threshold
    double fnmr = 0.0;                 ///< false non-match rate there
    double eer = 0.0;
    double auc = 0.0;
};

/// Calls visit(name, unit, member) for each figure. The one list of them: the task's columns come from it. persistent: names and
/// order are those of rows and files.
template <class Figures, class Visit>
void visit_figures(Figures& figures, Visit&& visit) {
    visit("genuine", "", figures.genuine);
    visit("impostor", "", figures.impostor);
    visit("correct_10fold", "", figures.correct_10fold);
    visit("accuracy_10fold", "percent", figures.accuracy_10fold);
    visit("accuracy_pooled", "percent", figures.accuracy_pooled);
    visit("fmr", "fraction", figures.fmr);
    visit("fnmr", "fraction", figures.fnmr);
    visit("eer", "fraction", figures.eer);
    visit("auc", "fraction", figures.auc);
}

/// In the order of the task's columns.
[[nodiscard]] inline std::vector<double> columns_of(const GroupFigures& figures) {
    std::vector<double> values;
    visit_figures(figures, [&values](const char*, const char*, auto value) { values.push_back(static_cast<double>(value)); });
    return values;
}
/// `values` has one number per column; counts are whole numbers that fit.
[[nodiscard]] inline GroupFigures figures_of(std::span<const double> values) {
    GroupFigures figures;
    std::size_t column = 0;
    visit_figures(figures, [&](const char*, const char*, auto& value) {
        value = static_cast<std::remove_reference_t<decltype(value)>>(values[column++]);
    });
    return figures;
}

}  // namespace fairsweep

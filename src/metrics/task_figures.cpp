#include "metrics/task_figures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "fairsweep/error.hpp"
#include "metrics/evaluation.hpp"
#include "plan/tasks.hpp"

namespace fairsweep {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double percent_of(double part, double whole) { return whole == 0.0 ? kUndefined : 100.0 * part / whole; }

TaskFigures of_verification(const ItemTable& items, std::span<const float> responses, std::size_t) {
    const VerificationFigures verification = verification_figures(items, responses);
    TaskFigures figures{.pooled_threshold = verification.pooled_threshold, .groups = {}};
    for (const GroupFigures& group : verification.groups) figures.groups.push_back(columns_of(group));
    return figures;
}

void check_responses(const ItemTable& items, std::span<const float> responses, std::size_t classes) {
    const auto refuse = [](const std::string& found, const std::string& expected) {
        throw_data({.attempted = "evaluate a classifier", .found = found, .expected = expected});
    };
    if (responses.size() != items.size() * classes || responses.empty())
        refuse(std::to_string(responses.size()) + " responses",
               std::to_string(items.size()) + " images times " + std::to_string(classes) + " classes, and at least one");
    const auto bad = std::find_if(responses.begin(), responses.end(), [](float value) { return !std::isfinite(value); });
    if (bad != responses.end())
        refuse("a response that is not finite, of image " +
                   std::to_string((bad - responses.begin()) / static_cast<std::ptrdiff_t>(classes)),
               "finite numbers");
    const auto outside = [classes](std::uint8_t label) { return label >= classes; };
    if (std::any_of(items.label.begin(), items.label.end(), outside))
        refuse("an image of another class", std::to_string(classes) + " classes");
}

TaskFigures of_classification(const ItemTable& items, std::span<const float> responses, std::size_t classes) {
    check_responses(items, responses, classes);
    const std::vector<std::uint8_t> predicted = predicted_classes(responses, classes);
    TaskFigures figures;
    for (std::size_t g = 0; g < items.groups.size(); ++g) {
        std::vector<double> images(classes, 0.0), right(classes, 0.0);
        double correct = 0.0;
        for (std::uint32_t i = items.group_begin[g]; i < items.group_begin[g + 1]; ++i) {
            const bool is_right = predicted[i] == items.label[i];
            images[items.label[i]] += 1.0;
            right[items.label[i]] += is_right ? 1.0 : 0.0;
            correct += is_right ? 1.0 : 0.0;
        }
        const double all = items.group_begin[g + 1] - items.group_begin[g];
        double sum = 0.0, there = 0.0;
        std::vector<double> recalls;
        for (std::size_t c = 0; c < classes; ++c) {
            recalls.push_back(percent_of(right[c], images[c]));
            if (images[c] == 0.0) continue;
            sum += recalls.back();
            there += 1.0;
        }
        std::vector<double> columns{all, correct, percent_of(correct, all), there == 0.0 ? kUndefined : sum / there};
        columns.insert(columns.end(), images.begin(), images.end());
        columns.insert(columns.end(), recalls.begin(), recalls.end());
        figures.groups.push_back(std::move(columns));
    }
    return figures;
}

/// How the figures of a task are computed; one row per task of plan/tasks.cpp.
struct TaskRow {
    const char* name;
    TaskFigures (*figures)(const ItemTable&, std::span<const float>, std::size_t classes);
};
constexpr TaskRow kRows[] = {{"verification", of_verification}, {"classification", of_classification}};

}  // namespace

TaskFigures task_figures(std::string_view task, const ItemTable& items, std::span<const float> responses, std::size_t classes) {
    return row_of(kRows, task).figures(items, responses, classes);
}

std::vector<std::uint8_t> predicted_classes(std::span<const float> responses, std::size_t classes) {
    std::vector<std::uint8_t> predicted;
    for (std::size_t begin = 0; begin + classes <= responses.size() && classes > 0; begin += classes) {
        const auto of_item = responses.subspan(begin, classes);
        predicted.push_back(static_cast<std::uint8_t>(std::max_element(of_item.begin(), of_item.end()) - of_item.begin()));
    }
    return predicted;
}

}  // namespace fairsweep

#include "metrics/task_figures.hpp"

#include <cmath>
#include <limits>

#include "fairsweep/error.hpp"
#include "metrics/evaluation.hpp"
#include "plan/tasks.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

const std::vector<std::string> kClasses{"happy", "neutral", "sad"};

/// Group A: two happy, one sad. Group B: one of each; nobody is wrong there.
ItemTable images() {
    ItemTable items;
    items.groups = {"A", "B"};
    items.group_begin = {0, 3, 6};
    items.label = {0, 0, 2, 0, 1, 2};
    items.identity_a = items.identity_b = {0, 1, 2, 3, 4, 5};
    return items;
}

std::vector<float> logits() {
    return {2.F, 1.F, 0.F,  // right
            0.F, 1.F, 0.F,  // wrong
            1.F, 1.F, 1.F,  // equal: the first class, wrong
            1.F, 0.F, 0.F, 0.F, 1.F, 0.F, 0.F, 0.F, 1.F};
}

}  // namespace

TEST_CASE("Every task has figures in the order of its columns") {
    for (const TaskInfo& task : tasks()) {
        const std::size_t values = values_per_item(task, kClasses);
        ItemTable items = images();
        if (!task.has_classes) items.label = {1, 0, 1, 0, 1, 0};
        std::vector<float> responses(items.size() * values);
        for (std::size_t i = 0; i < responses.size(); ++i) responses[i] = 0.1F * static_cast<float>(i % 7);
        const TaskFigures figures = task_figures(task.name, items, responses, task.has_classes ? kClasses.size() : 0);
        const std::vector<FigureColumn> columns =
            task.figures(task.has_classes ? std::span<const std::string>(kClasses) : std::span<const std::string>());
        REQUIRE(figures.groups.size() == 2);
        for (const auto& group : figures.groups) CHECK(group.size() == columns.size());
        CHECK(columns[accuracy_column(task)].name == task.accuracy);
        CHECK(columns[accuracy_column(task)].unit == "percent");
    }
}

TEST_CASE("Classification: accuracy of groups, recall of classes, their mean") {
    const TaskFigures figures = task_figures("classification", images(), logits(), 3);
    CHECK_FALSE(figures.pooled_threshold);
    // images, correct, accuracy, balanced accuracy, images of each class, recall of each
    const std::vector<double>& a = figures.groups[0];
    CHECK(a[0] == 3.0);
    CHECK(a[1] == 1.0);
    CHECK(a[2] == Approx(100.0 / 3.0));
    CHECK(a[3] == Approx(25.0));  // happy 50 %, sad 0 %; nobody is neutral
    CHECK((a[4] == 2.0 && a[5] == 0.0 && a[6] == 1.0));
    CHECK(a[7] == 50.0);
    CHECK(std::isnan(a[8]));
    CHECK(a[9] == 0.0);
    CHECK(figures.groups[1][2] == 100.0);
    CHECK(figures.groups[1][3] == 100.0);
}

TEST_CASE("Classification refuses responses that cannot be judged") {
    std::vector<float> short_ones = logits();
    short_ones.pop_back();
    CHECK_THROWS_WITH(task_figures("classification", images(), short_ones, 3), ContainsSubstring("17 responses"));
    std::vector<float> not_finite = logits();
    not_finite[10] = std::numeric_limits<float>::infinity();
    CHECK_THROWS_WITH(task_figures("classification", images(), not_finite, 3), ContainsSubstring("image 3"));
    ItemTable other = images();
    other.label[1] = 3;
    CHECK_THROWS_WITH(task_figures("classification", other, logits(), 3), ContainsSubstring("another class"));
    CHECK_THROWS_WITH(task_figures("regression", images(), logits(), 3), ContainsSubstring("verification, classification"));
}

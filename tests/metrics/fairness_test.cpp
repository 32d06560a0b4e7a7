#include "metrics/fairness.hpp"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

/// The published tables are rounded half-up from the rounded accuracies; 1e-9 lifts values such as 1.745 over the edge.
double rounded(double value) { return std::floor(value * 100.0 + 0.5 + 1e-9) / 100.0; }

struct PublishedRow {
    std::vector<double> accuracies;
    double average;
    double deviation;
    double ratio;
};

std::vector<PublishedRow> published_rows(const std::string& file) {
    const auto lines = split(read_text_file(FAIRSWEEP_SOURCE_DIR "/tests/golden/published-tables/" + file), '\n');
    std::vector<PublishedRow> rows;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        if (lines[i].empty()) continue;
        const auto cells = split(lines[i], ',');
        const auto number = [&cells](std::size_t column) { return std::stod(cells.at(column)); };
        rows.push_back({{number(3), number(4), number(5), number(6)}, number(7), number(8), number(9)});
    }
    return rows;
}

}  // namespace

TEST_CASE("Average, STD (ddof 1) and SER reproduce all 29 rows of the published RFW tables") {
    std::size_t rows = 0;
    for (const char* file : {"biosig_table1.csv", "biosig_table2.csv"}) {
        for (const PublishedRow& row : published_rows(file)) {
            INFO(file << ", row with average " << row.average);
            CHECK(rounded(average(row.accuracies).value()) == Approx(row.average).epsilon(1e-12));
            CHECK(rounded(sample_deviation(row.accuracies).value()) == Approx(row.deviation).epsilon(1e-12));
            CHECK(rounded(skewed_error_ratio(row.accuracies).value()) == Approx(row.ratio).epsilon(1e-12));
            ++rows;
        }
    }
    CHECK(rows == 29);
}

TEST_CASE("FDR, IR and GARBE have their known values") {
    const std::vector<double> fmr{1e-3, 4e-3, 2e-3, 3e-3};
    const std::vector<double> fnmr{.02, .05, .03, .04};
    CHECK(fairness_discrepancy_rate(fmr, fnmr).value() == Approx(.9835).epsilon(1e-12));
    CHECK(fairness_discrepancy_rate(fmr, fnmr, .95).value() == Approx(.99565).epsilon(1e-12));
    CHECK(inequity_rate(fmr, fnmr).value() == Approx(3.16227766).epsilon(1e-8));
    CHECK(gini(fmr).value() == Approx(1.0 / 3.0).epsilon(1e-12));
    CHECK(gini(fnmr).value() == Approx(.2380952381).epsilon(1e-9));
    CHECK(garbe(fmr, fnmr).value() == Approx(.2857142857).epsilon(1e-9));
    CHECK(garbe(fmr, fnmr, .25).value() == Approx(.2619047619).epsilon(1e-9));
}

TEST_CASE("Indices at their edges are defined values or nothing, never infinity") {
    const std::vector<double> zeros{0, 0, 0};
    const std::vector<double> one{0, 0, .3};
    const std::vector<double> equal{.2, .2, .2};
    CHECK(gini(zeros).value() == 0.0);
    CHECK(gini(one).value() == Approx(1.0));
    CHECK(gini(equal).value() == Approx(0.0).margin(1e-15));
    CHECK_FALSE(gini(std::vector<double>{.5}));
    CHECK_FALSE(inequity_rate(one, equal));
    CHECK_FALSE(inequity_rate({}, {}));
    CHECK_FALSE(fairness_discrepancy_rate({}, {}));
    CHECK_FALSE(skewed_error_ratio(std::vector<double>{90.0, 100.0}));
    CHECK_FALSE(sample_deviation(std::vector<double>{90.0}));
    CHECK_FALSE(average({}));
    CHECK(largest_gap(std::vector<double>{90.0, 97.5, 92.0}).value() == 7.5);
}

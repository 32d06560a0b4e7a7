#include "model/margin_head.hpp"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

#include "support/catch.hpp"

using namespace fairsweep;

namespace {

using Json = nlohmann::json;

torch::Tensor matrix(const Json& rows) {
    std::vector<double> values;
    for (const Json& row : rows) values.insert(values.end(), row.begin(), row.end());
    return torch::tensor(values, torch::kFloat64).to(torch::kFloat32).view({static_cast<std::int64_t>(rows.size()), -1});
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

/// A head of two classes along the axes of the plane, and its target logit for an embedding at angle theta from class 0.
struct Plane {
    Plane() : head(2, 2, 1.0, 1) {
        const torch::NoGradGuard no_grad;
        head.kernel.copy_(torch::eye(2));
    }
    double target_logit(double theta, double margin) {
        const torch::Tensor x = torch::tensor({{std::cos(theta), std::sin(theta)}}, torch::kFloat32);
        return head.forward(x, torch::zeros({1}, torch::kInt64), margin)[0][0].item<double>();
    }
    MarginHead head;
};

}  // namespace

TEST_CASE("ArcFace logits and gradients agree with Python torch") {
    std::ifstream file(std::string(FAIRSWEEP_SOURCE_DIR) + "/tests/golden/margin_head.json");  // by margin_head_reference.py
    const Json golden = Json::parse(file);
    MarginHead head(5, 7, golden.at("scale").get<double>(), 1);
    {
        const torch::NoGradGuard no_grad;
        head.kernel.copy_(matrix(golden.at("kernel")));
    }
    const torch::Tensor embeddings = matrix(golden.at("embeddings")).requires_grad_();
    const torch::Tensor labels = torch::tensor(golden.at("labels").get<std::vector<std::int64_t>>());
    const torch::Tensor logits = head.forward(embeddings, labels, golden.at("margin_rad").get<double>());
    CHECK(largest_difference(logits, matrix(golden.at("logits"))) < 2e-4);  // of 64
    const torch::Tensor loss = torch::cross_entropy_loss(logits, labels);
    CHECK(loss.item<double>() == Approx(golden.at("loss").get<double>()).epsilon(1e-5));
    loss.backward();
    const torch::Tensor expected_embeddings = matrix(golden.at("grad_embeddings")),
                        expected_kernel = matrix(golden.at("grad_kernel"));
    CHECK(largest_difference(embeddings.grad(), expected_embeddings) < 1e-4 * expected_embeddings.abs().max().item<double>());
    CHECK(largest_difference(head.kernel.grad(), expected_kernel) < 1e-4 * expected_kernel.abs().max().item<double>());
}

TEST_CASE("The target logit falls with theta from 0 to pi for every margin") {
    Plane plane;
    for (const double margin : {0.1, 0.5, 1.0}) {
        double last = 2.0;
        for (int step = 0; step <= 60; ++step) {
            const double theta = std::numbers::pi * step / 60.0;
            const double logit = plane.target_logit(theta, margin);
            INFO("margin " << margin << ", theta " << theta);
            CHECK(logit < last);
            if (theta + margin < std::numbers::pi && step > 0) CHECK(logit == Approx(std::cos(theta + margin)).margin(1e-5));
            last = logit;
        }
    }
}

TEST_CASE("Margin 0 is the plain cosine") {
    Plane plane;
    CHECK(plane.target_logit(0.7, 0.0) == Approx(std::cos(0.7)));
}

TEST_CASE("Gradients stay finite at theta 0, theta pi and for a zero embedding") {
    MarginHead head(2, 2, 64.0, 1);
    {
        const torch::NoGradGuard no_grad;
        head.kernel.copy_(torch::eye(2));
    }
    const torch::Tensor embeddings = torch::tensor({{3.0, 0.0}, {-3.0, 0.0}, {0.0, 0.0}}, torch::kFloat32).requires_grad_();
    const torch::Tensor labels = torch::zeros({3}, torch::kInt64);
    torch::cross_entropy_loss(head.forward(embeddings, labels, 0.5), labels).backward();
    CHECK(embeddings.grad().isfinite().all().item<bool>());
    CHECK(head.kernel.grad().isfinite().all().item<bool>());
}

TEST_CASE("The class matrix is drawn from the seed with deviation 0.01") {
    const MarginHead a(128, 500, 64.0, 3), b(128, 500, 64.0, 3), c(128, 500, 64.0, 4);
    CHECK(torch::equal(a.kernel, b.kernel));
    CHECK_FALSE(torch::equal(a.kernel, c.kernel));
    CHECK(a.kernel.detach().std().item<double>() == Approx(0.01).epsilon(0.02));
    CHECK(a.named_parameters().contains("kernel"));
}

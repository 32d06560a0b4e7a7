#include "model/margin_head.hpp"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"
#include "support/python_oracle.hpp"

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
    explicit Plane(const MarginLoss& loss) : head(2, 2, loss, 1) {
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
    MarginHead head(5, 7, {.scale = golden.at("scale").get<double>()}, 1);
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
    Plane plane({.scale = 1.0});
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

TEST_CASE("The reference's ArcFace logit rises again beyond pi - m") {
    Plane plane({.scale = 1.0, .falls_to_pi = false});
    CHECK(plane.target_logit(2.6, 0.5) == Approx(-0.99914).margin(1e-5));
    CHECK(plane.target_logit(3.0, 0.5) == Approx(-0.93646).margin(1e-5));
    CHECK(plane.target_logit(1.0, 0.5) == Approx(std::cos(1.5)).margin(1e-6));
}

TEST_CASE("All margin losses agree with Python torch in values and gradients") {
    torch::manual_seed(5);
    torch::Tensor embeddings = torch::randn({8, 5});
    const torch::Tensor kernel = torch::randn({5, 7});
    const std::vector<std::int64_t> labels{3, 0, 6, 6, 1, 2, 4, 5};
    embeddings[4] = -kernel.index({torch::indexing::Slice(), 1}) + 0.05 * embeddings[4];  // theta close to pi
    const torch::Tensor equal = torch::full({8}, 0.35), drawn = draw_margins(8, 0.5, 0.05, 1.0, 9, 8, 7);
    for (const MarginLoss::Kind kind : {MarginLoss::Kind::arc, MarginLoss::Kind::cos}) {
        for (const bool falls_to_pi : {true, false}) {
            for (const torch::Tensor& margins : {equal, drawn}) {
                const char* name = kind == MarginLoss::Kind::arc ? "arc" : "cos";
                INFO(name << ", falls to pi " << falls_to_pi << ", margins " << margins);
                MarginHead head(5, 7, {.kind = kind, .scale = 16.0, .falls_to_pi = falls_to_pi}, 1);
                {
                    const torch::NoGradGuard no_grad;
                    head.kernel.copy_(kernel);
                }
                const Json answer = oracle::ask("model/margin_losses_oracle.py", {{"embeddings", oracle::json_of(embeddings)},
                                                                                  {"kernel", oracle::json_of(kernel)},
                                                                                  {"labels", labels},
                                                                                  {"margins", oracle::json_of(margins)},
                                                                                  {"kind", name},
                                                                                  {"falls_to_pi", falls_to_pi},
                                                                                  {"scale", 16.0}});
                const torch::Tensor x = embeddings.clone().requires_grad_();
                const torch::Tensor logits = head.forward(x, torch::tensor(labels), margins);
                const torch::Tensor loss = torch::cross_entropy_loss(logits, torch::tensor(labels));
                loss.backward();
                // float32 against float64; the sine loses digits near theta = pi
                CHECK(oracle::difference(answer.at("logits"), logits) < 1e-5);
                CHECK(oracle::difference(answer.at("loss"), loss) < 1e-5);
                CHECK(oracle::difference(answer.at("grad_embeddings"), x.grad()) < 1e-4);
                CHECK(oracle::difference(answer.at("grad_kernel"), head.kernel.grad()) < 1e-4);
            }
        }
    }
}

TEST_CASE("Elastic margins have their mean and deviation and depend on seed, key and step alone") {
    const torch::Tensor margins = draw_margins(20000, 0.5, 0.05, 1.0, 1, 2, 3);
    CHECK(margins.mean().item<double>() == Approx(0.5).margin(0.05 * 4 / std::sqrt(20000.0)));  // four standard errors
    CHECK(margins.std().item<double>() == Approx(0.05).epsilon(0.03));
    CHECK(torch::equal(margins, draw_margins(20000, 0.5, 0.05, 1.0, 1, 2, 3)));
    CHECK(torch::equal(margins.slice(0, 0, 10), draw_margins(10, 0.5, 0.05, 1.0, 1, 2, 3)));
    CHECK_FALSE(torch::equal(margins, draw_margins(20000, 0.5, 0.05, 1.0, 1, 2, 4)));
    CHECK(torch::allclose(draw_margins(20000, 0.5, 0.05, 0.25, 1, 2, 3), 0.25 * margins));
    CHECK(torch::equal(draw_margins(4, 0.5, 0.0, 0.5, 1, 2, 3), torch::full({4}, 0.25)));
}

TEST_CASE("A loss is known by its word") {
    CHECK(margin_kind("arcface") == MarginLoss::Kind::arc);
    CHECK(margin_kind("elastic-arcface") == MarginLoss::Kind::arc);
    CHECK(margin_kind("cosface") == MarginLoss::Kind::cos);
    CHECK(margin_kind("elastic-cosface") == MarginLoss::Kind::cos);
    CHECK_THROWS_AS(margin_kind("sphereface"), Error);
}

TEST_CASE("Margin 0 is the plain cosine") {
    Plane plane({.scale = 1.0});
    CHECK(plane.target_logit(0.7, 0.0) == Approx(std::cos(0.7)));
}

TEST_CASE("Gradients stay finite at theta 0, theta pi and for a zero embedding") {
    const bool falls_to_pi = GENERATE(true, false);
    MarginHead head(2, 2, {.falls_to_pi = falls_to_pi}, 1);
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
    const MarginHead a(128, 500, {}, 3), b(128, 500, {}, 3), c(128, 500, {}, 4);
    CHECK(torch::equal(a.kernel, b.kernel));
    CHECK_FALSE(torch::equal(a.kernel, c.kernel));
    CHECK(a.kernel.detach().std().item<double>() == Approx(0.01).epsilon(0.02));
    CHECK(a.named_parameters().contains("kernel"));
}

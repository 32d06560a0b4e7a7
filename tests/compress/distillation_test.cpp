// Distillation losses against Python torch, at test time.
#include "compress/distillation.hpp"

#include <string>
#include <tuple>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"
#include "support/python_oracle.hpp"

using namespace fairsweep;

TEST_CASE("Every distillation loss has Python's value and gradient") {
    torch::manual_seed(3);
    const torch::Tensor student = 3.0 * torch::randn({7, 6}), teacher = student + torch::randn({7, 6});
    for (const std::string name : {"embedding", "cosine", "relational", "logits"}) {
        INFO(name);
        const auto answer = oracle::ask(
            "compress/distillation_oracle.py",
            {{"student", oracle::json_of(student)}, {"teacher", oracle::json_of(teacher)}, {"loss", name}, {"scale", 4.0}});
        const torch::Tensor x = student.clone().requires_grad_(), y = teacher.clone().requires_grad_();
        const torch::Tensor loss = distillation_loss(name)(x, y, 4.0);
        loss.backward();
        CHECK(loss.dim() == 0);
        CHECK(oracle::difference(answer.at("loss"), loss) < 1e-5);  // float32 against float64
        CHECK(oracle::difference(answer.at("gradient"), x.grad()) < 1e-4);
        CHECK_FALSE(y.grad().defined());
        // A chain changes the teacher, not the loss.
        CHECK(distillation_loss(name + "-chain")(student, teacher, 4.0).item<double>() == loss.item<double>());
    }
}

TEST_CASE("A student that is its teacher has no loss and finite gradients") {
    torch::manual_seed(3);
    const torch::Tensor teacher = torch::randn({5, 4});
    for (const std::string name : {"embedding", "cosine", "relational", "logits"}) {
        INFO(name);
        const torch::Tensor x = teacher.clone().requires_grad_();
        const torch::Tensor loss = distillation_loss(name)(x, teacher, 1.0);
        loss.backward();
        CHECK(loss.item<double>() == Approx(0.0).margin(1e-6));
        CHECK(x.grad().abs().max().item<double>() < 1e-3);
        // Equal embeddings have distance 0 and no angle.
        const torch::Tensor equal = torch::ones({5, 4}).requires_grad_();
        distillation_loss(name)(equal, teacher, 1.0).backward();
        CHECK(equal.grad().isfinite().all().item<bool>());
    }
}

TEST_CASE("Relational distillation does not see a rotation of the teacher") {
    torch::manual_seed(3);
    const torch::Tensor teacher = torch::randn({6, 4});
    const torch::Tensor rotation = std::get<0>(torch::linalg_qr(torch::randn({4, 4})));
    CHECK(relational_loss(torch::mm(teacher, rotation), teacher, 1.0).item<double>() == Approx(0.0).margin(1e-6));
    CHECK(embedding_loss(torch::mm(teacher, rotation), teacher, 1.0).item<double>() > 0.01);
}

TEST_CASE("An unknown distillation is refused with the words") {
    CHECK_THROWS_AS(distillation_loss("attention"), Error);
    CHECK_THROWS_WITH(distillation_loss("-chain"), ContainsSubstring("relational"));
}

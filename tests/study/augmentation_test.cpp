// Changes of training images against hand values and numpy (augmentation_oracle.py), and what their draws depend on.
#include "study/augmentation.hpp"

#include <cmath>
#include <numeric>
#include <string>
#include <thread>

#include "support/python_oracle.hpp"
#include "words/recipe_keys.hpp"

using namespace fairsweep;

namespace {

constexpr int kSize = 12;
constexpr std::size_t kValues = std::size_t{3} * kSize * kSize;
constexpr Augmentation kWide{28, 0.5};  // three pixels at this size

/// Values all over -1 ... 1, the ends included.
std::vector<float> faces(std::size_t count) {
    std::vector<float> values(count * kValues);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = std::clamp(1.2F * std::sin(0.37F * static_cast<float>(i)), -1.0F, 1.0F);
    return values;
}

std::vector<Sample> samples(std::size_t count) {
    std::vector<Sample> list(count);
    for (std::size_t i = 0; i < count; ++i) list[i].image = static_cast<std::uint32_t>(7 * i + 1);
    return list;
}

std::vector<float> shifted(std::vector<float> face, int size, int down, int right) {
    shift_face(face, size, down, right);
    return face;
}

std::vector<float> coloured(std::vector<float> face, const FaceChange& change) {
    change_colours(face, change);
    return face;
}

torch::Tensor tensor_of(std::span<const float> face) { return torch::tensor(std::vector<float>(face.begin(), face.end())); }

}  // namespace

TEST_CASE("Every word of the key has a strength, and none changes no bit", "[augmentation]") {
    for (const std::string& word : find_recipe_key("augmentation")->words)
        CHECK((augmentation_of(word) == Augmentation{}) == (word == "none"));
    const std::vector<float> before = faces(5);
    std::vector<float> after = before;
    augment(after, kSize, samples(5), augmentation_of("none"), {1, 2, 3});
    CHECK(after == before);
    augment(after, kSize, samples(5), augmentation_of("light"), {1, 2, 3});
    CHECK(after != before);
}

TEST_CASE("A shift mirrors the picture at its edges", "[augmentation]") {
    std::vector<float> face;  // rows of pixels 0 1 2, 3 4 5, 6 7 8
    for (int pixel = 0; pixel < 9; ++pixel) face.insert(face.end(), 3, static_cast<float>(pixel));
    const auto pixels_after = [&face](int down, int right) {
        const std::vector<float> moved = shifted(face, 3, down, right);
        std::vector<int> pixels;
        for (std::size_t i = 0; i < moved.size(); i += 3) pixels.push_back(static_cast<int>(moved[i]));
        return pixels;
    };
    CHECK(pixels_after(0, 0) == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(pixels_after(1, 0) == std::vector<int>{3, 4, 5, 6, 7, 8, 3, 4, 5});
    CHECK(pixels_after(0, -1) == std::vector<int>{1, 0, 1, 4, 3, 4, 7, 6, 7});
    CHECK(pixels_after(-2, 2) == std::vector<int>{8, 7, 6, 5, 4, 3, 2, 1, 0});
}

TEST_CASE("Colours blend with black, with the mean grey and with the own grey", "[augmentation]") {
    const auto approx = [](const std::vector<float>& found, const std::vector<float>& expected) {
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).margin(1e-6));
    };
    const std::vector<float> two{1.0F, 0.0F, -1.0F, 0.0F, 0.0F, 0.0F};  // greys 0.299 - 0.114 = 0.185 and 0, mean 0.0925
    approx(coloured(two, {}), two);
    approx(coloured(two, {.brightness = 0.5F}), {0.0F, -0.5F, -1.0F, -0.5F, -0.5F, -0.5F});
    approx(coloured(two, {.brightness = 1.5F}), {1.0F, 0.5F, -1.0F, 0.5F, 0.5F, 0.5F});  // cut at white
    approx(coloured(two, {.contrast = 0.5F}), {0.54625F, 0.04625F, -0.45375F, 0.04625F, 0.04625F, 0.04625F});
    approx(coloured(two, {.saturation = 0.0F}), {0.185F, 0.185F, 0.185F, 0.0F, 0.0F, 0.0F});
}

TEST_CASE("Changed faces are those of numpy and torchvision's formulas", "[augmentation]") {
    constexpr std::size_t kFaces = 6;
    const AugmentationKey key{11, 22, 33};
    std::vector<float> batch = faces(kFaces);
    oracle::Json question = oracle::Json::array();
    for (std::size_t i = 0; i < kFaces; ++i) {
        const FaceChange change = draw_change(kWide, kSize, key, samples(kFaces)[i].image);
        const torch::Tensor face = tensor_of(std::span(batch).subspan(i * kValues, kValues)).view({kSize, kSize, 3});
        question.push_back({{"face", oracle::json_of(face)},
                            {"padding", 3},
                            {"down", change.down},
                            {"right", change.right},
                            {"brightness", change.brightness},
                            {"contrast", change.contrast},
                            {"saturation", change.saturation}});
    }
    const oracle::Json answer = oracle::ask("study/augmentation_oracle.py", question);
    augment(batch, kSize, samples(kFaces), kWide, key);
    for (std::size_t i = 0; i < kFaces; ++i)
        CHECK(oracle::difference(answer[i], tensor_of(std::span(batch).subspan(i * kValues, kValues))) < 1e-6);  // float32
}

TEST_CASE("What a face gets depends on seed, data, epoch and image alone", "[augmentation]") {
    constexpr std::size_t kFaces = 24;
    const AugmentationKey key{1, 2, 3};
    const std::vector<Sample> all = samples(kFaces);
    std::vector<float> at_once = faces(kFaces);
    augment(at_once, kSize, all, kWide, key);
    for (const std::size_t batch : {1U, 5U, 8U}) {  // other batches, the last ones first, each in a thread of its own
        std::vector<float> in_parts = faces(kFaces);
        std::vector<std::thread> threads;
        for (std::size_t begin = (kFaces - 1) / batch * batch;; begin -= batch) {
            const std::size_t count = std::min(batch, kFaces - begin);
            const std::span<float> part = std::span(in_parts).subspan(begin * kValues, count * kValues);
            threads.emplace_back(
                [&, part, begin, count] { augment(part, kSize, std::span(all).subspan(begin, count), kWide, key); });
            if (begin == 0) break;
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(in_parts == at_once);
    }
    const FaceChange one = draw_change(kWide, kSize, key, 9);
    CHECK(one == draw_change(kWide, kSize, key, 9));
    CHECK_FALSE(one == draw_change(kWide, kSize, {2, 2, 3}, 9));
    CHECK_FALSE(one == draw_change(kWide, kSize, {1, 3, 3}, 9));
    CHECK_FALSE(one == draw_change(kWide, kSize, {1, 2, 4}, 9));
    CHECK_FALSE(one == draw_change(kWide, kSize, key, 10));
}

TEST_CASE("Shifts and factors fill their ranges evenly, at any size of face", "[augmentation]") {
    constexpr int kDraws = 20000;
    for (const auto& [word, size, padding, colour] :
         {std::tuple{"light", 112, 4, 0.2}, {"strong", 112, 8, 0.4}, {"light", 56, 2, 0.2}, {"strong", 56, 4, 0.4}}) {
        INFO(word << " at " << size);
        std::vector<int> downs(static_cast<std::size_t>(2 * padding + 1), 0);
        double low = 2.0, high = 0.0, sum = 0.0;
        for (std::uint32_t image = 0; image < kDraws; ++image) {
            const FaceChange change = draw_change(augmentation_of(word), size, {1, 2, 0}, image);
            REQUIRE(std::max(std::abs(change.down), std::abs(change.right)) <= padding);
            ++downs[static_cast<std::size_t>(change.down + padding)];
            for (const float factor : {change.brightness, change.contrast, change.saturation}) {
                low = std::min(low, static_cast<double>(factor));
                high = std::max(high, static_cast<double>(factor));
                sum += static_cast<double>(factor) / (3.0 * kDraws);
            }
        }
        const double expected = static_cast<double>(kDraws) / static_cast<double>(downs.size());
        for (const int count : downs) CHECK(std::abs(count - expected) < 5.0 * std::sqrt(expected));  // 5 standard deviations
        CHECK(low >= Approx(1.0 - colour).margin(1e-6));
        CHECK(low < 1.0 - 0.99 * colour);
        CHECK(high <= Approx(1.0 + colour).margin(1e-6));
        CHECK(high > 1.0 + 0.99 * colour);
        CHECK(std::abs(sum - 1.0) < 5.0 * colour / std::sqrt(3.0) / std::sqrt(3.0 * kDraws));
    }
}

/// The renderer: pure, landmarks where the features are, identities told apart by geometry.
#include "faces/render.hpp"

#include <algorithm>
#include <cmath>

#include "faces/sets.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::faces;

namespace {

Identity some_identity(std::uint64_t number) {
    RandomStream stream(7, 0, "identity", number);
    return sample_identity(Traits{}, 1.0, stream);
}

/// A sharp picture without noise, taken from the front.
ImageConditions studio() {
    ImageConditions c;
    c.light_y = -0.3F;
    return c;
}

double brightness(const Image& image, int x, int y) {
    const auto at = 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.cols) + static_cast<std::size_t>(x));
    return (image.pixels[at] + image.pixels[at + 1] + image.pixels[at + 2]) / 3.0;
}

double mean_brightness(const Image& image, Point2 center, double radius) {
    double sum = 0;
    int count = 0;
    for (int y = 0; y < image.rows; ++y) {
        for (int x = 0; x < image.cols; ++x) {
            if (std::hypot(x - center.x, y - center.y) <= radius) sum += brightness(image, x, y), ++count;
        }
    }
    return sum / count;
}

/// Red over green around a point.
double redness(const Image& image, Point2 center, double radius) {
    double red = 0, green = 0;
    for (int y = 0; y < image.rows; ++y) {
        for (int x = 0; x < image.cols; ++x) {
            if (std::hypot(x - center.x, y - center.y) > radius) continue;
            const auto at =
                3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.cols) + static_cast<std::size_t>(x));
            red += image.pixels[at], green += image.pixels[at + 1];
        }
    }
    return red / green;
}

/// What is left of a picture when colour is gone: grey, so that only geometry can differ.
std::vector<double> grey_thumbnail(const Image& image) {
    constexpr int kCell = 4;
    std::vector<double> cells;
    for (int top = 24; top + kCell <= 108; top += kCell) {  // eyes to chin: no hair, no background
        for (int left = 24; left + kCell <= 88; left += kCell) {
            double sum = 0;
            for (int y = 0; y < kCell; ++y) {
                for (int x = 0; x < kCell; ++x) sum += brightness(image, left + x, top + y);
            }
            cells.push_back(sum / (kCell * kCell));
        }
    }
    return cells;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return std::sqrt(sum / static_cast<double>(a.size()));
}

}  // namespace

TEST_CASE("the same identity and conditions give the same pixels, other noise gives others") {
    ImageConditions c = studio();
    c.noise = 0.03F;
    c.noise_seed = 5;
    const Image first = render_face(some_identity(1), c, 112).image;
    CHECK(first.pixels == render_face(some_identity(1), c, 112).image.pixels);
    c.noise_seed = 6;
    CHECK(first.pixels != render_face(some_identity(1), c, 112).image.pixels);
}

TEST_CASE("an aligned frontal face has its landmarks on the template") {
    const RenderedFace face = render_face(some_identity(2), studio(), 112);
    const FivePoints target = arcface_template(112);
    CHECK(face.image.rows == 112);
    CHECK(face.image.pixels.size() == 112U * 112U * 3U);
    for (std::size_t i = 0; i < target.size(); ++i) {
        CHECK(std::hypot(face.landmarks[i].x - target[i].x, face.landmarks[i].y - target[i].y) < 6.0);  // people differ
    }
}

TEST_CASE("pupils are dark and the mouth is redder than the cheek at the landmarks") {
    for (std::uint64_t number = 0; number < 20; ++number) {
        CAPTURE(number);
        ImageConditions c = studio();
        c.framing = Framing::loose;  // nothing is fitted: the places are the renderer's own
        const RenderedFace face = render_face(some_identity(number), c, 160);
        for (const std::size_t eye : {std::size_t{0}, std::size_t{1}}) {
            const Point2 at = face.landmarks[eye];
            const double pupil = mean_brightness(face.image, {at.x, at.y}, 2.5);
            const double below = mean_brightness(face.image, {at.x, at.y + 14.0}, 2.5);  // cheek
            CHECK(pupil < 0.6 * below);
        }
        const Point2 left = face.landmarks[3], right = face.landmarks[4];
        const double lips = redness(face.image, {(left.x + right.x) / 2, (left.y + right.y) / 2}, 2.0);
        CHECK(lips > 1.05 * redness(face.image, {face.landmarks[1].x, face.landmarks[1].y + 14.0}, 2.0));
        CHECK(face.landmarks[2].y > face.landmarks[0].y);
        CHECK(face.landmarks[2].y < left.y);
        CHECK(left.x < right.x);
    }
}

TEST_CASE("yaw moves the nose further than the eyes, pitch moves features down, roll turns them") {
    ImageConditions c = studio();
    c.framing = Framing::loose;
    const FivePoints front = render_face(some_identity(3), c, 160).landmarks;
    c.yaw_rad = 0.3F;
    const FivePoints turned = render_face(some_identity(3), c, 160).landmarks;
    const double eyes = (turned[0].x + turned[1].x - front[0].x - front[1].x) / 2;
    CHECK(eyes > 4.0);
    CHECK(turned[2].x - front[2].x > eyes + 1.0);
    CHECK(turned[1].x - turned[0].x < front[1].x - front[0].x);
    c.yaw_rad = 0.0F;
    c.pitch_rad = 0.2F;
    CHECK(render_face(some_identity(3), c, 160).landmarks[2].y > front[2].y + 3.0);
    c.pitch_rad = 0.0F;
    c.roll_rad = 0.2F;
    const FivePoints rolled = render_face(some_identity(3), c, 160).landmarks;
    CHECK(std::atan2(rolled[1].y - rolled[0].y, rolled[1].x - rolled[0].x) == Approx(0.2).margin(0.01));
}

TEST_CASE("landmarks of sampled pictures lie inside") {
    for (std::uint64_t number = 0; number < 200; ++number) {
        RandomStream stream(1, 0, "conditions", number);
        const ImageConditions c = sample_conditions(number % 2 == 0 ? Framing::aligned : Framing::loose, 1.0, stream);
        const int size = number % 2 == 0 ? 112 : 160;
        for (const Point2& p : render_face(some_identity(number), c, size).landmarks) {
            CHECK(p.x > 0.05 * size);
            CHECK(p.x < 0.95 * size);
            CHECK(p.y > 0.05 * size);
            CHECK(p.y < 0.95 * size);
        }
    }
}

TEST_CASE("identities differ more between than within, colours taken away") {
    constexpr std::uint64_t kPeople = 12, kPictures = 6;
    std::vector<std::vector<std::vector<double>>> thumbnails(kPeople);
    for (std::uint64_t person = 0; person < kPeople; ++person) {
        Identity identity = some_identity(person);
        for (std::size_t i = 0; i < kTraitCount; ++i) {
            if (is_colour(i)) identity.traits[i] = 0.0F;
        }
        for (std::uint64_t picture = 0; picture < kPictures; ++picture) {
            RandomStream stream(2, person, "conditions", picture);
            const ImageConditions drawn = sample_conditions(Framing::aligned, 1.0, stream);
            ImageConditions c = studio();  // pose and expression as drawn, but the same light and nothing in the way
            c.yaw_rad = drawn.yaw_rad, c.pitch_rad = drawn.pitch_rad, c.smile = drawn.smile, c.brow_raise = drawn.brow_raise;
            c.eye_closing = drawn.eye_closing, c.mouth_open = drawn.mouth_open, c.jitter_px = drawn.jitter_px;
            thumbnails[person].push_back(grey_thumbnail(render_face(identity, c, 112).image));
        }
    }
    double within = 0, between = 0;
    int within_count = 0, between_count = 0;
    for (std::uint64_t a = 0; a < kPeople; ++a) {
        for (std::uint64_t b = a; b < kPeople; ++b) {
            for (std::uint64_t i = 0; i < kPictures; ++i) {
                for (std::uint64_t j = 0; j < kPictures; ++j) {
                    if (a == b && j <= i) continue;
                    const double d = distance(thumbnails[a][i], thumbnails[b][j]);
                    if (a == b)
                        within += d, ++within_count;
                    else
                        between += d, ++between_count;
                }
            }
        }
    }
    CHECK(between / between_count > 1.1 * within / within_count);
}

TEST_CASE("pictures of one person differ in pose, light and surroundings, never in traits") {
    const std::vector<Group> groups = parse_groups("A,B", 3);
    const Shot first = shoot(groups[0], {"train", 4, 0}, Framing::aligned, 3),
               second = shoot(groups[0], {"train", 4, 1}, Framing::aligned, 3);
    CHECK(first.identity.traits == second.identity.traits);
    CHECK(first.conditions.yaw_rad != second.conditions.yaw_rad);
    CHECK(first.conditions.light_x != second.conditions.light_x);
    CHECK(first.conditions.background_a.red != second.conditions.background_a.red);
    CHECK(first.identity.traits != shoot(groups[0], {"train", 5, 0}, Framing::aligned, 3).identity.traits);
    CHECK(first.identity.traits != shoot(groups[0], {"synthetic", 4, 0}, Framing::aligned, 3).identity.traits);
    CHECK(first.identity.traits != shoot(groups[0], {"train", 4, 0}, Framing::aligned, 4).identity.traits);
}

TEST_CASE("enlarging keeps a ramp a ramp") {
    Image ramp{4, 4, std::vector<std::uint8_t>(48)};
    for (std::size_t i = 0; i < 16; ++i) {
        for (std::size_t channel = 0; channel < 3; ++channel)
            ramp.pixels[3 * i + channel] = static_cast<std::uint8_t>(40 * (i % 4) + 10);
    }
    const Image large = enlarge(ramp, 8);
    CHECK(large.cols == 8);
    CHECK(brightness(large, 0, 3) == 10.0);  // repeated beyond the middle of the first pixel
    CHECK(brightness(large, 1, 3) == 20.0);  // a quarter of the way
    CHECK(brightness(large, 4, 7) == 80.0);
    CHECK(brightness(large, 7, 0) == 130.0);
}

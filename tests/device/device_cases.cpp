#include "device_cases.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "device/fake_quant_kernel.hpp"
#include "support/catch.hpp"

namespace fairsweep {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Devices {
    const DeviceOps& ops;
    torch::Device device;
    bool has_exact_functions;
    [[nodiscard]] torch::Tensor there(const torch::Tensor& x) const { return x.defined() ? x.clone().to(device) : x; }
};

torch::Tensor values(torch::IntArrayRef shape, std::int64_t seed = 1) {
    auto generator = at::detail::createCPUGenerator(static_cast<std::uint64_t>(seed));
    return torch::randn(shape, generator).mul_(1.3).add_(0.2);
}

bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
    const torch::Tensor left = a.cpu().contiguous(), right = b.cpu().contiguous();
    if (left.sizes() != right.sizes() || left.scalar_type() != right.scalar_type()) return false;
    if (left.scalar_type() == torch::kFloat) return torch::equal(left.view(torch::kInt), right.view(torch::kInt));
    if (left.scalar_type() == torch::kBFloat16) return torch::equal(left.view(torch::kShort), right.view(torch::kShort));
    return torch::equal(left, right);
}

torch::Tensor no_flag() { return torch::zeros({1}, torch::kInt); }
torch::Tensor range_of_numbers(float x) { return torch::full({1}, x); }

const std::vector<std::int64_t> kSizes{1, 16, 33, 777};

void check_observing(const Devices& on) {
    for (const std::int64_t size : kSizes)
        for (const float odd : {0.0F, std::nanf(""), kInfinity, -kInfinity}) {
            torch::Tensor x = values({size});
            x[size / 2].fill_(odd);
            const torch::Tensor seen = Seen::nothing(), broken = no_flag();
            const torch::Tensor their_seen = on.there(seen), their_broken = on.there(broken);
            cpu_ops().observe(x, seen, broken);
            on.ops.observe(on.there(x), their_seen, their_broken);
            INFO("observe " << size << " values, one " << odd);
            CHECK(same_bits(broken, their_broken));
            if (std::isfinite(odd))
                CHECK(same_bits(seen, their_seen));
            else
                CHECK(seen[Seen::least].item<float>() == kInfinity);  // refused: nothing stays
        }
}

void check_widening(const Devices& on) {
    for (const auto& [min, max] : {std::pair{0.0F, 0.0F}, {-1.5F, 0.25F}, {-0.1F, 3.7F}}) {
        const torch::Tensor seen = torch::tensor({-0.3F, 2.9F}), low = range_of_numbers(min), high = range_of_numbers(max);
        const torch::Tensor their_seen = on.there(seen), their_low = on.there(low), their_high = on.there(high);
        cpu_ops().widen(seen, low, high);
        on.ops.widen(their_seen, their_low, their_high);
        CHECK(same_bits(low, their_low));
        CHECK(same_bits(high, their_high));
        CHECK(same_bits(seen, their_seen));
    }
}

void check_scaled(const Devices& on) {
    for (const std::int64_t size : kSizes)
        for (int bits = 2; bits <= 16; bits += size > 40 ? 7 : 3) {
            INFO("quantface, " << size << " values, " << bits << " bits");
            const torch::Tensor x = values({size}, bits), low = range_of_numbers(-1.1F), high = range_of_numbers(2.3F), broken = no_flag();
            const torch::Tensor their_x = on.there(x), their_broken = on.there(broken);
            cpu_ops().quantise_scaled(x, low, high, bits, broken);
            on.ops.quantise_scaled(their_x, on.there(low), on.there(high), bits, their_broken);
            CHECK(same_bits(x, their_x));
            CHECK(same_bits(broken, their_broken));
        }
    const torch::Tensor x = on.there(values({100})), broken = on.there(no_flag());
    x[99].fill_(std::nanf(""));
    on.ops.quantise_scaled(x, on.there(range_of_numbers(-1.0F)), on.there(range_of_numbers(1.0F)), 8, broken);
    CHECK(broken.item<std::int32_t>() == Broken::broken_value);
}

GridTensors grid_like(GridSource source, int bits, std::int64_t rows) {
    const torch::Tensor spread = torch::linspace(1.0, 1.7, rows);
    if (source == GridSource::step) return {source, bits, spread * 0.031, torch::round(spread)};
    if (source == GridSource::log_step) return {source, bits, (spread * 0.031).log(), torch::round(spread)};
    return {source, bits, spread * -0.9, spread * 1.4};
}

void check_stepped(const Devices& on, GridSource source, std::int64_t size, int bits) {
    const GridTensors grid = grid_like(source, bits, 1), theirs{source, bits, on.there(grid.first), on.there(grid.second)};
    const torch::Tensor x = values({size}, bits), out = torch::empty_like(x), seen = Seen::nothing(), broken = no_flag();
    const torch::Tensor kept = torch::empty({1, static_cast<std::int64_t>(mask_words(static_cast<std::size_t>(size)))}, torch::kShort);
    const torch::Tensor their_x = on.there(x), their_out = on.there(out), their_seen = on.there(seen), their_broken = on.there(broken);
    const torch::Tensor their_kept = on.there(kept);
    cpu_ops().quantise_stepped(x, out, kept, grid, seen, broken);
    on.ops.quantise_stepped(their_x, their_out, their_kept, theirs, their_seen, their_broken);
    INFO("modern, source " << static_cast<int>(source) << ", " << size << " values, " << bits << " bits");
    CHECK(same_bits(seen, their_seen));
    CHECK(same_bits(broken, their_broken));
    if (source == GridSource::log_step && !on.has_exact_functions) {
        CHECK((out - their_out.cpu()).abs().max().item<float>() < 0.04F);  // a step of 0.031, of which the last bit may differ
        return;
    }
    CHECK(same_bits(out, their_out));
    CHECK(same_bits(kept, their_kept));
    on.ops.quantise_stepped(their_x, their_x, {}, theirs, {}, their_broken);  // in place, nothing else asked for
    CHECK(same_bits(out, their_x));
}

constexpr std::array kSources{GridSource::symmetric_range, GridSource::asymmetric_range, GridSource::step, GridSource::log_step};

void check_stepped(const Devices& on) {
    for (const GridSource source : kSources)
        for (const std::int64_t size : kSizes)
            for (int bits = 2; bits <= 16; bits += size > 40 ? 7 : 3) check_stepped(on, source, size, bits);
    const torch::Tensor x = on.there(values({64})), broken = on.there(no_flag());
    const GridTensors grid{GridSource::log_step, 4, on.there(torch::full({1}, std::nanf(""))), on.there(torch::zeros({1}))};
    on.ops.quantise_stepped(x, x, {}, grid, {}, broken);
    CHECK(broken.item<std::int32_t>() == Broken::broken_step);
}

void check_gradients(const Devices& on, std::int64_t rows, std::int64_t row_size) {
    INFO(rows << " rows of " << row_size);
    const torch::Tensor x = values({rows, row_size}, 3), gradient = values({rows, row_size}, 4), out = torch::empty_like(x);
    const auto words = static_cast<std::int64_t>(mask_words(static_cast<std::size_t>(row_size)));
    const torch::Tensor kept = torch::randint(-32768, 32768, {rows, words}, at::detail::createCPUGenerator(5), torch::kShort);
    const torch::Tensor their_out = on.there(out);
    cpu_ops().masked_gradient(gradient, kept, out);
    on.ops.masked_gradient(on.there(gradient), on.there(kept), their_out);
    CHECK(same_bits(out, their_out));

    const GridTensors grid = grid_like(GridSource::step, 3, rows);
    const torch::Tensor step_gradient = torch::empty({rows}), their_step_gradient = on.there(step_gradient);
    cpu_ops().learned_gradient(x, gradient, out, grid, step_gradient);
    on.ops.learned_gradient(on.there(x), on.there(gradient), their_out, {grid.source, grid.bits, on.there(grid.first), on.there(grid.second)},
                            their_step_gradient);
    CHECK(same_bits(out, their_out));
    CHECK(same_bits(step_gradient, their_step_gradient));
}

/// More than one table of parameters holds.
void check_updates(const Devices& on) {
    std::vector<RangeUpdate> updates, theirs;
    for (int i = 0; i < 700; ++i) {
        const float low = -0.01F * static_cast<float>(i), high = 1.0F + low;
        RangeUpdate update{.rule = static_cast<UpdateRule>(i % 4),
                           .share = 0.25F,
                           .seen = i % 7 == 0 ? Seen::nothing() : torch::tensor({low - 0.3F, high + 0.2F}),
                           .min = range_of_numbers(low),
                           .max = range_of_numbers(high),
                           .log_step = i % 5 == 0 ? torch::zeros({1}) : torch::Tensor(),
                           .zero_point = i % 5 == 0 ? torch::zeros({1}) : torch::Tensor(),
                           .grid = i % 2 == 0 ? GridKind::symmetric : GridKind::asymmetric,
                           .bits = 2 + i % 7};
        updates.push_back(update);
        for (torch::Tensor* const tensor : {&update.seen, &update.min, &update.max, &update.log_step, &update.zero_point})
            *tensor = on.there(*tensor);
        theirs.push_back(update);
    }
    cpu_ops().update_ranges(updates);
    on.ops.update_ranges(theirs);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < updates.size(); ++i) {
        const RangeUpdate &a = updates[i], &b = theirs[i];
        bool same = same_bits(a.seen, b.seen) && same_bits(a.min, b.min) && same_bits(a.max, b.max);
        if (a.log_step.defined())
            same = same && same_bits(a.zero_point, b.zero_point) && torch::allclose(a.log_step, b.log_step.cpu(), 1e-6, 0.0);
        wrong += same ? 0 : 1;
    }
    CHECK(wrong == 0);
}

WeightJob weight_job(int index, const std::function<torch::Tensor(const torch::Tensor&)>& moved) {
    const std::int64_t rows = 1 + index % 3, row_size = index == 5 ? 4608 : 1 + index % 40;
    WeightJob job{.grid_source = static_cast<WeightSource>(index % 3),
                  .bits = 2 + index % 7,
                  .grid = index % 2 == 0 ? GridKind::symmetric : GridKind::asymmetric,
                  .rows = rows,
                  .source = values({rows, row_size}, index),
                  .out = torch::empty({rows, row_size}),
                  .steps = {},
                  .zero_points = {},
                  .kept = {}};
    if (job.grid_source == WeightSource::step) {
        job.steps = torch::linspace(0.02, 0.05, rows);
        job.zero_points = torch::zeros({rows});
        job.kept = torch::zeros({rows, static_cast<std::int64_t>(mask_words(static_cast<std::size_t>(row_size)))}, torch::kShort);
    }
    for (torch::Tensor* const tensor : {&job.source, &job.out, &job.steps, &job.zero_points, &job.kept}) *tensor = moved(*tensor);
    return job;
}

void check_weights(const Devices& on) {
    constexpr int jobs_in_all = 450;
    for (const int first_broken : {jobs_in_all, 431, 2}) {
        std::vector<WeightJob> ours, theirs;
        for (int i = 0; i < jobs_in_all; ++i) {
            ours.push_back(weight_job(i, [](const torch::Tensor& x) { return x; }));
            if (i >= first_broken && i % 2 == first_broken % 2) ours.back().source[0][0].fill_(std::nanf(""));
            theirs.push_back(weight_job(i, [&](const torch::Tensor& x) { return on.there(x); }));
            theirs.back().source.copy_(ours.back().source);
        }
        const torch::Tensor flag = torch::full({1}, jobs_in_all, torch::kInt), their_flag = on.there(flag);
        cpu_ops().quantise_weights(ours, flag);
        on.ops.quantise_weights(theirs, their_flag);
        CHECK(flag.item<std::int32_t>() == first_broken);
        CHECK(their_flag.item<std::int32_t>() == first_broken);
        if (first_broken < jobs_in_all) continue;
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < ours.size(); ++i)
            if (!same_bits(ours[i].out, theirs[i].out) || (ours[i].kept.defined() && !same_bits(ours[i].kept, theirs[i].kept))) ++wrong;
        CHECK(wrong == 0);
    }
}

void check_prelu(const Devices& on, const torch::Tensor& x) {
    INFO("PReLU of " << x.sizes() << ", " << x.scalar_type());
    const torch::Tensor slopes = torch::linspace(-0.3, 0.6, x.size(1));
    const torch::Tensor gradient = torch::empty_like(x).copy_(values(x.sizes(), 8));
    const torch::Tensor y = torch::empty_like(x), x_gradient = torch::empty_like(x), slope_gradient = torch::empty_like(slopes);
    const torch::Tensor their_y = on.there(y), their_x_gradient = on.there(y), their_slope_gradient = on.there(slopes);
    cpu_ops().prelu_forward(x, slopes, y);
    on.ops.prelu_forward(on.there(x), on.there(slopes), their_y);
    CHECK(same_bits(y, their_y));
    cpu_ops().prelu_backward(x, gradient, slopes, x_gradient, slope_gradient);
    on.ops.prelu_backward(on.there(x), on.there(gradient), on.there(slopes), their_x_gradient, their_slope_gradient);
    CHECK(same_bits(x_gradient, their_x_gradient));
    CHECK(torch::allclose(slope_gradient, their_slope_gradient.cpu(), 1e-5, 1e-5));  // another order of sums, in float over 256 pixels
}

void check_network(const Devices& on) {
    for (const torch::ScalarType type : {torch::kFloat, torch::kBFloat16}) {
        const torch::Tensor x = values({2, 5, 13, 11}).to(type);
        check_prelu(on, x);
        check_prelu(on, x.contiguous(torch::MemoryFormat::ChannelsLast));
        check_prelu(on, values({7, 3}).to(type));
    }
    const torch::Tensor pixels = torch::randint(0, 256, {3, 9, 9, 3}, at::detail::createCPUGenerator(2), torch::kByte);
    const torch::Tensor flips = torch::tensor({0, 1, 0}, torch::kByte).to(torch::kBool);
    const torch::Tensor out = torch::empty({3, 3, 9, 9}, torch::MemoryFormat::ChannelsLast), their_out = on.there(out);
    cpu_ops().images(pixels, flips, out);
    on.ops.images(on.there(pixels), on.there(flips), their_out);
    CHECK(same_bits(out, their_out));
}

}  // namespace

void compare_large(const DeviceOps& ops, torch::Device device) {
    const torch::NoGradGuard no_gradients;
    const Devices on{ops, device, true};
    check_stepped(on, GridSource::asymmetric_range, 5'000'003, 8);
    check_gradients(on, 1, 5'000'003);
    check_gradients(on, 70'001, 40);
    check_prelu(on, values({8, 64, 57, 57}).contiguous(torch::MemoryFormat::ChannelsLast));
}

void compare_with_processor(const DeviceOps& ops, torch::Device device, bool has_exact_functions) {
    const torch::NoGradGuard no_gradients;
    const Devices on{ops, device, has_exact_functions};
    check_observing(on);
    check_widening(on);
    check_scaled(on);
    check_stepped(on);
    for (const auto& [rows, row_size] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {1, 36'865}, {5, 33}, {2, 4097}, {40, 9}})
        check_gradients(on, rows, row_size);
    check_updates(on);
    check_weights(on);
    check_network(on);
}

}  // namespace fairsweep

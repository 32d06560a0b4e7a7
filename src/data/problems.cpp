#include "data/problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <tuple>

#include "fairsweep/log.hpp"

namespace fairsweep {
namespace {

constexpr std::uint64_t kSampledImages = 1000;

std::string sentence(const ErrorParts& parts) {
    std::string text = parts.attempted;
    if (!parts.found.empty()) text += ": found " + parts.found;
    if (!parts.expected.empty()) text += ", expected " + parts.expected;
    if (!parts.hint.empty()) text += " (" + parts.hint + ")";
    return text;
}

/// Calls work(i) for i of 0 .. count-1 on all cores; the first exception is thrown again when all threads have ended.
void parallel_for(std::uint64_t count, const std::function<void(std::uint64_t)>& work) {
    std::atomic<std::uint64_t> next{0};
    std::mutex mutex;
    std::exception_ptr first;
    const auto run = [&] {
        try {
            for (std::uint64_t i = next++; i < count; i = next++) work(i);
        } catch (...) {
            next = count;
            const std::lock_guard lock(mutex);
            if (!first) first = std::current_exception();
        }
    };
    std::vector<std::thread> threads;
    const std::uint64_t wanted = std::min<std::uint64_t>(count, std::max(1U, std::thread::hardware_concurrency()));
    for (std::uint64_t i = 1; i < wanted; ++i) threads.emplace_back(run);
    run();
    for (std::thread& thread : threads) thread.join();
    if (first) std::rethrow_exception(first);
}

}  // namespace

Problems::~Problems() {
    std::vector<DataProblem>& problems = description_.problems;
    std::sort(problems.begin(), problems.end(), [](const DataProblem& a, const DataProblem& b) {
        return std::tie(a.file, a.offset, a.what) < std::tie(b.file, b.offset, b.what);
    });
}

void Problems::add(DataProblem problem) {
    const std::lock_guard lock(mutex_);
    ++description_.problem_count;
    if (description_.problems.size() < kMaxListedProblems) description_.problems.push_back(std::move(problem));
}

void Problems::add(const FileSpot& spot, const std::string& what) {
    add({.file = spot.file.string(),
         .offset = spot.offset,
         .what = (spot.line ? fmt::format("line {}: ", *spot.line) : "") + what});
}

void Problems::add(const Error& error) {
    if (const auto* damaged = dynamic_cast<const DamagedFile*>(&error)) {
        add(damaged->spot(), sentence(error.parts()));
    } else {
        add({.file = error.parts().where, .offset = {}, .what = sentence(error.parts())});
    }
}

void Problems::decoded(const Image& image) {
    const std::lock_guard lock(mutex_);
    const std::pair size{image.rows, image.cols};
    if (description_.images_decoded++ == 0) {
        description_.image_size = size;
    } else if (description_.image_size != size) {
        description_.sizes_differ = true;
        description_.image_size.reset();
    }
}

bool Problems::attempt(const std::function<void()>& step) {
    try {
        step();
        return true;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::data) throw;
        add(error);
        return false;
    }
}

void Problems::look_at_images(std::uint64_t count, bool all, const std::function<void(std::uint64_t)>& look) {
    const std::uint64_t looked_at = all || count < kSmallSetImages ? count : kSampledImages;
    std::atomic<std::uint64_t> done{0};
    parallel_for(looked_at, [&](std::uint64_t i) {
        (void)attempt([&] { look(looked_at == count ? i : i * (count - 1) / (looked_at - 1)); });
        const std::uint64_t now = ++done;
        if (looked_at >= kSmallSetImages && now % (looked_at / 10) == 0)
            log_info(fmt::format("{} of {} images read", now, looked_at));
    });
}

}  // namespace fairsweep

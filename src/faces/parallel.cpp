#include "faces/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace fairsweep::faces {
namespace {

constexpr std::uint64_t kBatch = 128;

}  // namespace

void make_in_order(std::uint64_t count, unsigned threads, const std::function<std::vector<std::byte>(std::uint64_t)>& make,
                   const std::function<void(std::uint64_t, const std::vector<std::byte>&)>& take) {
    for (std::uint64_t begin = 0; begin < count; begin += kBatch) {
        const std::uint64_t size = std::min(kBatch, count - begin);
        std::vector<std::vector<std::byte>> results(size);
        std::atomic<std::uint64_t> next{0};
        std::exception_ptr problem;
        std::mutex problem_mutex;
        const auto work = [&] {
            try {
                for (std::uint64_t i = next++; i < size; i = next++) results[i] = make(begin + i);
            } catch (...) {
                const std::lock_guard lock(problem_mutex);
                if (!problem) problem = std::current_exception();
                next = size;
            }
        };
        {
            std::vector<std::jthread> helpers;
            for (unsigned t = 1; t < threads; ++t) helpers.emplace_back(work);
            work();
        }
        if (problem) std::rethrow_exception(problem);
        for (std::uint64_t i = 0; i < size; ++i) take(begin + i, results[i]);
    }
}

}  // namespace fairsweep::faces

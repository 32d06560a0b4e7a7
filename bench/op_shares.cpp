#include "op_shares.hpp"

#include <ATen/record_function.h>

#include <chrono>
#include <mutex>
#include <string_view>
#include <vector>

namespace fairsweep {
namespace {

using Clock = std::chrono::steady_clock;

/// The operators that are counted whole, with everything they call.
std::string kind_of(std::string_view name) {
    const auto has = [name](std::string_view part) { return name.find(part) != std::string_view::npos; };
    if (name == "aten::convolution" || name == "aten::convolution_backward") return "convolution";
    if (name == "aten::batch_norm" || has("batch_norm_backward")) return "batch_norm";
    if (has("PReluFunction") || name == "fairsweep::prelu") return "prelu";
    if (name == "aten::linear" || name == "aten::mm" || name == "aten::addmm") return "linear";
    if (has("Optimizer.step")) return "optimiser";
    if (has("Quantise") || has("fairsweep::quantise")) return "fake_quantisation";
    return {};
}

std::mutex mutex;
OpShares total_s;
thread_local int counting_depth = 0;

struct Begin : at::ObserverContext {
    Clock::time_point time;
    std::string kind;
    bool counts = false;
};

std::unique_ptr<at::ObserverContext> on_begin(const at::RecordFunction& function) {
    auto begin = std::make_unique<Begin>();
    begin->kind = kind_of(function.name());
    if (begin->kind.empty()) return begin;
    begin->counts = ++counting_depth == 1;  // an operator inside a counted one is part of it
    begin->time = Clock::now();
    return begin;
}

void on_end(const at::RecordFunction&, at::ObserverContext* context) {
    const auto* begin = static_cast<const Begin*>(context);
    if (begin->kind.empty()) return;
    --counting_depth;
    if (!begin->counts) return;
    const std::lock_guard lock(mutex);
    total_s[begin->kind] += std::chrono::duration<double>(Clock::now() - begin->time).count();
}

}  // namespace

OpShares op_shares(const std::function<void()>& work) {
    total_s.clear();
    const auto handle = at::addGlobalCallback(at::RecordFunctionCallback(on_begin, on_end));
    const auto begin = Clock::now();
    work();
    const double all_s = std::chrono::duration<double>(Clock::now() - begin).count();
    at::removeCallback(handle);
    OpShares shares;
    double rest = 1.0;
    for (const auto& [kind, seconds] : total_s) {
        shares[kind] = seconds / all_s;
        rest -= shares[kind];
    }
    shares["rest"] = rest;
    return shares;
}

}  // namespace fairsweep

#include "fairsweep/shared_text.hpp"

#include <algorithm>
#include <functional>
#include <mutex>
#include <unordered_set>

namespace fairsweep {
namespace {

struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

class Pool {
public:
    const std::string* held(std::string_view text) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = texts_.find(text);
        return found != texts_.end() ? &*found : &*texts_.emplace(text).first;
    }

private:
    std::mutex mutex_;
    std::unordered_set<std::string, Hash, std::equal_to<>> texts_;  // its elements never move
};

}  // namespace

SharedText::SharedText() {
    static const std::string kEmpty;
    text_ = &kEmpty;
}

SharedText::SharedText(std::string_view text) : SharedText() {
    static Pool pool;
    if (!text.empty()) text_ = pool.held(text);
}

PartedText::PartedText(const std::string& text) {
    const auto commas = static_cast<std::size_t>(std::count(text.begin(), text.end(), ','));
    const std::size_t commas_a_part = commas / parts_.size() + 1;
    std::size_t begin = 0;
    for (std::size_t part = 0; part < parts_.size() && begin < text.size(); ++part) {
        std::size_t end = begin;
        for (std::size_t comma = 0; comma < commas_a_part && end < text.size(); ++comma)
            end = std::min(text.find(',', end), text.size() - 1) + 1;
        if (part + 1 == parts_.size()) end = text.size();
        parts_[part] = std::string_view(text).substr(begin, end - begin);
        begin = end;
    }
}

std::string PartedText::text() const {
    std::string whole;
    for (const SharedText& part : parts_) whole += part.text();
    return whole;
}

}  // namespace fairsweep

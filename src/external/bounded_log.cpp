#include "external/bounded_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kRecentBytes = 4096;

/// Cuts all but the last bytes; returns how many were cut.
std::size_t keep_end(std::string& text, std::size_t bytes) {
    const std::size_t cut = text.size() > bytes ? text.size() - bytes : 0;
    text.erase(0, cut);
    return cut;
}

}  // namespace

BoundedLog::BoundedLog(const std::filesystem::path& path, std::uint64_t most_bytes)
    : file_(File::create(path)), head_left_(most_bytes / 2), tail_bytes_(most_bytes - most_bytes / 2) {}

void BoundedLog::append(std::string_view text) { file_.append(std::as_bytes(std::span(text.data(), text.size()))); }

void BoundedLog::add(std::string_view text) {
    recent_ += text;
    static_cast<void>(keep_end(recent_, kRecentBytes));
    const std::string_view head = text.substr(0, std::min<std::uint64_t>(text.size(), head_left_));
    if (!head.empty()) append(head);
    head_left_ -= head.size();
    tail_ += text.substr(head.size());
    if (tail_.size() > 2 * tail_bytes_) left_out_ += keep_end(tail_, tail_bytes_);  // not at every byte: moving takes time
}

void BoundedLog::finish() {
    left_out_ += keep_end(tail_, tail_bytes_);
    if (left_out_ > 0) append(fmt::format("\n... {} bytes left out by fairsweep ...\n", left_out_));
    append(tail_);
    tail_.clear();
    file_.close();
}

std::string BoundedLog::last_words(std::size_t most_bytes) const {
    std::string words;
    std::vector<std::string> lines = split(recent_, '\n');
    std::reverse(lines.begin(), lines.end());
    for (const std::string& line : lines) {
        if (line.empty()) continue;
        if (words.empty())
            words = line.substr(line.size() > most_bytes ? line.size() - most_bytes : 0);
        else if (line.size() + 3 + words.size() > most_bytes)
            break;
        else
            words = line + " / " + words;
    }
    std::replace_if(
        words.begin(), words.end(), [](unsigned char letter) { return letter < ' ' || letter == 0x7F; }, ' ');
    return words;
}

}  // namespace fairsweep

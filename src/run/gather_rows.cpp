#include "run/gather_rows.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include "run/clocks.hpp"
#include "fairsweep/error.hpp"
#include "mpi/local_link.hpp"
#include "mpi/session.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kChunkBytes = 16U << 20;
constexpr std::size_t kMaxRowMessageBytes = kChunkBytes + 64;
constexpr std::uint64_t kErrorMark = std::numeric_limits<std::uint64_t>::max();
/// A rank with an error stays so long for rank 0 to tell it: a launcher kills all ranks as soon as one fails.
constexpr double kStay_s = 60.0;

using Bytes = std::vector<std::byte>;

/// A message: the number of the first row, 8 bytes, then rows; or kErrorMark, the kind of error, its text.
SharedBytes message_of(std::uint64_t mark, const void* data, std::size_t bytes) {
    auto message = std::make_shared<Bytes>(sizeof mark + bytes);
    std::memcpy(message->data(), &mark, sizeof mark);
    if (bytes != 0) std::memcpy(message->data() + sizeof mark, data, bytes);
    return message;
}

void wait_until_sent(Link& link) {
    IdleWait wait;
    while (link.sends_pending() != 0) {
        static_cast<void>(link.poll());
        wait.after(false);
    }
}

void send_rows(Link& link, const std::vector<float>& values, std::uint64_t begin, std::uint64_t columns) {
    const std::size_t chunk = std::max<std::size_t>(1, kChunkBytes / (columns * sizeof(float))) * columns;
    for (std::size_t at = 0; at < values.size(); at += chunk) {
        const std::size_t count = std::min(chunk, values.size() - at);
        link.send(0, message_of(begin + at / columns, values.data() + at, count * sizeof(float)));
    }
    wait_until_sent(link);
}

[[noreturn]] void rethrow(const Incoming& incoming) {
    const auto* bytes = reinterpret_cast<const char*>(incoming.bytes.data());
    const std::size_t head = sizeof kErrorMark + 1;
    const auto kind = static_cast<ErrorKind>(bytes[sizeof kErrorMark]);
    throw Error(kind, {.attempted = std::string(bytes + head, incoming.bytes.size() - head),
                       .where = "rank " + std::to_string(incoming.from)});
}

void take(const Incoming& incoming, std::uint64_t columns, std::vector<float>& all, std::uint64_t& missing_rows) {
    std::uint64_t first = 0;
    const std::size_t bytes = incoming.bytes.size() < sizeof first ? 0 : incoming.bytes.size() - sizeof first;
    if (bytes != 0) std::memcpy(&first, incoming.bytes.data(), sizeof first);
    if (bytes != 0 && first == kErrorMark) rethrow(incoming);
    const std::uint64_t count = bytes / sizeof(float) / columns;
    const std::uint64_t rows = all.size() / columns;
    if (count == 0 || count * columns * sizeof(float) != bytes || first > rows || count > rows - first || count > missing_rows)
        throw_infrastructure({.attempted = "cannot use a message with rows",
                              .where = "from rank " + std::to_string(incoming.from),
                              .found = std::to_string(incoming.bytes.size()) + " bytes",
                              .expected = "rows that are still missing",
                              .hint = "all ranks must run the same program with the same arguments"});
    std::memcpy(all.data() + first * columns, incoming.bytes.data() + sizeof first, bytes);
    missing_rows -= count;
}

[[noreturn]] void report_and_stay(Link& link, const Error& error) {
    std::string text(1, static_cast<char>(error.kind()));
    text += std::string(error.what()).substr(0, kChunkBytes);
    link.send(0, message_of(kErrorMark, text.data(), text.size()));
    const double until_s = steady_now_s() + kStay_s;
    while (steady_now_s() < until_s) {
        static_cast<void>(link.poll());
        sleep_s(1e-3);
    }
    throw error;
}

}  // namespace

void run_on_all_ranks(const std::function<void(Link&)>& work) {
    if (!is_under_launcher()) {
        LocalPost post(1);
        work(*post.link(0));
        return;
    }
    MpiSession session;
    const std::unique_ptr<Link> link = session.make_link(kMaxRowMessageBytes);
    work(*link);
    session.finish();
}

std::pair<std::uint64_t, std::uint64_t> part_of(std::uint64_t rows, std::uint64_t batch, int rank, int ranks) {
    const std::uint64_t batches = (rows + batch - 1) / batch;
    const auto begin = [&](int r) {
        return std::min(rows, batches * static_cast<std::uint64_t>(r) / static_cast<std::uint64_t>(ranks) * batch);
    };
    return {begin(rank), begin(rank + 1)};
}

std::vector<float> gather_rows(Link& link, std::uint64_t rows, std::uint64_t columns, std::uint64_t batch,
                               const std::function<std::vector<float>(std::uint64_t, std::uint64_t)>& compute) {
    const auto [begin, end] = part_of(rows, batch, link.rank(), link.size());
    if (link.rank() != 0) {
        try {
            send_rows(link, compute(begin, end), begin, columns);
        } catch (const Error& error) {
            report_and_stay(link, error);
        }
        return {};
    }
    std::vector<float> all(rows * columns);
    const std::vector<float> own = compute(begin, end);
    std::copy(own.begin(), own.end(), all.begin());
    std::uint64_t missing_rows = rows - (end - begin);
    IdleWait wait;
    while (missing_rows != 0) {
        const std::optional<Incoming> incoming = link.poll();
        if (incoming) take(*incoming, columns, all, missing_rows);
        wait.after(incoming.has_value());
    }
    return all;
}

}  // namespace fairsweep

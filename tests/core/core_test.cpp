#include <chrono>
#include <filesystem>
#include <limits>
#include <set>

#include "fairsweep/error.hpp"
#include "fairsweep/failure_class.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/json_depth.hpp"
#include "fairsweep/process.hpp"
#include "fairsweep/random.hpp"
#include "fairsweep/text.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("SHA-256 and CRC-32C give their published check values") {
    CHECK(sha256("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const std::string check = "123456789";
    CHECK(crc32c(std::as_bytes(std::span(check))) == 0xE3069283u);
    const std::uint32_t head = crc32c(std::as_bytes(std::span(check).first(4)));
    CHECK(crc32c(std::as_bytes(std::span(check).subspan(4)), head) == 0xE3069283u);
}

TEST_CASE("A digest survives its text and refuses anything else") {
    const Digest digest = sha256("x");
    CHECK(Digest::from_hex(digest.hex()) == digest);
    CHECK_THROWS_AS(Digest::from_hex("12"), Error);
    CHECK_THROWS_AS(Digest::from_hex(std::string(64, 'g')), Error);
}

TEST_CASE("Random streams depend on every part of their name and on nothing else") {
    const auto first = [](RandomStream stream) { return stream.next_u64(); };
    const std::set<std::uint64_t> values = {first({1, 2, "order", 3}), first({2, 2, "order", 3}), first({1, 3, "order", 3}),
                                            first({1, 2, "flip", 3}), first({1, 2, "order", 4})};
    CHECK(values.size() == 5);
    CHECK(first({1, 2, "order", 3}) == first({1, 2, "order", 3}));
}

TEST_CASE("Random numbers have the moments of their distribution") {
    RandomStream stream(7, 0, "moments");
    double sum = 0;
    double squares = 0;
    double uniforms = 0;
    constexpr int kCount = 200000;
    for (int i = 0; i < kCount; ++i) {
        const double n = stream.normal();
        sum += n;
        squares += n * n;
        uniforms += stream.uniform();
    }
    // Five standard errors.
    CHECK(std::abs(sum / kCount) < 5.0 / std::sqrt(kCount));
    CHECK(std::abs(squares / kCount - 1.0) < 5.0 * std::sqrt(2.0 / kCount));
    CHECK(std::abs(uniforms / kCount - 0.5) < 5.0 * std::sqrt(1.0 / 12 / kCount));
}

TEST_CASE("A shuffle is a permutation") {
    RandomStream stream(1, 1, "shuffle");
    const auto order = shuffled_indices(1000, stream);
    CHECK(std::set<std::uint32_t>(order.begin(), order.end()).size() == 1000);
    CHECK(order[0] + order[1] + order[2] != 3);
}

TEST_CASE("The nearest word helps with a misspelt key and stays silent otherwise") {
    const std::vector<std::string> keys = {"architecture", "bits", "sparsity"};
    CHECK(nearest_word("architecure", keys) == "architecture");
    CHECK(nearest_word("sparcity", keys) == "sparsity");
    CHECK(nearest_word("zebra", keys).empty());
}

TEST_CASE("Numbers in ids are exact and short") {
    CHECK(exact_number(0.7) == "0.7");
    CHECK(exact_number(0.0005) == "5e-04");
    CHECK(exact_number(32) == "32");
}

TEST_CASE("A file appears whole or not at all") {
    namespace fs = std::filesystem;
    write_file_atomically("a.txt", "hello");
    CHECK(read_text_file("a.txt") == "hello");
    write_file_atomically("a.txt", "again");
    CHECK(read_text_file("a.txt") == "again");
    CHECK_THROWS_AS(write_file_atomically("missing/folder/a.txt", "x"), Error);
    CHECK(std::distance(fs::directory_iterator("."), fs::directory_iterator()) == 1);
}

TEST_CASE("A short read names file and offset") {
    write_file_atomically("short.bin", "1234");
    const File file = File::open_for_reading("short.bin");
    std::array<std::byte, 8> buffer{};
    try {
        file.read_exactly_at(2, buffer);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::data);
        CHECK(error.parts().where == "short.bin, offset 2");
    }
}

TEST_CASE("Nothing is written through a link that somebody planted") {
    namespace fs = std::filesystem;
    write_file_atomically("precious.txt", "mine");
    fs::create_symlink("precious.txt", "link.txt");
    CHECK_THROWS_AS(File::create("link.txt"), Error);
    CHECK_THROWS_AS(File::create_new("link.txt"), Error);
    CHECK_THROWS_AS(File::open_for_locking("link.txt"), Error);
    CHECK_THROWS_AS(File::create_new("precious.txt"), Error);
    write_file_atomically("link.txt", "new");  // the link is replaced, what it led to stays
    CHECK_FALSE(fs::is_symlink("link.txt"));
    fs::create_hard_link("precious.txt", "other_name.txt");
    CHECK_THROWS_AS(File::open_for_locking("other_name.txt"), Error);
    CHECK_THROWS_AS(File::open_for_locking("."), Error);
    CHECK(read_text_file("precious.txt") == "mine");
}

TEST_CASE("Names of files in the making cannot be guessed and tell their maker") {
    CHECK(name_beside("a/b.txt") != name_beside("a/b.txt"));
    CHECK(name_beside("a/b.txt").string().starts_with("a/b.txt.tmp-" + host_name() + "-" + std::to_string(process_id()) + "-"));
}

TEST_CASE("Half-made files are removed when their maker is dead, and only then") {
    namespace fs = std::filesystem;
    const fs::path folder = "leftovers";
    fs::create_directory(folder);
    const auto put = [&folder](const std::string& name, bool old) {
        write_file_atomically(folder / name, "half");
        if (old) fs::last_write_time(folder / name, fs::file_time_type::clock::now() - std::chrono::hours(1));
    };
    const std::string nobody = std::to_string(std::numeric_limits<pid_t>::max());  // beyond every limit of Linux
    put("a.ckpt.tmp-" + host_name() + "-" + nobody + "-00ff", false);
    put("b.ckpt.tmp-" + nobody, true);  // as an older version named them
    put("c.ckpt.tmp-elsewhere-5-00ff", true);
    const std::set<std::string> kept = {"a.ckpt", "d.ckpt.tmp-elsewhere-5-00ff",
                                        "e.ckpt.tmp-" + host_name() + "-" + std::to_string(process_id()) + "-00ff", "g.tmp-x"};
    for (const std::string& name : kept) put(name, false);
    fs::remove(folder / "g.tmp-x");
    fs::create_symlink("a.ckpt", folder / "g.tmp-x");
    CHECK(remove_leftovers(folder, "c.ckpt") == 1);
    CHECK(remove_leftovers(folder, "") == 2);
    std::set<std::string> left;
    for (const auto& entry : fs::directory_iterator(folder)) left.insert(entry.path().filename().string());
    CHECK(left == kept);
    CHECK(remove_leftovers("absent", "") == 0);
}

TEST_CASE("An error means one thing for the stage in which it is thrown") {
    const std::vector<std::pair<ErrorKind, FailureClass>> rule = {{ErrorKind::usage, FailureClass::config},
                                                                  {ErrorKind::data, FailureClass::config},
                                                                  {ErrorKind::store, FailureClass::config},
                                                                  {ErrorKind::infrastructure, FailureClass::io},
                                                                  {ErrorKind::internal, FailureClass::internal}};
    for (const auto& [kind, failure] : rule) CHECK(failure_class_of(Error(kind, {})) == failure);
    // What the system said about a file may be gone the next time, whatever kind of error it is for the program's exit code.
    for (const auto& [kind, failure] : rule) CHECK(failure_class_of(SystemError(kind, {})) == FailureClass::io);
    try {
        static_cast<void>(read_text_file("no such file"));
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::data);
        CHECK(failure_class_of(error) == FailureClass::io);
    }
}

TEST_CASE("the depth of JSON is counted outside strings, whatever the text") {
    CHECK(json_depth("") == 0);
    CHECK(json_depth("7") == 0);
    CHECK(json_depth(R"({"a": [1, {"b": []}], "c": {}})") == 4);
    CHECK(json_depth(R"({"[[[[": "\\\"[[{{", "b\\": [2]})") == 2);
    CHECK(json_depth("]]]]}}[") == 1);
    CHECK(json_depth(std::string(1000000, '[')) == 1000000);
    CHECK(json_depth("\"\\") == 0);
}

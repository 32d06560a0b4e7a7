#include "store/embedding_file.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/random.hpp"
#include "support/catch.hpp"
#include "support/mutation.hpp"

using namespace fairsweep;

namespace {

EmbeddingTable small_table() {
    EmbeddingTable table;
    table.images = 3;
    table.dimensions = 2;
    table.embeddings = {1.0F, -2.5F, 0.0F, 1e-30F, 3.0F, 4.0F};
    table.paths = {"a/a_0001.jpg", "b/b_0001.jpg", "longer/longer_0001.png"};
    table.attributes = {{"architecture", "iresnet18"}, {"bits", "w4a8"}};
    return table;
}

}  // namespace

TEST_CASE("an embedding file gives back what was written") {
    write_embedding_file("e.h5", small_table());
    const EmbeddingTable back = read_embedding_file("e.h5");
    CHECK(back.images == 3);
    CHECK(back.dimensions == 2);
    CHECK(back.embeddings == small_table().embeddings);
    CHECK(back.paths == small_table().paths);
    CHECK(back.attributes == small_table().attributes);
}

TEST_CASE("the same embeddings give the same bytes, and replace an older file") {
    write_embedding_file("first.h5", small_table());
    std::ofstream("second.h5") << "something else";
    write_embedding_file("second.h5", small_table());
    CHECK(read_text_file("first.h5") == read_text_file("second.h5"));
}

TEST_CASE("files that are no embedding files are data errors that name the file") {
    write_embedding_file("e.h5", small_table());
    const std::string whole = read_text_file("e.h5");
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
        std::ofstream("cut.h5", std::ios::binary) << whole.substr(0, bytes);
        try {
            (void)read_embedding_file("cut.h5");
            FAIL("a file of " << bytes << " bytes was read");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::data);
            CHECK_THAT(error.what(), ContainsSubstring("cut.h5"));
        }
    }
    CHECK_THROWS_AS(read_embedding_file("absent.h5"), Error);
}

namespace {

enum class Outcome { value, error, crash };

/// In a process of its own: whether the library survives a damaged file is part of the question.
Outcome read_apart(const std::string& file) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int code = 2;
        try {
            const EmbeddingTable table = read_embedding_file(file);
            code = table.embeddings.size() == table.images * table.dimensions && table.paths.size() == table.images ? 0 : 2;
        } catch (const Error& error) {
            code = error.kind() == ErrorKind::data ? 1 : 2;
        } catch (...) {
        }
        ::_exit(code);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) return Outcome::crash;
    return WEXITSTATUS(status) == 0 ? Outcome::value : Outcome::error;
}

}  // namespace

TEST_CASE("mutated embedding files give tables or data errors") {
    write_embedding_file("e.h5", small_table());
    const std::string whole = read_text_file("e.h5");
    int values = 0, errors = 0;
    for (std::uint64_t seed = 0; seed < 600; ++seed) {
        RandomStream random(seed, 0, "embeddings");
        std::ofstream("mutated.h5", std::ios::binary) << fixture::mutated(whole, random, {}, whole.size());
        const Outcome outcome = read_apart("mutated.h5");
        INFO("seed " << seed);
        CHECK(outcome != Outcome::crash);
        (outcome == Outcome::value ? values : errors) += 1;
    }
    CHECK(values > 40);
    CHECK(errors > 100);
}

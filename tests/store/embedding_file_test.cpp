#include "store/embedding_file.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "support/catch.hpp"

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

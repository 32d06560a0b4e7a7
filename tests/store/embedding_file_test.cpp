#include "store/embedding_file.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/random.hpp"
#include "read_apart_child.hpp"
#include "store/h5.hpp"
#include "store/seal.hpp"
#include "support/catch.hpp"
#include "support/mutation.hpp"

using namespace fairsweep;
namespace fs = std::filesystem;

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

/// What numpy and h5py users write: no marks of ours, no seal.
void write_foreign(const std::string& path, const EmbeddingTable& table) {
    h5::Writer writer(path, h5::Storage::contiguous);
    writer.put("/embeddings", std::span<const float>(table.embeddings), {table.images, table.dimensions});
    writer.put_text("/paths", table.paths);
    for (const auto& [name, text] : table.attributes) writer.set_attribute("/", name, text);
    write_file_atomically(path, writer.finish());
}

std::string message_of(const std::string& path) {
    try {
        (void)read_embedding_file(path);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::data);
        return error.what();
    }
    return "read";
}

bool same(const EmbeddingTable& a, const EmbeddingTable& b) {
    return a.images == b.images && a.dimensions == b.dimensions && a.embeddings == b.embeddings && a.paths == b.paths &&
           a.attributes == b.attributes;
}

}  // namespace

TEST_CASE("a file of others is read without a seal, without complaint") {
    write_foreign("foreign.h5", small_table());
    CHECK(same(read_embedding_file("foreign.h5"), small_table()));
}

TEST_CASE("one flipped bit of an embedding file is found, wherever it is") {
    write_embedding_file("flip.h5", small_table());
    const std::string whole = read_text_file("flip.h5");
    File file = File::open_for_update("flip.h5");
    for (std::size_t at = 0; at < whole.size(); ++at) {
        const auto changed = static_cast<std::byte>(whole[at] ^ (1 << at % 8));
        file.write_at(at, std::span(&changed, 1));
        INFO("byte " << at << " of " << whole.size());
        CHECK_THAT(message_of("flip.h5"), ContainsSubstring("flip.h5"));
        file.write_at(at, std::as_bytes(std::span(&whole[at], 1)));
    }
    CHECK(same(read_embedding_file("flip.h5"), small_table()));
}

TEST_CASE("a file of ours that another program changed says so and how to go on") {
    write_embedding_file("changed.h5", small_table());
    fs::resize_file("changed.h5", fs::file_size("changed.h5") - kSealBytes);  // what HDF5 does when it has written to the file
    CHECK_THAT(message_of("changed.h5"), ContainsSubstring("without its seal") && ContainsSubstring("fairsweep embed"));
}

TEST_CASE("a file that makes HDF5 crash or run for ever is one error") {
    write_foreign("crash.h5", small_table());
    CHECK_THAT(message_of("crash.h5"), ContainsSubstring("made HDF5 crash (SIGSEGV)"));
    write_foreign("hang.h5", small_table());
    try {
        const ApartReader reader("embeddings", "hang.h5", 0.3);
        FAIL("an answer from a process that gives none");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::data);
        CHECK_THAT(error.what(), ContainsSubstring("did not end reading it within"));
    }
}

TEST_CASE("a file in which HDF5 1.10 loops for ever is an error in time") {
    const fs::path file = fs::path(FAIRSWEEP_SOURCE_DIR) / "tests/store/loops_in_hdf5_1_10.h5";  // three damaged bytes
    try {
        const ApartReader reader("embeddings", file, 1.5);
        FAIL("a damaged file was read");
    } catch (const Error& error) {  // later versions of HDF5 see the damage themselves
        CHECK(error.kind() == ErrorKind::data);
        CHECK_THAT(error.what(), ContainsSubstring("loops_in_hdf5_1_10.h5"));
    }
}

TEST_CASE("floats of another shape than IEEE's are not converted") {
    h5::Writer writer("bent.h5", h5::Storage::contiguous);
    h5::TypeHandle bent(H5Tcopy(H5T_IEEE_F32LE));
    H5Tset_fields(bent.get(), 31, 22, 8, 0, 22);  // the exponent one bit lower: what one flipped bit of a file can say
    const EmbeddingTable table = small_table();
    h5::DatasetHandle dataset = writer.make("/embeddings", bent.get(), {table.images, table.dimensions}, nullptr);
    dataset.reset();
    writer.put_text("/paths", table.paths);
    write_file_atomically("bent.h5", writer.finish());
    CHECK_THAT(message_of("bent.h5"), ContainsSubstring("IEEE floating-point numbers"));
}

TEST_CASE("mutated files of others give tables or data errors") {
    write_foreign("whole.h5", small_table());
    const std::string whole = read_text_file("whole.h5");
    int values = 0, errors = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        RandomStream random(seed, 0, "embeddings");
        std::ofstream("mutated.h5", std::ios::binary) << fixture::mutated(whole, random, {}, whole.size());
        INFO("seed " << seed);
        try {
            const EmbeddingTable table = read_embedding_file("mutated.h5");
            CHECK(table.embeddings.size() == table.images * table.dimensions);
            CHECK(table.paths.size() == table.images);
            ++values;
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::data);
            ++errors;
        }
    }
    CHECK(values > 20);
    CHECK(errors > 50);
}

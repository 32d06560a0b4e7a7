#include "store/embedding_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "store/h5.hpp"
#include "store/known_files.hpp"
#include "store/seal.hpp"

namespace fairsweep {
namespace {

constexpr hsize_t kMaxImages = 100'000'000, kMaxDimensions = 65'536;
constexpr std::size_t kMaxPathBytes = 1 << 16;
constexpr std::uint64_t kMaxAttributes = 1 << 16;
/// Compressed chunks may hold more than the file's bytes: zlib's limit is about 1:1032.
constexpr std::uint64_t kMaxInflation = 1100;

/// Rank and extent of a dataset, checked before anything is taken for it.
h5::Dims checked_dims(const h5::Reader& reader, const h5::DatasetHandle& dataset, const std::string& name, std::size_t rank) {
    const h5::Dims dims = reader.dims(dataset, name);
    if (dims.size() != rank) reader.damaged(name, fmt::format("{} dimensions", dims.size()), fmt::format("{}", rank));
    const hsize_t columns = rank == 2 ? dims[1] : 1;
    if (dims[0] > kMaxImages || columns > kMaxDimensions || columns == 0)
        reader.damaged(name, fmt::format("extent [{}]", fmt::join(dims, ", ")),
                       fmt::format("at most {} images of 1 to {} dimensions", kMaxImages, kMaxDimensions));
    const std::uint64_t file_bytes = std::filesystem::file_size(reader.path());
    if (dims[0] * columns > file_bytes * kMaxInflation)
        reader.damaged(name, fmt::format("extent [{}]", fmt::join(dims, ", ")),
                       fmt::format("what a file of {} bytes can hold", file_bytes));
    return dims;
}

std::vector<std::string> read_fixed(const h5::DatasetHandle& dataset, const h5::TypeHandle& type, std::size_t count,
                                    const h5::Reader& reader) {
    const std::size_t width = H5Tget_size(type.get());
    if (width > kMaxPathBytes || width * count > std::filesystem::file_size(reader.path()) * kMaxInflation)
        reader.damaged("/paths", fmt::format("{} strings of {} bytes", count, width), "paths");
    std::string all(width * count, '\0');
    if (count != 0 && H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()) < 0)
        reader.damaged("/paths", h5::take_error_text(), "strings that can be read");
    const char padding = H5Tget_strpad(type.get()) == H5T_STR_SPACEPAD ? ' ' : '\0';
    std::vector<std::string> texts(count);
    for (std::size_t i = 0; i < count; ++i) {
        std::string text = all.substr(i * width, width);
        text.resize(std::min(text.size(), text.find('\0')));
        while (padding == ' ' && text.ends_with(' ')) text.pop_back();
        texts[i] = std::move(text);
    }
    return texts;
}

std::vector<std::string> read_variable(const h5::DatasetHandle& dataset, const h5::TypeHandle& type, std::size_t count,
                                       const h5::Reader& reader) {
    std::vector<char*> pointers(count, nullptr);
    if (count != 0 && H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) < 0)
        reader.damaged("/paths", h5::take_error_text(), "strings that can be read");
    std::vector<std::string> texts(count);
    for (std::size_t i = 0; i < count; ++i) texts[i] = pointers[i] == nullptr ? "" : pointers[i];
    const h5::SpaceHandle space(H5Dget_space(dataset.get()));
    H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, pointers.data());
    return texts;
}

std::vector<std::string> read_paths(const h5::Reader& reader, std::size_t images) {
    const h5::DatasetHandle dataset = reader.open("/paths");
    const h5::TypeHandle type(H5Dget_type(dataset.get()));
    if (H5Tget_class(type.get()) != H5T_STRING) reader.damaged("/paths", "another type", "strings");
    const h5::Dims dims = checked_dims(reader, dataset, "/paths", 1);
    if (dims[0] != images)
        reader.damaged("/paths", fmt::format("{} paths", dims[0]), fmt::format("{}, one per embedding", images));
    return H5Tis_variable_str(type.get()) > 0 ? read_variable(dataset, type, images, reader)
                                              : read_fixed(dataset, type, images, reader);
}

std::map<std::string, std::string> read_texts(const h5::Reader& reader) {
    std::map<std::string, std::string> texts;
    for (const std::string& name : reader.attribute_names("/")) {
        try {
            texts[name] = reader.text_attribute("/", name);
        } catch (const Error&) {  // numbers and strings of variable length: nothing here depends on them
        }
    }
    return texts;
}

/// Half precision as h5py and numpy write it.
h5::TypeHandle half_type(hid_t single) {
    h5::TypeHandle type(H5Tcopy(single));
    H5Tset_fields(type.get(), 15, 10, 5, 0, 10);
    H5Tset_size(type.get(), 2);
    H5Tset_ebias(type.get(), 15);
    return type;
}

/// HDF5 converts any number that has a sign, an exponent and a mantissa; a damaged type is one, too.
bool is_ieee_float(const h5::TypeHandle& type) {
    for (const hid_t known : {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_IEEE_F64BE})
        if (H5Tequal(type.get(), known) > 0) return true;
    for (const hid_t single : {H5T_IEEE_F32LE, H5T_IEEE_F32BE})
        if (H5Tequal(type.get(), half_type(single).get()) > 0) return true;
    return false;
}

EmbeddingTable read_table(const h5::Reader& reader) {
    for (const char* name : {"/embeddings", "/paths"})
        if (!reader.has(name)) reader.damaged(name, "no such dataset", "/embeddings [images, dimensions] and /paths [images]");
    const h5::DatasetHandle dataset = reader.open("/embeddings");
    const h5::TypeHandle type(H5Dget_type(dataset.get()));
    if (!is_ieee_float(type)) reader.damaged("/embeddings", "another type", "IEEE floating-point numbers of 16, 32 or 64 bits");
    const h5::Dims dims = checked_dims(reader, dataset, "/embeddings", 2);
    EmbeddingTable table;
    table.images = static_cast<std::size_t>(dims[0]);
    table.dimensions = static_cast<std::size_t>(dims[1]);
    table.embeddings.resize(table.images * table.dimensions);
    if (table.images != 0 && H5Dread(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, table.embeddings.data()) < 0)
        reader.damaged("/embeddings", h5::take_error_text(), "numbers that can be read");
    table.paths = read_paths(reader, table.images);
    table.attributes = read_texts(reader);
    return table;
}

/// Our own marks are not part of the table.
EmbeddingTable without_marks(EmbeddingTable table) {
    table.attributes.erase("format");
    return table;
}

/// The seal held, so that HDF5 can be trusted with the file here.
EmbeddingTable read_sealed(const std::filesystem::path& path) {
    const h5::Reader reader(path);
    check_format(reader, kEmbeddingFormat, kEmbeddingVersion);
    return without_marks(read_table(reader));
}

EmbeddingTable receive_embeddings(ApartReader& reader) {
    EmbeddingTable table;
    table.images = reader.count(kMaxImages);
    table.dimensions = reader.count(kMaxDimensions);
    table.embeddings.resize(table.images * table.dimensions);
    reader.bytes(std::as_writable_bytes(std::span(table.embeddings)));
    for (std::size_t i = 0; i < table.images; ++i) table.paths.push_back(reader.text());
    for (std::uint64_t left = reader.count(kMaxAttributes); left > 0; --left) {
        const std::string name = reader.text();
        table.attributes[name] = reader.text();
    }
    reader.finish();
    return table;
}

EmbeddingTable read_foreign(const std::filesystem::path& path) {
    ApartReader reader("embeddings", path, time_limit_s(path));
    EmbeddingTable table = receive_embeddings(reader);
    const auto format = table.attributes.find("format");
    if (format == table.attributes.end() || format->second != kEmbeddingFormat) return table;
    throw_data({.attempted = "cannot use an embedding file",
                .where = path.string(),
                .found = "a file of fairsweep embed without its seal: it was cut off, or changed by another program",
                .expected = "the file as fairsweep embed wrote it",
                .hint = "make it again with fairsweep embed; if the change was meant, take the attribute `format` off the file "
                        "(h5py: del file.attrs['format']): then it is read as anybody's"});
}

}  // namespace

void write_embedding_file(const std::filesystem::path& path, const EmbeddingTable& table) {
    FAIRSWEEP_CHECK(table.embeddings.size() == table.images * table.dimensions && table.paths.size() == table.images,
                    "write embeddings whose parts do not agree");
    h5::Writer writer(path.string(), h5::Storage::contiguous);
    writer.set_attribute("/", "format", std::string(kEmbeddingFormat));
    writer.set_attribute("/", "version", std::uint64_t{kEmbeddingVersion});
    writer.put("/embeddings", std::span<const float>(table.embeddings), {table.images, table.dimensions});
    writer.put_text("/paths", table.paths);
    for (const auto& [name, text] : table.attributes) writer.set_attribute("/", name, text);
    std::vector<std::byte> image = writer.finish();
    seal(image);
    write_file_atomically(path, image);
}

EmbeddingTable read_embedding_file(const std::filesystem::path& path) {
    try {
        return seal_state(path, kEmbeddingWords) == SealState::sealed ? read_sealed(path) : read_foreign(path);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::store) throw;
        throw_data(error.parts());  // of a foreign file: the command's input, not a store of ours
    }
}

void send_embeddings(const ApartWriter& writer, const std::filesystem::path& path) {
    EmbeddingTable table;
    try {
        table = read_table(h5::Reader(path));
    } catch (const Error& error) {
        ErrorParts parts = error.parts();
        parts.hint = "an embedding file has /embeddings [images, dimensions] and /paths [images]";
        throw_data(parts);
    }
    writer.begin_answer();
    writer.number(table.images);
    writer.number(table.dimensions);
    writer.bytes(std::as_bytes(std::span(table.embeddings)));
    for (const std::string& image : table.paths) writer.text(image);
    writer.number(table.attributes.size());
    for (const auto& [name, text] : table.attributes) {
        writer.text(name);
        writer.text(text);
    }
}

}  // namespace fairsweep

// What the process reads that was started for a file of others (read_apart.hpp).
#include "fairsweep/error.hpp"
#include "store/embedding_file.hpp"
#include "store/known_files.hpp"
#include "store/read_apart.hpp"

namespace fairsweep {
namespace {

void send_identity(const ApartWriter& writer, const std::filesystem::path& path) {
    const FileIdentity identity = identity_in(h5::Reader(path));
    writer.begin_answer();
    writer.text(identity.format);
    writer.number(identity.version);
    writer.number(identity.has_embeddings ? 1 : 0);
}

}  // namespace

int read_apart_command(const std::vector<std::string>& words) {
    if (words.size() != 2) return 2;
    const std::filesystem::path path = words[1];
    if (words[0] == "identity") return answer_apart([&](const ApartWriter& writer) { send_identity(writer, path); });
    if (words[0] == "embeddings") return answer_apart([&](const ApartWriter& writer) { send_embeddings(writer, path); });
    return 2;
}

}  // namespace fairsweep

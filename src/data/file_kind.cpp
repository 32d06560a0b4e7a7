#include "data/file_kind.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace fairsweep {
namespace {

constexpr const char* kLfsHint = "the file itself is not here yet: run git lfs pull in its repository";
constexpr const char* kPageHint =
    "the server sent a page instead of the file, often a question or an error: open it, and download again";
constexpr const char* kUnpackHint = "unpack it first";
constexpr const char* kImageHint =
    "convert it: python3 -c \"from PIL import Image; Image.open('IN').convert('RGB').save('OUT.png')\"";

struct Signature {
    std::size_t offset;
    std::string_view bytes;
    const char* name;
    const char* hint;
};
constexpr std::array kSignatures{
    Signature{0, "version https://git-lfs", "a Git LFS pointer", kLfsHint},
    Signature{0, "<?xml", "an XML document", kPageHint},
    Signature{0, "\x89HDF\r\n", "an HDF5 file", ""},
    Signature{0, {"\x12\x01\0\0\0\0\0\0", 8}, "MXNet parameters", "use the weights of the same network for PyTorch"},
    Signature{0, {"PK\x03\x04", 4}, "a zip archive", kUnpackHint},
    Signature{0, "\x1f\x8b", "a gzip file", kUnpackHint},
    Signature{0,
              "\xfd"
              "7zXZ",
              "an xz file", kUnpackHint},
    Signature{0, "7z\xbc\xaf", "a 7z archive", kUnpackHint},
    Signature{0, "Rar!", "a RAR archive", kUnpackHint},
    Signature{257, "ustar", "a tar archive", kUnpackHint},
    Signature{0, "\xff\xd8\xff", "a JPEG image", ""},
    Signature{0, "\x89PNG", "a PNG image", ""},
    Signature{0, "GIF8", "a GIF image", kImageHint},
    Signature{8, "WEBP", "a WebP image", kImageHint},
    Signature{4, "ftyphei", "a HEIC image", kImageHint},
    Signature{4, "ftypavif", "an AVIF image", kImageHint},
    Signature{0, {"II*\0", 4}, "a TIFF image", kImageHint},
    Signature{0, {"MM\0*", 4}, "a TIFF image", kImageHint},
};

/// "<!doctype html" or "<html" behind blanks and a byte order mark, in any case of letters.
bool is_web_page(std::string_view start) {
    if (start.starts_with("\xef\xbb\xbf")) start.remove_prefix(3);
    start.remove_prefix(std::min(start.find_first_not_of(" \t\r\n"), start.size()));
    std::string lower(start.substr(0, 14));
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower.starts_with("<!doctype html") || lower.starts_with("<html");
}

/// A protobuf ModelProto: field 1 (ir_version, a small number), then one of its next fields (onnx.proto: producer_name and
/// producer_version, domain, doc_string, graph, opset_import).
bool is_onnx(std::string_view start) {
    constexpr std::string_view kNextFields("\x12\x1a\x22\x32\x3a\x42", 6);
    return start.size() >= 3 && start[0] == '\x08' && start[1] >= 1 && start[1] <= 32 &&
           kNextFields.find(start[2]) != std::string_view::npos;
}

}  // namespace

FileKind kind_of_file(std::span<const std::byte> start) {
    if (start.empty()) return {"an empty file", ""};
    const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
    for (const Signature& known : kSignatures)
        if (text.size() >= known.offset && text.substr(known.offset).starts_with(known.bytes)) return {known.name, known.hint};
    if (is_web_page(text)) return {"a web page", kPageHint};
    if (is_onnx(text))
        return {"an ONNX model", "where it was exported from, save the weights: torch.save(network.state_dict(), 'weights.pth')"};
    return {};
}

}  // namespace fairsweep

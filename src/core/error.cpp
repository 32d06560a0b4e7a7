#include "fairsweep/error.hpp"

#include <fmt/format.h>

#include <cstring>

namespace fairsweep {
namespace {

std::string render(const ErrorParts& parts) {
    std::string text = parts.attempted;
    const auto add = [&text](const char* label, const std::string& value) {
        if (!value.empty()) text += fmt::format("\n  {:<9} {}", label, value);
    };
    add("where:", parts.where);
    add("found:", parts.found);
    add("expected:", parts.expected);
    add("hint:", parts.hint);
    return text;
}

}  // namespace

Error::Error(ErrorKind kind, const ErrorParts& parts) : std::runtime_error(render(parts)), kind_(kind), parts_(parts) {}

void throw_usage(const ErrorParts& parts) { throw Error(ErrorKind::usage, parts); }
void throw_data(const ErrorParts& parts) { throw Error(ErrorKind::data, parts); }
void throw_store(const ErrorParts& parts) { throw Error(ErrorKind::store, parts); }
void throw_infrastructure(const ErrorParts& parts) { throw Error(ErrorKind::infrastructure, parts); }

std::string describe_errno(int error_number) { return fmt::format("{} (errno {})", std::strerror(error_number), error_number); }

}  // namespace fairsweep

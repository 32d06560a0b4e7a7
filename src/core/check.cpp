#include "fairsweep/check.hpp"

#include <fmt/format.h>

#include "fairsweep/error.hpp"

namespace fairsweep {

void check_failed(const char* condition, const char* message, std::source_location location) {
    throw Error(ErrorKind::internal,
                {.attempted = message,
                 .where = fmt::format("{}:{} in {}", location.file_name(), location.line(), location.function_name()),
                 .found = fmt::format("not {}", condition),
                 .hint = "this is a fault of fairsweep, not of your input: please report it with the command you ran"});
}

}  // namespace fairsweep

#pragma once
/// Log lines for people, on standard error (standard output belongs to results and --json). spdlog stays behind this.
#include <string_view>

namespace fairsweep {

enum class LogLevel { quiet, normal, verbose };

void set_log_level(LogLevel level);
/// Put before every line ("rank 2"); empty: none.
void set_log_prefix(std::string_view prefix);

void log_error(std::string_view text);
void log_warning(std::string_view text);
void log_info(std::string_view text);   ///< shown by default
void log_debug(std::string_view text);  ///< shown with -v

}  // namespace fairsweep

#include "fairsweep/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace fairsweep {
namespace {

spdlog::logger& logger() {
    static const std::shared_ptr<spdlog::logger> instance = [] {
        auto made = spdlog::stderr_color_mt("fairsweep");
        made->set_pattern("%^%l%$ %v");
        return made;
    }();
    return *instance;
}

std::string& prefix() {
    static std::string text;
    return text;
}

void write(spdlog::level::level_enum level, std::string_view text) {
    logger().log(level, "{}{}{}", prefix(), prefix().empty() ? "" : ": ", text);
}

}  // namespace

void set_log_level(LogLevel level) {
    logger().set_level(level == LogLevel::quiet     ? spdlog::level::err
                       : level == LogLevel::verbose ? spdlog::level::debug
                                                    : spdlog::level::info);
}
void set_log_prefix(std::string_view text) { prefix() = std::string(text); }
void log_error(std::string_view text) { write(spdlog::level::err, text); }
void log_warning(std::string_view text) { write(spdlog::level::warn, text); }
void log_info(std::string_view text) { write(spdlog::level::info, text); }
void log_debug(std::string_view text) { write(spdlog::level::debug, text); }

}  // namespace fairsweep

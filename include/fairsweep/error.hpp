#pragma once
/// Errors of fairsweep. One exception type, whose kind decides the exit code; one message layout everywhere:
/// what was attempted, on what, what was found, what was expected, and a hint.
#include <stdexcept>
#include <string>

namespace fairsweep {

enum class ErrorKind {
    usage,           ///< command line or job file is wrong; nothing was started (exit 2)
    data,            ///< a foreign file is missing, unreadable or damaged (exit 2; `data verify` and `data describe`: 1)
    store,           ///< a store or analysis file is damaged or of another version (exit 3)
    infrastructure,  ///< disk, memory, MPI, a child process (exit 4, or 2 where a command has no 4)
    internal,        ///< a broken promise inside fairsweep (exit 70)
};

/// The parts of a message; empty ones are left out.
struct ErrorParts {
    std::string attempted;  ///< "read record 12 of the training set"
    std::string where{};    ///< file, offset, key, line, rank
    std::string found{};
    std::string expected{};
    std::string hint{};
};

class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const ErrorParts& parts);
    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
    [[nodiscard]] const ErrorParts& parts() const noexcept { return parts_; }

private:
    ErrorKind kind_;
    ErrorParts parts_;
};

[[noreturn]] void throw_usage(const ErrorParts& parts);
[[noreturn]] void throw_data(const ErrorParts& parts);
[[noreturn]] void throw_store(const ErrorParts& parts);
[[noreturn]] void throw_infrastructure(const ErrorParts& parts);

/// "No such file or directory (errno 2)" for the given errno value.
[[nodiscard]] std::string describe_errno(int error_number);

}  // namespace fairsweep

#pragma once
/// Starts another program in a process group of its own. One way for mpirun and for the programs of users.
#include <sys/types.h>

#include <string>
#include <vector>

namespace fairsweep {

/// "NAME=value", as programs get it.
using Environment = std::vector<std::string>;
[[nodiscard]] Environment environment_of_process();
/// Sets the variable, or replaces its value.
void set_variable(Environment& environment, const std::string& name, const std::string& value);
/// Nothing is done where the variable has a value.
void set_variable_if_unset(Environment& environment, const std::string& name, const std::string& value);
/// Takes out all variables whose names begin so.
void drop_variables(Environment& environment, const std::string& name_start);

struct ProgramStart {
    std::vector<std::string> words;  ///< the program, looked for in PATH of `environment` where it has no /, and its arguments
    Environment environment;
    int parent_death_signal = 0;  ///< what it gets when the thread that started it ends
    /// Descriptor for its standard output and error, and then no other is inherited; -1: all are those of this process.
    int output = -1;
};

/// A process, or why there is none.
struct StartedProgram {
    pid_t pid = -1;        ///< of the process and of its group; -1: it could not be started
    int error_number = 0;  ///< errno of what failed
};

/// Standard input is empty and no signal is blocked. Returns when the program has replaced this one in the new process, or could
/// not.
[[nodiscard]] StartedProgram start_program(const ProgramStart& start);

}  // namespace fairsweep

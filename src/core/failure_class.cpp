#include "fairsweep/failure_class.hpp"

#include "fairsweep/check.hpp"
#include "fairsweep/files.hpp"

namespace fairsweep {

FailureClass failure_class_of(const Error& error) {
    if (dynamic_cast<const SystemError*>(&error) != nullptr) return FailureClass::io;
    switch (error.kind()) {
        case ErrorKind::usage:
        case ErrorKind::data:
        case ErrorKind::store:
            return FailureClass::config;
        case ErrorKind::infrastructure:
            return FailureClass::io;
        case ErrorKind::internal:
            return FailureClass::internal;
    }
    return FailureClass::internal;
}

int exit_code_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::usage:
        case ErrorKind::data:
            return 2;
        case ErrorKind::store:
            return 3;
        case ErrorKind::infrastructure:
            return 4;
        case ErrorKind::internal:
            return 70;
    }
    return 70;
}

const char* words_of(FailureClass failure) {
    switch (failure) {
        case FailureClass::none:
            return "no known cause";
        case FailureClass::lost:
            return "its worker was lost";
        case FailureClass::hang:
            return "it hung";
        case FailureClass::out_of_memory:
            return "out of memory";
        case FailureClass::io:
            return "reading or writing";
        case FailureClass::numeric:
            return "not a finite number";
        case FailureClass::config:
            return "job or data are wrong";
        case FailureClass::preempted:
            return "interrupted";
        case FailureClass::internal:
            return "a fault of the program";
    }
    check_failed("failure", "words for an unknown failure class");
}

}  // namespace fairsweep

#pragma once
/// A test program is also the process that it starts for the HDF5 files of others, as the real program is. Files named
/// crash.h5 and hang.h5 do there what HDF5 does with some damaged files.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "store/read_apart.hpp"

namespace fairsweep::testing {

inline std::vector<std::string> own_words() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
    return words;
}

inline bool read_apart_when_asked() {
    const std::vector<std::string> words = own_words();
    if (words.size() != 4 || words[1] != kReadApartWord) return false;
    if (words[3].ends_with("crash.h5")) {
        std::signal(SIGSEGV, SIG_DFL);
        std::raise(SIGSEGV);
    }
    while (words[3].ends_with("hang.h5")) ::pause();
    ::_exit(read_apart_command({words[2], words[3]}));
}

inline const bool kIsAsked = read_apart_when_asked();

}  // namespace fairsweep::testing

"""Calls that the program does without, each with its reason and the files where it has its place.

Comments, literals and the names of headers do not count. A file that is named here and no longer has the call is a
breach too, so that the lists only shrink; names with a star are rooms in which the call belongs.
"""
import re
from fnmatch import fnmatch

from cpp_text import code_of

PROGRAM_EDGE = ("src/app/*", "src/run/*")

# Pattern, reason, files.
BANNED = [
    (r"\b(mt19937(_64)?|random_device|\w+_distribution|s?rand|drand48|random_shuffle)\b",
     "numbers come from RandomStream, so that results repeat on every machine", ()),
    (r"\b(randn?|randint|randperm|manual_seed|normal_|uniform_|bernoulli_)\(",
     "torch draws from RandomStream's seeds only", ("src/model/layers.cpp",)),
    (r"\b(strtok|strcpy|strcat|gets|sprintf|vsprintf|alloca)\(", "has no bound on what it writes", ()),
    (r"\b(printf|snprintf|fprintf|puts)\(", "fmt formats, and checks the types",
     ("src/data/png.cpp",)),  # in a callback of libpng, which must not throw
    (r"\b(ato[ifl]l?|sto[idfu]l?l?|strto[dflu]\w*|sscanf)\(",
     "takes the locale's words and says too little of what it could not read; std::from_chars does", ()),
    (r"\b(setlocale|localtime|strftime|put_time)\(|\bstd::locale\b", "output must not depend on where it is made", ()),
    (r"\b(system|popen)\(", "puts a shell between us and the program", ()),
    (r"\b(fork|vfork|exec[lv]\w*|posix_spawnp?)\(",
     "processes start in few places, which close what they must not keep",
     ("src/core/start_program.cpp", "src/report/page.cpp", "src/store/read_apart.cpp")),
    (r"\bstd::endl\b", "hides a flush; write \\n, and std::flush where it is meant", ()),
    (r"\bnew\b|(?<!= )\bdelete\b|\b(malloc|calloc|realloc|free)\(",
     "memory belongs to values, containers and smart pointers",
     ("src/store/h5_file_driver.cpp",)),  # HDF5 asks for a pointer and gives it back to be deleted
    (r"\bMPI_[A-Z]\w+\(", "MPI is behind Link and PointToPoint", ("src/mpi/*",)),
    (r"\bH5[A-Z]{1,2}[a-z]\w*\(", "the wrapper checks results and closes handles; HDF5 itself does neither",
     ("src/store/h5_*.cpp", "src/store/embedding_file.cpp")),  # the latter: text as strangers store it
    (r"\bgetenv\(", "what a room does must not depend on the environment but where it says so",
     (*PROGRAM_EDGE, "src/job/values.cpp", "src/report/page.cpp", "src/data/digest.cpp", "src/mpi/session.cpp",
      "src/device/plugin.cpp", "src/device/gpu.cpp", "src/collective/nccl_table.cpp")),  # plugin, rank, library
    (r"\b(system|steady|high_resolution)_clock::now\(", "decisions take the time as an argument, so that they repeat",
     (*PROGRAM_EDGE, "src/data/digest.cpp", "src/store/read_apart.cpp", "src/study/runner.cpp",
      "src/external/watched_program.cpp", "src/collective/collective.cpp",  # limits of time
      "src/export/latency.cpp")),  # which measures it
    (r"\b(sleep_for|sleep_until|u?sleep|nanosleep)\(", "nothing but a loop at the program's edge waits",
     (*PROGRAM_EDGE, "src/store/store_lock.cpp", "src/store/read_apart.cpp",
      "src/collective/collective.cpp", "src/study/stage_device.cpp")),  # a stage's loop, and its reading of a device
    (r"\bstd::(cout|cerr|clog)\b", "rooms return values and throw errors; commands print", PROGRAM_EDGE),
    (r"\bstd::(j?thread\b(?!::)|async\()", "threads are few, and each says who joins it",
     (*PROGRAM_EDGE, "src/data/batch_loader.cpp", "src/data/problems.cpp", "src/faces/parallel.cpp")),
    (r"\b(signal|sigaction|alarm)\(", "a process has one set of signals: the program's edge has it",
     (*PROGRAM_EDGE, "src/core/start_program.cpp")),  # of a process that becomes another program
    (r"\b(exit|_exit|_Exit|quick_exit|terminate)\(|(?<!void )(?<!\.)(?<!->)\babort\(",  # not a member's
     "leaves without destructors; throw an Error",
     (*PROGRAM_EDGE, "src/core/start_program.cpp")),  # of a process that has not become its program
    (r"\bassert\(", "vanishes in a release; FAIRSWEEP_CHECK, DCHECK and HEAVY_CHECK say when they run", ()),
    (r"\busing namespace\b", "lets a library's new name change ours", ()),
    (r"\b(torch|jit)::(load|save|pickle_load|pickle_save)\(",
     "a pickle of strangers runs their code; src/data reads them", ()),
    (r"\bstd::[io]?fstream\b|\bfopen\(|\bfreopen\(", "files.hpp reads bounded, and writes beside, syncs and renames",
     ("src/core/process_memory.cpp",)),  # /proc
    (r"\bstd::reduce\(|\bstd::execution\b|#\s*pragma\s+omp", "adds in no fixed order; results repeat bit for bit", ()),
    (r"\bstd::regex\b", "its recursion overflows on long lines of strangers", ()),
    (r"\bconst_cast\b", "what is const stays const",
     ("src/compress/channel_pruning.cpp",)),  # from_blob takes no const; the tensor is copied at once
    (r"\bgoto\b|\bsetjmp\(|\blongjmp\(", "destructors and readers lose the way", ("src/data/png.cpp",)),
]


def check(root):
    code = {path.relative_to(root).as_posix(): re.sub(r"#[ \t]*include[^\n]*", "", code_of(path.read_text()))
            for folder in ("include", "src") for path in sorted(root.glob(f"{folder}/**/*.[chi][pn][pc]"))}
    for pattern, reason, allowed in BANNED:
        found = {name: match for name, text in code.items() if (match := re.search(pattern, text))}
        for name, match in found.items():
            if not any(fnmatch(name, place) for place in allowed):
                line = code[name].count("\n", 0, match.start()) + 1
                yield root / name, f"line {line} has {match[0].rstrip('(')}: {reason} (tests/tidy/banned_calls.py)"
        for place in allowed:
            if "*" not in place and place not in found and place in code:
                yield root / place, f"no longer has {pattern}: strike it from tests/tidy/banned_calls.py"

"""report.py ANALYSIS.h5 PAGE.html|PAGE.md: draws the page that `fairsweep report` asks for."""
import os
import sys
import tempfile

try:
    from analysis_file import Analysis
    import html_page
    import markdown_page
except ImportError as error:
    sys.exit(f"report.py: {sys.executable} lacks a package ({error}): "
             "run ./scripts/setup, or install analysis/requirements.txt")


def write_atomically(path, text):
    """Readers see the old page or the whole new one."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, beside = tempfile.mkstemp(dir=folder, prefix=".page-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(beside, 0o666 & ~mask)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def main(arguments):
    if len(arguments) != 2:
        sys.exit("usage: report.py ANALYSIS.h5 PAGE.html|PAGE.md")
    source, target = arguments
    page = html_page if target.endswith(".html") else markdown_page
    try:
        write_atomically(target, page.render(Analysis(source)))
    except OSError as error:
        sys.exit(f"report.py: cannot write {target} from {source}: {error}")


main(sys.argv[1:])

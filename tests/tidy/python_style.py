"""The Python of the repository, by ruff; its rules and what is left out are in ruff.toml."""
import os
import subprocess
from pathlib import Path

FOLDERS = ("analysis", "bench", "scripts", "tests")


def check(root):
    ruff = Path(os.environ["FAIRSWEEP_PYTHON"]).parent / "ruff"
    if not ruff.exists():
        return [f"{ruff} is not there: run ./scripts/setup"]
    folders = [str(root / folder) for folder in FOLDERS if (root / folder).exists()]
    done = subprocess.run([ruff, "check", "--no-cache", "--quiet", "--output-format", "concise",
                           "--config", root / "ruff.toml", *folders],
                          cwd=root, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        return [f"ruff failed: {done.stderr.strip()}"]
    return done.stdout.splitlines()

#!/usr/bin/env python3
"""What opening a session costs: CPU of the process and of the programs that it asks, beside 150 packages, in a repository.

    scripts/benches/opening.py

`rows()` yields (name, value, promised), as scripts/bench prints them.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = 150
FILES = 600
OFTEN = 7  # a time is the least of these
HEADERS = "".join(f"Classifier: Topic :: {number}\n" for number in range(40))
PROBE = """
import resource
import sys
import tempfile

import lineage

lineage.session  # the import is not the opening


def spent():
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(whose)[:2]) for whose in both)


times = []
for folder in ("first", "second"):
    session = lineage.session(sys.argv[1] + "/" + folder, export=False)
    before = spent()
    session.__enter__()
    times.append(spent() - before)
    session.__exit__(None, None, None)
print(*times)
"""


def git(folder, *arguments):
    """Run git in *folder*."""
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@x.org", "-C", str(folder), *arguments], check=True, capture_output=True)


def repository(folder):
    """A repository of FILES files."""
    folder.mkdir()
    for number in range(FILES):
        place = folder / f"part{number % 20}"
        place.mkdir(exist_ok=True)
        (place / f"module{number}.py").write_text(f"X = {number}\n" * 50)
    (folder / "train.py").write_text(PROBE)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")


def packages(folder):
    """PACKAGES installed packages."""
    for number in range(PACKAGES):
        place = folder / f"package_{number}-1.{number}.dist-info"
        place.mkdir(parents=True)
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: package-{number}\nVersion: 1.{number}\n{HEADERS}\n{'text ' * 2000}")


def opened(repository, folder, search):
    """CPU milliseconds of the first and the second opening in one process, the least of OFTEN processes."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, search))}
    found = []
    for _ in range(OFTEN):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            done = subprocess.run(
                [sys.executable, "train.py", place], cwd=repository, env=variables, capture_output=True, text=True, check=True
            )
        found.append([float(word) * 1000 for word in done.stdout.split()])
    return [min(times) for times in zip(*found, strict=True)]


def rows():
    """The figures."""
    with tempfile.TemporaryDirectory() as place:
        where = Path(place)
        repository(where / "repository")
        packages(where / "packages")
        search = [ROOT, where / "packages"]
        first, second = opened(where / "repository", where, search)
        yield f"opening a session beside {PACKAGES} more packages, clean repository (CPU ms)", first, "<= 25"
        yield "opening a second one in the same process (CPU ms)", second, "-"
        (where / "repository" / "train.py").write_text(PROBE + "# changed\n")
        first, _ = opened(where / "repository", where, search)
        yield "opening a session in a repository with a change (CPU ms)", first, "-"


if __name__ == "__main__":
    for name, value, promised in rows():
        print(f"{name:<90} {value:12.2f}   {promised}")

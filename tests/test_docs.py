"""What the pages show is what happens: the code of README.md and docs/ runs, each page in a folder of its own.

    ```python     runs as a program of its own, in the page's folder
    ```console    each `$ command` runs there; the lines under it, if there are any, are compared with what it prints
    other blocks  are data; ```bash and ```sh are refused, for then nobody would run them

A comment in front of a block says what a reader need not see:

    <!-- file: NAME -->         the block is a file that later blocks read
    <!-- output -->             the block is what the Python block before it prints
    <!-- exit: 1 -->            the commands of the block end with this code
    <!-- needs: torch -->       the page makes what it shows itself, with this library; it is skipped where that is not installed
    <!-- not run: reason -->    the block is left alone, and listed by `python tests/test_docs.py`

In an output `…` stands for any text, and a line of it for any lines; ids, digests and times count by their shape (`SHAPES`).
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from page_codes import CODES

import lineage

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINKING = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"(?:^<!-- ?(?P<note>[^\n]*?) ?-->\n+)?^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
# What every page may take to be there.
GIVEN = {"models/tiny/model.safetensors": "x", "prompts.jsonl": '{"instruction": "…"}\n', "held_out.jsonl": '{"instruction": "…"}\n'}
SAMPLE = "artifacts/sample-audit"  # a committed folder that pages may take to be there
SHAPES = (
    (r"\d{8}T\d{6}Z-[0-9a-f]{12}", "<session>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+\d\d:\d\d)", "<time>"),
    (r"\b[0-9a-f]{64}\b", "<sha256>"),
    (r"\b[0-9a-f]{40}\b", "<git sha>"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, with what the comment in front of it says."""

    page: Path
    line: int
    language: str
    body: str
    note: str

    @property
    def is_code(self):
        return self.language in ("python", "console") and not self.told("file") and not self.told("not run")

    def told(self, key):
        """The value behind *key* in the comment: "" where the key stands alone, None where it does not stand."""
        name, _, value = self.note.partition(":")
        return value.strip() if name == key else None

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page):
    text = page.read_text()
    found = FENCED.finditer(text)
    return [Block(page, text.count("\n", 0, one.start("language")) + 1, one["language"], one["body"], one["note"] or "") for one in found]


def commands(body):
    """(command, lines under it) for each `$` line; one that ends in a backslash goes on."""
    found = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0][:-1] + line.strip(), [])
        elif found:
            found[-1][1].append(line)
    return found


def shaped(text):
    for pattern, name in SHAPES:
        text = re.sub(pattern, name, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def fits(expected, printed):
    """Is *printed* what the page shows, ids and times by their shape?"""
    lines = (r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in shaped(expected).splitlines())
    return re.fullmatch("".join(lines), shaped(printed) + "\n") is not None


def run(argv, folder):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    surroundings = {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    return subprocess.run(argv, cwd=folder, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def follow(block, folder):
    """Run one block as its page says; returns what a Python block printed."""
    code = int(block.told("exit") or 0)
    if block.language == "python":
        script = folder / f"example_{block.line}.py"
        script.write_text(block.body)
        done = run([sys.executable, script.name], folder)
        assert done.returncode == code, f"{block}: ended with {done.returncode}\n{done.stdout}"
        return done.stdout
    for command, shown in commands(block.body):
        if command.startswith("make "):  # CI runs `make test` itself, and that runs the demo
            continue
        done = run(["bash", "-c", command], folder)
        assert done.returncode == code, f"{block}: {command}: ended with {done.returncode}\n{done.stdout}"
        assert not shown or fits("\n".join(shown), done.stdout), f"{block}: {command}: the page is out of date, it prints\n{done.stdout}"
    return ""


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.is_code for block in blocks(page))], ids=lambda page: page.stem)
def test_the_code_of_a_page_does_what_the_page_shows(page, tmp_path):
    folder = tmp_path / "page"
    folder.mkdir()
    needed = [block.told("needs") for block in blocks(page) if block.told("needs")]
    for library in needed:
        pytest.importorskip(library, reason=f"{page.name} needs {library}")
    for name, text in GIVEN.items() if not needed else ():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if SAMPLE in page.read_text():
        shutil.copytree(ROOT / SAMPLE, folder / SAMPLE)
    printed = ""
    for block in blocks(page):
        if block.told("file"):
            (folder / block.told("file")).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.told("file")).write_text(block.body)
        elif block.told("output") is not None:
            assert fits(block.body, printed), f"{block}: the page is out of date, it prints\n{printed}"
        elif block.is_code:
            printed = follow(block, folder)
    assert audited(folder) == CODES.get(page.stem, {})


def audited(page):
    """The codes that an audit finds in each folder with sessions that a page made."""
    made = {path.parent for path in page.rglob("session_manifest_*.json") if not path.is_relative_to(page / SAMPLE)}
    return {folder.relative_to(page).as_posix(): {one.code for one in lineage.audit(folder).findings} for folder in sorted(made)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_block_escapes_being_run_without_a_reason(page):
    for block in blocks(page):
        assert block.language not in ("bash", "sh", "shell", "py"), f"{block}: write console or python"
        assert block.told("not run") is None or block.told("not run"), f"{block}: not run, and no reason"


def slug(heading):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", LINKING, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        known = there.suffix != ".md" or not anchor or anchor in map(slug, re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE))
        if not there.exists() or not there.is_relative_to(ROOT) or not known:
            broken.append(target)
    assert broken == []


def test_an_output_fits_by_shape_and_ellipsis_and_nothing_else():
    assert fits("session 20251004T120000Z-0123456789ab at …\n…\nend", "session 20261124T065126Z-299e8e515663 at x\n1\n2\nend\n")
    assert fits("a\n…\nb", "a\nb\n") and not fits("a\nb", "a\nc\n") and not fits("a", "a\nb\n") and not fits("a.c", "abc\n")


if __name__ == "__main__":
    for one in (block for page in PAGES for block in blocks(page) if block.language in ("python", "console")):
        print(f"{one}: {one.language}: {'not run: ' + one.told('not run') if one.told('not run') else one.note or 'run'}")

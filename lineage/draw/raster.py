"""The picture as PNG or PDF, by whichever converter is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import import_module
from importlib.util import find_spec

from lineage.errors import LineageError, UsageError

SCALE = 2  # pixels of a PNG for each of the picture: text stays sharp
LONGEST = 300  # seconds that a converter may take
_COMMANDS = {  # read SVG from stdin, write to stdout
    "rsvg-convert": {"png": ["--zoom", str(SCALE), "--format", "png"], "pdf": ["--format", "pdf"]},
    "inkscape": {
        "png": ["--pipe", "--export-type=png", f"--export-dpi={96 * SCALE}", "--export-filename=-"],
        "pdf": ["--pipe", "--export-type=pdf", "--export-filename=-"],
    },
}


def raster(svg: str, kind: str) -> bytes:
    """*svg* as "png" or "pdf".

    Raises:
        UsageError: no converter is installed. LineageError: the converter failed.
    """
    if find_spec("cairosvg"):
        cairosvg = import_module("cairosvg")
        made = cairosvg.svg2png(svg.encode(), scale=SCALE) if kind == "png" else cairosvg.svg2pdf(svg.encode())
        return bytes(made)
    for name, arguments in _COMMANDS.items():
        if program := shutil.which(name):
            return _converted(program, arguments[kind], svg)
    raise UsageError(
        f"nothing is installed that makes a .{kind} of a picture",
        hint="pip install 'lineage-prov[pictures]', or install rsvg-convert (librsvg2-bin) or inkscape; .svg needs neither",
    )


def _converted(program: str, arguments: list[str], svg: str) -> bytes:
    surroundings = {"SOURCE_DATE_EPOCH": "0", **os.environ}  # the same picture gives the same bytes
    done = subprocess.run([program, *arguments], input=svg.encode(), capture_output=True, env=surroundings, timeout=LONGEST, check=False)
    if done.returncode or not done.stdout:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise LineageError(f"cannot convert the picture: {told[-1] if told else 'no output'}", at=program)
    return done.stdout

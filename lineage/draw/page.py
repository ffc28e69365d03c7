"""The explorer: one HTML file that works from a disk, and asks nobody for anything.

Its script and its style are the files of viewer/, joined; a Content-Security-Policy allows these two by their digests and nothing else. The data is a
block of JSON in which `<` is escaped; a large one is compressed. The viewer puts data into the page as text only.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path
from typing import Any

from lineage.draw.model import Model
from lineage.draw.packed import packed
from lineage.draw.pressed import pressed
from lineage.draw.text import NOT_PLAIN, clean
from lineage.draw.view import Wish

SCRIPTS = (
    "order", "bands", "layout", "press", "model", "view", "compose", "spread", "paths", "search", "walks", "state", "dom", "picture", "minimap", "details", "tables",
    "controls", "keys", "save", "acts", "main",
)  # fmt: skip
STYLES = ("viewer",)
LIVE = "live"  # what only a server's page has: its script stands before main, which starts
LARGE = 200_000  # bytes of JSON, from which on it is compressed
_FOLDER = Path(__file__).parent / "viewer"


def script(*more: str) -> str:
    """The program of the viewer, with *more* files of it, as one script that puts nothing into the page's names."""
    parts = [viewer_file(f"{name}.js") for name in (*SCRIPTS[:-1], *more, SCRIPTS[-1])]
    return "".join(['(() => {\n"use strict";\n', *parts, "})();\n"])


def style(*more: str) -> str:
    """The style of the viewer, with *more* files of it."""
    return "".join(viewer_file(f"{name}.css") for name in (*STYLES, *more))


def viewer_file(name: str) -> str:
    """One file of the viewer, as it stands in the package."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def page(model: Model, wish: Wish | None = None) -> bytes:
    """The whole file; the same model and wish give the same bytes."""
    return shell(clean(model.title), _block(packed(model, wish or Wish())), "'none'")


def live_page(title: str, address: str) -> bytes:
    """The same page for a server, which gives its data at *address*, a path on the same host."""
    return shell(clean(title), f'<script type="application/json" id="data" data-from="{escape(address)}"></script>', "'self'", LIVE)


def shell(title: str, block: str, connect: str, *more: str) -> bytes:
    """The page around a block of data; *connect* is the policy's word on where the script may ask, *more* are files of the viewer besides."""
    program, look = script(*more), style(*more)
    policy = (
        f"default-src 'none'; script-src {_digest(program)}; style-src {_digest(look)}; img-src data: blob:; connect-src {connect}; "
        "base-uri 'none'; form-action 'none'"
    )
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)} · lineage</title>\n<style>{look}</style>\n</head>\n<body>\n"
        '<div id="app"><p id="wait" role="status">Reading the lineage …</p></div>\n'
        "<noscript><p>This page draws its picture with a script of its own. Without one, <code>lineage draw … -o graph.svg</code> makes a picture.</p></noscript>\n"
        f"{block}\n<script>{program}</script>\n</body>\n</html>\n"
    )
    return text.encode("utf-8")


def _block(data: dict[str, Any]) -> str:
    plain = NOT_PLAIN.sub(lambda letter: json.dumps(letter[0])[1:-1], json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    text = plain.replace("<", "\\u003c").encode("utf-8", "replace")
    if len(text) < LARGE:
        return f'<script type="application/json" id="data">{text.decode()}</script>'
    return f'<script type="text/plain" id="data" data-is="pressed">{pressed(text.decode())}</script>'


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode()}'"

#!/usr/bin/env python3
"""Pictures: crossings and CPU of our layout beside dagre's and Graphviz dot's on the same graphs, the size of pages, and what a browser takes.

    scripts/benches/drawing.py

`rows()` yields (name, value, promised), as scripts/bench prints them. What is not installed is left out, with a line that says so on stderr. dagre comes from npm into a folder that is thrown away:

    npm install @dagrejs/dagre      apt-get install nodejs graphviz chromium chromium-driver
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from histories import history  # noqa: E402

from lineage.draw import model  # noqa: E402
from lineage.draw.layout import layout  # noqa: E402
from lineage.draw.page import page, viewer_file  # noqa: E402
from lineage.draw.view import Wish, view  # noqa: E402
from lineage.export import combined_document  # noqa: E402

Row = tuple[str, float, str]  # name, value, what is promised
Graph = tuple[int, list[tuple[int, int]]]
SIZE = (150.0, 40.0)
DAGRE = """
const dagre = require('@dagrejs/dagre'), graphs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const draw = ([count, edges]) => {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'RL', nodesep: 18, ranksep: 64 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (let n = 0; n < count; n++) graph.setNode(n, { width: 150, height: 40 });
  for (const [a, b] of edges) graph.setEdge(a, b);
  const began = process.cpuUsage();
  dagre.layout(graph);
  const used = process.cpuUsage(began);
  const points = edges.map(([a, b]) => graph.edge(a, b).points.slice(1, -1).map(({ x, y }) => [x, y]));
  return [(used.user + used.system) / 1e6, Array.from({ length: count }, (_, n) => [graph.node(n).x, graph.node(n).y]), points];
};
draw([3, [[1, 0], [2, 1]]]);
console.log(JSON.stringify(graphs.map(draw)));
"""
OURS = """
const graphs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const draw = ([count, edges]) => {
  const began = process.cpuUsage();
  layout(Array.from({ length: count }, () => [150, 40]), edges, 64);
  const used = process.cpuUsage(began);
  return (used.user + used.system) / 1e6;
};
draw(graphs[0]);
console.log(JSON.stringify(graphs.map(draw)));
"""


def made_up(count: int, seed: int) -> Graph:
    """A graph in which most things come from something recent."""
    dice = random.Random(seed)
    edges = {
        (box, max(0, box - 1 - int(dice.expovariate(1 / 12)))) for box in range(1, count) for _ in range(dice.choice([1, 1, 1, 2, 2, 3]))
    }
    return count, sorted(edges)


def chained(count: int, seed: int) -> Graph:
    """Loads, generations, trainings and evaluations, each built on one before, with hubs that all of them use."""
    dice, edges, models = random.Random(seed), [], [0]
    made = 3  # a base model, prompts and a test set
    while made + 8 <= count:
        load, loaded, run, data, train, adapter, evaluation, report = range(made, made + 8)
        made += 8
        edges += [(load, dice.choice(models[-4:])), (loaded, load), (run, loaded), (run, 1), (data, run), (train, data), (train, loaded)]
        edges += [(adapter, train), (evaluation, adapter), (evaluation, 2), (report, evaluation)]
        models.append(adapter)
    return made, edges


def recorded(sessions: int, seed: int) -> Graph:
    """What a picture of a made-up history shows, all sessions open."""
    seen = view(model(combined_document(history(seed, sessions=sessions))[0].read()), Wish(sessions="all", limit=10_000))
    number = {item: n for n, item in enumerate(seen.items)}
    return len(number), sorted((number[a], number[b]) for a, b in seen.edges)


def crossings(edges: list[tuple[int, int]], centres: list[tuple[float, float]], routes: list[list[tuple[float, float]]]) -> int:
    """How many pairs of straight pieces of different edges, which share no end, cross."""
    pieces = []
    for (source, target), points in zip(edges, routes, strict=True):
        way = [centres[source], *map(tuple, points), centres[target]]
        pieces += [(source, target, one, other) for one, other in pairwise(way)]
    return sum(_cross(one, other) for n, one in enumerate(pieces) for other in pieces[:n] if not {one[0], one[1]} & {other[0], other[1]})


def _cross(one: tuple, other: tuple) -> bool:
    (_, _, a, b), (_, _, c, d) = one, other
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def ours(graph: Graph) -> tuple[float, int]:
    """CPU seconds in Python, and crossings."""
    count, edges = graph
    began = time.process_time()
    placed = layout([SIZE] * count, edges)
    used = time.process_time() - began
    return used, crossings(edges, placed.centres, [placed.routes.get(edge, []) for edge in edges]) if count < 400 else 0


def in_node(program: str, value: object, folder: Path) -> list:
    """What a program prints as JSON."""
    done = subprocess.run(["node", "-e", program], input=json.dumps(value), capture_output=True, text=True, check=True, cwd=folder)
    return json.loads(done.stdout)


def dot(graph: Graph) -> int:
    """Crossings of Graphviz dot's layout, its splines taken as their control points."""
    count, edges = graph
    lines = ["digraph {rankdir=RL; nodesep=0.25; ranksep=0.9; node [shape=box, fixedsize=true, width=2.08, height=0.56];"]
    lines += [*(f"n{n};" for n in range(count)), *(f"n{a} -> n{b};" for a, b in edges), "}"]
    done = subprocess.run(["dot", "-Tjson"], input="\n".join(lines), capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    centres = [(0.0, 0.0)] * count
    for one in told["objects"]:
        centres[int(one["name"][1:])] = tuple(map(float, one["pos"].split(",")))  # type: ignore[assignment]
    number = {one["_gvid"]: int(one["name"][1:]) for one in told["objects"]}
    routes = {(number[one["tail"]], number[one["head"]]): _controls(one["pos"]) for one in told["edges"]}
    return crossings(edges, centres, [routes[edge] for edge in edges])


def _controls(spline: str) -> list[tuple[float, float]]:
    points = [tuple(map(float, point.split(","))) for point in spline.split() if not point.startswith(("e,", "s,"))]
    return points[3:-1:3]  # type: ignore[return-value]  # the ends of the pieces of the curve


def rows() -> Iterator[Row]:
    """Rows of the benchmark."""
    small = [made_up(100, n) for n in range(5)] + [chained(n, n) for n in (70, 100, 130)] + [recorded(n, n) for n in (14, 18, 22)]
    yield from _layouts(small)
    yield from _pages()


def _missing(what: str) -> None:
    print(f"not installed, left out: {what}", file=sys.stderr)


def _layouts(small: list[Graph]) -> Iterator[Row]:
    mine = [ours(graph) for graph in small]
    total = sum(found for _, found in mine)
    large = made_up(1000, 1)
    yield "1,000 boxes laid out, in Python (CPU ms)", min(ours(large)[0] for _ in range(3)) * 1000, "<= 100"
    if shutil.which("node") is None:
        _missing("crossings beside dagre: apt-get install nodejs npm")
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield from _beside_dagre(small, mine, large, Path(folder))
    if shutil.which("dot") is None:
        _missing("crossings beside dot: apt-get install graphviz")
    else:
        yield f"crossings, ours / dot's, {len(small)} graphs of about 100 boxes", total / sum(map(dot, small)), "-"


def _beside_dagre(small: list[Graph], mine: list[tuple[float, int]], large: Graph, folder: Path) -> Iterator[Row]:
    program = "".join(viewer_file(f"{name}.js") for name in ("order", "bands", "layout")) + OURS
    page_small, page_large = in_node(program, small, folder), in_node(program, [large], folder)[0]
    yield "1,000 boxes laid out, in the page (CPU ms)", page_large * 1000, "<= 100"
    got = subprocess.run(["npm", "install", "--silent", "@dagrejs/dagre"], cwd=folder, capture_output=True, check=False)
    if got.returncode:
        _missing("crossings beside dagre: npm install @dagrejs/dagre")
        return
    theirs = in_node(DAGRE, small, folder)
    found = [crossings(edges, centres, routes) for (_, edges), (_, centres, routes) in zip(small, theirs, strict=True)]
    yield f"crossings, ours / dagre's, {len(small)} graphs of about 100 boxes", sum(n for _, n in mine) / sum(found), "<= 1.2"
    yield "layout: CPU, ours / dagre's, the same graphs", sum(page_small) / sum(used for used, _, _ in theirs), "<= 1"


def _pages() -> Iterator[Row]:
    made = model(combined_document(history(7, sessions=2090))[0].read())
    data = page(made)
    yield f"page of {len(made.nodes):,} things and {len(made.relations):,} relations (kB)", len(data) / 1000, "<= 1000"
    sizes = [len(page(model(combined_document(history(5, sessions=1, most=most))[0].read()))) for most in (10, 1_000_000)]
    yield "page of a session of 1,000,000 records / of one of 10", sizes[1] / sizes[0], "<= 1.05"
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        _missing("pages in a browser: apt-get install chromium chromium-driver")
        return
    yield from _in_browser(data, page(model(combined_document(history(5, sessions=60))[0].read()), Wish(sessions="all")))


def _in_browser(large: bytes, open_page: bytes) -> Iterator[Row]:
    from selenium import webdriver

    with tempfile.TemporaryDirectory() as folder:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder}/profile", "--window-size=1440,900"):  # fmt: skip
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            yield from _timed(driver, Path(folder), large, open_page)
        finally:
            driver.quit()


def _timed(driver: object, folder: Path, large: bytes, open_page: bytes) -> Iterator[Row]:
    ready = "return document.body.dataset.ready && performance.now()"
    (folder / "large.html").write_bytes(large)
    yield "it opens in a browser (s, wall)", _until(driver, folder / "large.html", ready) / 1000, "<= 3"
    (folder / "open.html").write_bytes(open_page)
    _until(driver, folder / "open.html", ready)
    script = """const boxes = [...document.querySelectorAll('#world .box')], times = [];
        for (const box of boxes.slice(0, 20)) {
            const key = box.dataset.key, now = [...document.querySelectorAll('#world .box')].find((one) => one.dataset.key === key), began = performance.now();
            now.dispatchEvent(new MouseEvent('click', { bubbles: true }));
            document.getElementById('picture').getBoundingClientRect();
            times.push(performance.now() - began);
        }
        times.sort((a, b) => a - b);
        return [boxes.length, times[times.length >> 1], times[times.length - 1]];"""
    count, middle, worst = driver.execute_script(script)  # type: ignore[attr-defined]
    toggles = """const times = [];
        for (let n = 0; n < 10; n++) {
            const toggle = document.querySelectorAll('#side .sessions .toggle')[n], began = performance.now();
            toggle.click();
            document.getElementById('picture').getBoundingClientRect();
            times.push(performance.now() - began);
        }
        times.sort((a, b) => a - b);
        return [times[times.length >> 1], times[times.length - 1]];"""
    yield f"a selection at {count} boxes drawn (ms, wall, the middle)", middle, "<= 100"
    yield "the slowest of 20", worst, "<= 100"
    middle, worst = driver.execute_script(toggles)  # type: ignore[attr-defined]
    yield "a session closed there (ms, wall, the middle)", middle, "<= 100"
    yield "the slowest of 10", worst, "-"


def _until(driver: object, path: Path, script: str) -> float:
    driver.get(path.as_uri())  # type: ignore[attr-defined]
    until = time.monotonic() + 60
    while not (found := driver.execute_script(script)):  # type: ignore[attr-defined]
        if time.monotonic() > until:
            raise TimeoutError(str(path))
        time.sleep(0.02)
    return float(found)


if __name__ == "__main__":
    for name, value, promised in rows():
        print(f"{name:<64} {value:10.2f}   {promised}", flush=True)

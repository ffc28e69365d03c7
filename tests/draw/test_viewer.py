"""The viewer's own layout and data: the same as Python's, number for number. Its modules run in a browser, without their page."""

import json
import random
import re
from dataclasses import replace

import pytest
from histories import history

from lineage.draw import model
from lineage.draw.compose import compose
from lineage.draw.layout import layout
from lineage.draw.packed import packed
from lineage.draw.page import LIVE, SCRIPTS, STYLES, page, script, shell, style, viewer_file
from lineage.draw.pressed import in_letters, pressed
from lineage.draw.style import themes
from lineage.draw.view import Around, Wish, view
from lineage.export import combined_document

PARTS = ("order", "bands", "layout", "press", "model", "view", "compose", "spread", "search", "walks", "state")


@pytest.fixture(scope="module")
def models():
    """Models of histories of 1, 12 and 90 sessions."""
    return {n: model(combined_document(history(5, sessions=n))[0].read()) for n in (1, 12, 90)}


@pytest.fixture(scope="session")
def run_in(browser):
    """A function: what a program of the viewer's modules answers to an `input`; both are JSON."""
    code = "".join(viewer_file(f"{name}.js") for name in PARTS)

    def run(program, value):
        browser.driver.get("about:blank")
        script = f"""const [text, answer] = arguments, input = JSON.parse(text);
            (async () => {{ {code}
            {program} }})().then((made) => answer(JSON.stringify(made)), (error) => answer(error.stack));"""
        return json.loads(browser.driver.execute_async_script(script, json.dumps(value)))

    return run


def plain(value):
    """As JSON has it."""
    return json.loads(json.dumps(value))


def graphs(count):
    dice = random.Random(11)
    for n in range(count):
        boxes = dice.choice([1, 2, 7, 40, 120, 310])
        edges = [
            (dice.randrange(boxes), dice.randrange(boxes))
            if dice.random() < 0.05
            else (box, max(0, box - 1 - int(dice.expovariate(1 / 5))))
            for box in range(1, boxes)
            for _ in range(dice.choice([0, 1, 1, 2]))
        ]
        yield [(float(dice.randrange(40, 300)), dice.choice([34.0, 49.0, 64.0])) for _ in range(boxes)], edges, bool(n % 2)


@pytest.mark.browser
def test_the_layout_in_the_page_gives_the_same_numbers(run_in):
    cases = list(graphs(60))
    program = """return input.map(([sizes, edges, wrap]) => {
        const { centres, routes, width, height } = layout(sizes, edges, 64, wrap);
        return [centres, [...routes].map(([key, { points, turned }]) => [key, points, turned]).sort((a, b) => (a[0] < b[0] ? -1 : 1)), width, height];
    });"""
    for (sizes, edges, wrap), theirs in zip(cases, run_in(program, cases), strict=True):
        mine = layout(sizes, edges, 64.0, wrap)
        routes = sorted([f"{a} {b}", points, (a, b) in mine.turned] for (a, b), points in mine.routes.items())
        assert plain([mine.centres, routes, mine.width, mine.height]) == theirs


WISHES = [
    Wish(),
    Wish(agents=True, configurations=True),
    Wish(sessions="none"),
    Wish(sessions="all", limit=10_000),
    Wish(limit=20),
]


@pytest.mark.browser
@pytest.mark.parametrize("sessions", [1, 12, 90])
@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: f"{wish.sessions}-{wish.limit}-{wish.agents}")
def test_the_picture_in_the_page_shows_the_same_at_the_same_places(models, run_in, sessions, wish):
    made = models[sessions]
    program = """const model = unpacked(input.data), seen = viewOf(model, input.wish), placed = compose(model, seen);
        return [
            seen.items, seen.edges.map((edge) => [edge.source, edge.target, [...edge.terms].sort()]), [...seen.quiet], seen.hidden,
            [...placed.centres].sort((a, b) => a[0] - b[0]), [...placed.frames].sort((a, b) => a[0] - b[0]), placed.width, placed.height,
        ];"""
    asked = {"agents": wish.agents, "configurations": wish.configurations, "sessions": wish.sessions, "limit": wish.limit}
    seen = view(made, wish)
    placed = compose(made, seen)
    edges = [[source, target, sorted(terms.items())] for (source, target), terms in seen.edges.items()]
    quiet = list(seen.quiet.items())
    mine = [
        seen.items,
        edges,
        quiet,
        seen.hidden,
        sorted(placed.centres.items()),
        sorted(placed.frames.items()),
        placed.width,
        placed.height,
    ]
    theirs = run_in(program, {"data": packed(made, wish), "wish": asked})
    assert [sorted(part) if n in (2, 3) else part for n, part in enumerate(plain(mine))] == [
        sorted(part) if n in (2, 3) else part for n, part in enumerate(theirs)
    ]


@pytest.mark.browser
@pytest.mark.parametrize("direction", ["past", "future", "both"])
def test_the_sources_and_consequences_in_the_page_are_the_same(models, run_in, direction):
    made = models[12]
    nodes = [n for n, node in enumerate(made.nodes) if node.role == "thing"][::5]
    program = """const model = unpacked(input.data);
        return input.nodes.map((node) => viewOf(model, { limit: 300, around: { node, depth: 4, direction: input.direction } }).items);"""
    mine = [view(made, Wish(around=Around(node, 4, direction))).items for node in nodes]
    assert run_in(program, {"data": packed(made, Wish()), "nodes": nodes, "direction": direction}) == mine


@pytest.mark.browser
@pytest.mark.parametrize("sessions", [1, 90])
def test_the_page_holds_everything_that_the_model_holds(models, run_in, sessions):
    made = models[sessions]
    program = """const data = await readData({ textContent: input.text, dataset: { is: "pressed" } });
        const model = unpacked(data), { nodes, relations, groups } = model;
        return [
            nodes.map((one) => [one.id, one.kind, one.type, one.role, one.label, one.box.label, one.box.lines, one.box.width, one.box.height, one.group, one.parent, one.time, one.attributes, one.metadata, one.link]),
            relations.map((one) => [one.term, one.source, one.target, one.isTold, one.attributes]),
            groups.map((one) => [one.kind, one.label, one.box.lines, one.time, one.node, one.parent, one.loaderVersions, one.quantizations]),
        ];"""

    def number(value):
        return -1 if value is None else value

    nodes = [
        [n.id, n.kind, n.type, n.role, n.label, n.box.label, n.box.lines, n.box.width, n.box.height, number(n.group), number(n.parent), n.time, n.attributes, n.metadata, n.link]
        for n in made.nodes
    ]  # fmt: skip
    relations = [[one.term, one.source, one.target, one.is_told, one.attributes] for one in made.relations]
    groups = [
        [g.kind, g.label, g.box.lines, g.time, number(g.node), number(g.parent), g.loader_versions, g.quantizations] for g in made.groups
    ]
    text = pressed(json.dumps(packed(made, Wish()), ensure_ascii=False, separators=(",", ":")))
    assert run_in(program, {"text": text}) == plain([nodes, relations, groups])


COUNTS = [
    ("007", "7 records", ()),
    ("1234567", "1,234,567 records", ("lines 1-9", "1234567 records")),
    ("x", "x records", ("lines 1-9",)),
    ("9" * 20, f"{10**20 - 1:,} records", ()),
    ("-1", "-1 records", ("-1",)),
    ("2", "3 records", ()),
]


@pytest.mark.browser
def test_a_label_that_repeats_an_attribute_comes_back_however_the_attribute_is_written(models, run_in):
    made, node = models[1], models[1].nodes[0]
    nodes = []
    for count, label, lines in COUNTS:
        attributes = (("lin:count", count), ("lin:count", "3"), ("lin:lines", "1-9"), ("x", "5"), ("x", "-2"))
        nodes.append(replace(node, label=label, box=replace(node.box, label=label, lines=lines), attributes=attributes))
    made = replace(made, nodes=(*nodes, *made.nodes[len(nodes) :]), relations=(), groups=())
    program = "return unpacked(input).nodes.map((one) => [one.label, one.box.label, one.box.lines, one.attributes]);"
    told = plain([[one.label, one.box.label, one.box.lines, one.attributes] for one in made.nodes])
    assert run_in(program, packed(made, Wish())) == told


@pytest.mark.browser
def test_what_a_relation_says_of_other_nodes_comes_back_in_its_order(models, run_in):
    made = models[12]
    tails = [f"id:{node.id.rpartition('/')[2]}" for node in made.nodes[:8]]
    said = tuple(("prov:activity", tail) for tail in (tails[5], tails[1], tails[1], "7", tails[7], "id:elsewhere", tails[0]))
    relations = tuple(replace(one, attributes=said) if n % 3 == 0 else one for n, one in enumerate(made.relations))
    told = plain([[one.source, one.target, one.attributes] for one in relations])
    program = "return unpacked(input).relations.map((one) => [one.source, one.target, one.attributes]);"
    assert run_in(program, packed(replace(made, relations=relations), Wish())) == told


def test_a_thing_of_a_large_page_takes_less_than_42_bytes_with_all_that_is_said_of_it():
    made = model(combined_document(history(7, sessions=200))[0].read())
    assert len(made.nodes) > 1_500 and (len(page(made)) - len(script()) - len(style())) / len(made.nodes) < 42


TEXTS = [
    "",
    "x",
    "\ue000 is a private letter",
    "~tilde",
    "\U0001f600é\u202e",
    "ab" * 32 + " " + "ab" * 32 + " " + "0" * 40,
    "f" * 63,
    "cd" * 16 + "-" + "12ab34cd56ef",
]


@pytest.mark.browser
def test_what_is_pressed_comes_back_as_it_was(run_in):
    program = "return Promise.all(input.map(unpressed));"
    assert run_in(program, [pressed(text) for text in TEXTS]) == TEXTS


@pytest.mark.browser
def test_opening_and_closing_moves_nothing_that_stays(models, run_in):
    program = """const model = unpacked(input.data), spread = spreader(model), wish = { sessions: "none", limit: 300, key: "w" };
        const groups = model.groups.map((_, n) => n).filter((n) => model.groups[n].parent < 0), steps = [], moved = [], overlaps = [];
        const check = (step) => {
            const before = spread(wish, steps.slice());
            steps.push(step);
            const after = spread(wish, steps.slice());
            for (const [item, [x, y]] of before.centres) {
                const now = after.centres.get(item);
                if (now && (now[0] !== x || now[1] !== y)) moved.push([step, item]);
            }
            const boxes = [...after.centres].map(([item, [x, y]]) => [x, y, boxAt(model, item).width, boxAt(model, item).height]);
            boxes.forEach(([x, y, w, h], n) => boxes.slice(0, n).forEach(([ox, oy, ow, oh]) => {
                if (Math.abs(x - ox) < (w + ow) / 2 - 0.3 && Math.abs(y - oy) < (h + oh) / 2 - 0.3) overlaps.push([step, n]);
            }));
        };
        for (const n of groups.slice(-6)) check(["+", n]);
        const whole = model.nodes.map((_, n) => n).filter((n) => model.nodes[n].members.length && spread(wish, steps).centres.has(n));
        for (const n of whole.slice(0, 3)) check(["*", n]);
        for (const n of groups.slice(-4)) check(["-", n]);
        for (const n of groups.slice(-4)) check(["+", n]);
        return [moved, overlaps, steps.length, whole.length > 0];"""
    moved, overlaps, steps, folded = run_in(program, {"data": packed(models[90], Wish())})
    assert (moved, overlaps) == ([], []) and steps > 12 and folded


def test_equal_documents_give_equal_pages(models):
    again = model(combined_document(reversed(history(5, sessions=12)))[0].read())
    assert page(again) == page(models[12])


def test_letters_of_a_pressed_text_need_no_escape():
    made = in_letters(bytes(range(256)) * 3 + b"x")
    assert not set(made) & set("<&>`\"'\\\n\r\0") and made.isascii()


def test_the_page_asks_nobody_and_runs_nothing_but_its_own():
    text = shell("t", "", "'none'").decode()
    policy = text.partition('Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy and "http" not in policy
    for forbidden in ("eval(", "Function(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "setTimeout('"):
        assert forbidden not in script()
    assert "url(" not in style() and "@import" not in style()


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_does():
    assert contrast("#000000", "#FFFFFF") == 21 and round(contrast("#777777", "#FFFFFF"), 2) == 4.48


@pytest.mark.parametrize("name", ["light", "dark"])
def test_texts_and_lines_are_seen_in_both_themes(name):
    theme = themes()[name]
    texts = [(theme[ink], fill) for ink in ("on", "under") for fill in theme["fill"].values()]
    grounds = (theme["ground"], theme["frame"]["fill"])
    texts += [(theme["frame"][ink], theme["frame"]["fill"]) for ink in ("text", "title")]
    relations = [*theme["relations"].values(), theme["other"]]
    texts += [(colour, ground) for colour in relations for ground in grounds]  # their names are written in their colour
    lines = [(line, ground) for line in [*theme["line"].values(), theme["frame"]["line"]] for ground in grounds]
    assert [pair for pair in texts if contrast(*pair) < 4.5] == [] and [pair for pair in lines if contrast(*pair) < 3] == []


@pytest.mark.parametrize("selector", [":root", ':root[data-theme="dark"]'])
def test_the_texts_of_the_page_are_seen_in_both_themes(selector):
    block = style().partition(f"{selector} {{")[2].partition("}")[0]
    said = dict(part.strip().removeprefix("--").split(": ") for part in block.split(";") if "--" in part)
    colour = {name: value for name, value in said.items() if value.startswith("#")}
    grounds = [colour[name] for name in ("ground", "side", "button")]
    inks = ("text", "soft", "accent", "wrong")
    low = [(ink, ground) for ink in inks for ground in grounds if contrast(colour[ink], ground) < 4.5]
    low += [("text", name) for name in ("added", "removed") if contrast(colour["text"], colour[name]) < 4.5]
    low += [("edge", ground) for ground in grounds if contrast(colour["edge"], ground) < 3]
    assert low == []


def test_a_file_of_the_viewer_is_short_and_says_what_it_is():
    for name in (*(f"{name}.js" for name in SCRIPTS), *(f"{name}.css" for name in STYLES), f"{LIVE}.js", f"{LIVE}.css"):
        text = viewer_file(name)
        assert text.count("\n") < 400 and (text.startswith("// ") or name.endswith(".css")), name


def test_no_function_of_the_viewer_is_left_unused():
    code = script(LIVE)
    names = re.findall(r"^(?:async )?function (\w+)", code, re.MULTILINE)
    assert [name for name in names if len(re.findall(rf"\b{name}\b", code)) < 2] == [] and len(names) == len(set(names))


def test_a_page_that_works_from_a_file_has_nothing_of_a_server_s(models):
    text = page(models[1]).decode()
    assert viewer_file(f"{LIVE}.js") not in text and "recordsOf" not in text and "livebar" not in text

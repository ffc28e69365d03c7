"""The picture: the same whatever the order, nothing overlaps, arrows point to the past, hostile labels stay text."""

import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from documents import documents
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.draw import draw, model
from lineage.draw.layout import layout
from lineage.draw.page import page
from lineage.draw.picture import render
from lineage.draw.view import Wish, view
from lineage.prov.document import Document
from lineage.prov.statement import Name, literal, statement
from lineage.prov.terms import ACTIVITY, AGENT, ENTITY, GENERATION, PROV, START

EX = "http://example.org/"
HOSTILE = '</text></svg><script>alert(1)</script>"\x00\u202e\\N #quot; "]--> x; \n click' + "x" * 10_000
SAFE = ("http://", "https://", "mailto:", "urn:")


@given(documents(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_statements_does_not_change_the_picture(document, dice):
    shuffled = list(document.statements)
    dice.shuffle(shuffled)
    other = Document(document.namespaces, shuffled, document.bundles)
    assert draw(document) == draw(other) and page(model(document)) == page(model(other))


@given(documents())
@settings(max_examples=40)
def test_every_picture_is_well_formed_and_links_only_to_what_is_safe(document):
    root = ElementTree.fromstring(draw(document))  # our own output
    assert not {element.tag.rpartition("}")[2] for element in root.iter()} & {"script", "image", "foreignObject", "use", "style"}
    links = [value for element in root.iter() for name, value in element.attrib.items() if name.rpartition("}")[2] == "href"]
    assert all(link.startswith(SAFE) for link in links)


GRAPH = st.integers(2, 14).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30))
)


@given(GRAPH, st.booleans())
def test_no_two_boxes_overlap_and_arrows_point_left(graph, wrap):
    n, pairs = graph
    edges = [(max(pair), min(pair)) for pair in pairs if pair[0] != pair[1]]
    sizes = [(260.0 + k, 30.0 + k) for k in range(n)]
    placed = layout(sizes, edges, wrap=wrap)
    for one, (x1, y1) in enumerate(placed.centres):
        for other, (x2, y2) in enumerate(placed.centres):
            wide, high = (sizes[one][0] + sizes[other][0]) / 2, (sizes[one][1] + sizes[other][1]) / 2
            assert one == other or abs(x1 - x2) >= wide - 0.2 or abs(y1 - y2) >= high - 0.2
    assert all(placed.centres[newer][0] > placed.centres[older][0] for newer, older in edges if (newer, older) not in placed.turned)
    assert wrap or not placed.turned


def test_a_long_chain_becomes_rows_and_no_strip():
    placed = layout([(200.0, 40.0)] * 30, [(n + 1, n) for n in range(29)], wrap=True)
    assert placed.width < 4 * placed.height and placed.turned


def test_a_circle_is_drawn_too():
    assert len(layout([(9, 9), (9, 9)], [(0, 1), (1, 0)]).centres) == 2


@pytest.mark.parametrize("kind", [".svg", ".dot", ".mmd"])
def test_a_hostile_label_stays_text(kind):
    made = model(Document({}, [statement(ENTITY, Name(EX + "e"), attributes=[(Name(PROV + "label"), literal(HOSTILE))])]))
    text = render(made, Wish(), kind).decode()
    assert "<script" not in text and "\u202e" not in text and "\x00" not in text
    if kind == ".svg":
        assert ElementTree.fromstring(text) is not None
    if kind == ".dot" and shutil.which("dot"):
        told = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True).stdout
        assert len([line for line in told.splitlines() if line.startswith("node ")]) == 1
    if kind == ".mmd":
        assert '"]--' not in text and "click" not in [line.strip().partition(" ")[0] for line in text.splitlines()]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"])
def test_an_address_that_would_run_something_is_no_link(address):
    made = draw(Document({}, [statement(ENTITY, Name(address))]))
    assert "href" not in made and "href" in draw(Document({}, [statement(ENTITY, Name("https://example.org/e"))]))


def test_what_is_not_drawn_is_counted():
    many = [statement(ENTITY, Name(f"{EX}e{n}")) for n in range(400)] + [statement(AGENT, Name(EX + "g"))]
    seen = view(model(Document({}, many)), Wish())
    assert len(seen.items) == 300 and dict(seen.hidden) == {"agents": 1, "other things": 100}
    assert "100 other things" in draw(Document({}, many))


def test_agents_are_drawn_when_they_are_asked_for():
    document = Document({}, [statement(AGENT, Name(EX + "g")), statement(ENTITY, Name(EX + "e"))])
    assert [len(view(model(document), Wish(agents=asked)).items) for asked in (False, True)] == [1, 2]


def test_the_names_of_two_relations_between_the_same_things_stand_on_one_line():
    e, a = Name(EX + "e"), Name(EX + "a")
    from lineage.prov.terms import INVALIDATION

    seen = view(model(Document({}, [statement(GENERATION, None, e, a), statement(INVALIDATION, None, e, a)])), Wish())
    assert [dict(terms) for terms in seen.edges.values()] == [{"wasGeneratedBy": 1, "wasInvalidatedBy": 1}]


@pytest.mark.parametrize("kind", [".dot", ".mmd"])
def test_a_frame_with_a_name_of_thousands_of_letters_is_no_wider_than_its_name_fits(kind):
    session = (Name(PROV + "type"), Name("https://w3id.org/lineage-prov/ns#Session"))
    told = []
    for key, label in (("a", "long" * 1000), ("b", "short")):
        run, own = Name(EX + key), Name(f"{EX}{key}1")
        told.append(statement(ACTIVITY, run, attributes=[session, (Name(PROV + "label"), literal(label))]))
        told += [statement(ACTIVITY, own), statement(START, None, own, None, run)]
    made = render(model(Document({}, told)), Wish(sessions="all"), kind).decode()
    assert "short" in made and max(map(len, made.splitlines())) < 400

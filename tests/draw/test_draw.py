"""The picture: the same whatever the order, nothing overlaps, arrows point to the past, hostile labels stay text."""

from xml.etree import ElementTree

from documents import documents
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.draw import draw
from lineage.draw.graph import picture
from lineage.draw.layout import layout
from lineage.prov.document import Document
from lineage.prov.statement import Name, literal, statement
from lineage.prov.terms import AGENT, ENTITY, PROV

EX = "http://example.org/"


@given(documents(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_statements_does_not_change_the_picture(document, dice):
    shuffled = list(document.statements)
    dice.shuffle(shuffled)
    assert draw(document) == draw(Document(document.namespaces, shuffled, document.bundles))


@given(documents())
@settings(max_examples=40)
def test_every_picture_is_well_formed_and_refers_to_nothing_outside(document):
    root = ElementTree.fromstring(draw(document))  # our own output
    assert not {element.tag.rpartition("}")[2] for element in root.iter()} & {"script", "image", "foreignObject", "a", "use"}


GRAPH = st.integers(2, 14).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30))
)


@given(GRAPH)
def test_no_two_nodes_overlap_and_arrows_point_left(graph):
    n, pairs = graph
    edges = [(f"n{max(pair):02}", f"n{min(pair):02}") for pair in pairs if pair[0] != pair[1]]
    sizes = {f"n{k:02}": (60.0 + k, 30.0 + k) for k in range(n)}
    placed = layout(sizes, edges)
    for one, (x1, y1) in placed.centres.items():
        for other, (x2, y2) in placed.centres.items():
            apart = (
                abs(x1 - x2) >= (sizes[one][0] + sizes[other][0]) / 2 - 0.2 or abs(y1 - y2) >= (sizes[one][1] + sizes[other][1]) / 2 - 0.2
            )
            assert one == other or apart
    assert all(placed.centres[newer][0] > placed.centres[older][0] for newer, older in edges)


def test_a_circle_is_drawn_too():
    assert set(layout({"a": (9, 9), "b": (9, 9)}, [("a", "b"), ("b", "a")]).centres) == {"a", "b"}


def test_a_hostile_label_stays_text():
    label = '</text></svg><script>alert(1)</script>"\x00\u202e' + "x" * 10_000
    made = draw(Document({}, [statement(ENTITY, Name(EX + "e"), attributes=[(Name(PROV + "label"), literal(label))])]))
    assert "<script" not in made and "\u202e" not in made and ElementTree.fromstring(made) is not None


def test_what_is_not_drawn_is_counted():
    many = [statement(ENTITY, Name(f"{EX}e{n}")) for n in range(400)] + [statement(AGENT, Name(EX + "g"))]
    shown = picture(Document({}, many))
    assert len(shown.nodes) == 300 and dict(shown.hidden) == {"agents": 1, "others": 100} and "100 others" in draw(Document({}, many))

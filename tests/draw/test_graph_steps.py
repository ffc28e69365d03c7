"""The explorer's consequences against those of `impact`: one answer, for every thing of random histories."""

import json
import random

import pytest
from histories import history

from lineage.consequences.steps import with_steps
from lineage.draw import model
from lineage.draw.packed import packed
from lineage.draw.page import viewer_file
from lineage.draw.steps import affected_by
from lineage.draw.view import Around, Wish, view
from lineage.export import combined_document
from lineage.trace import answers
from lineage.trace.graph import built, read
from lineage.trace.refined import refine

PARTS = ("order", "bands", "layout", "press", "model", "view", "compose", "spread", "search", "walks", "state")
SEEDS = range(40)


def explored(seed, sessions):
    """The model of a history with its steps, and its graph."""
    facts = list(history(seed, sessions=sessions))
    document = combined_document(facts)[0].read()
    return with_steps(model(document), facts, document), built(facts)


def expected(made, graph, number):
    """What `impact` reaches, as nodes of the model."""
    nodes = {node.id: n for n, node in enumerate(made.nodes)}
    reached = answers.impact(graph, (number,), "").reached
    return {nodes[graph.names[one]] for one in reached if graph.names[one] in nodes}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_steps_reach_what_impact_reaches_from_every_thing(seed):
    made, graph = explored(seed, random.Random(seed).randrange(1, 14))
    nodes = {node.id: n for n, node in enumerate(made.nodes)}
    for name, number in graph.index.items():
        if name in nodes:
            assert set(affected_by(made, nodes[name])) == expected(made, graph, number), name


def test_the_steps_of_a_document_are_those_of_its_graph():
    document = combined_document(history(7, sessions=6))[0].read()
    made, graph = with_steps(model(document), (), document), refine(read([("", document)]))
    nodes = {node.id: n for n, node in enumerate(made.nodes)}
    for name, number in graph.index.items():
        assert set(affected_by(made, nodes[name])) == expected(made, graph, number), name


def test_consequences_are_drawn_as_far_as_they_were_asked_for():
    made, graph = explored(3, 8)
    for node in [n for n, one in enumerate(made.nodes) if one.role == "thing"]:
        near = {n for n, distance in affected_by(made, node).items() if distance <= 2}
        drawn = set(view(made, Wish(around=Around(node, 2, "future"))).items)
        assert drawn >= {n for n in near if made.nodes[n].role == "thing"}
        assert drawn <= set(affected_by(made, node)) | {made.nodes[n].parent for n in affected_by(made, node)}
    assert graph.names


@pytest.mark.browser
def test_the_page_walks_the_same_steps(browser):
    code = "".join(viewer_file(f"{name}.js") for name in PARTS)
    for seed in (1, 5, 9):
        made, _ = explored(seed, 9)
        nodes = list(range(len(made.nodes)))
        program = f"""const [text, answer] = arguments, input = JSON.parse(text);
            (async () => {{ {code}
            const model = unpacked(input.data);
            return input.nodes.map((node) => [[...(affectedBy(model, node) || [])], viewOf(model, {{ limit: 300, around: {{ node, depth: 4, direction: "both" }} }}).items]);
            }})().then((made) => answer(JSON.stringify(made)), (error) => answer(error.stack));"""
        browser.driver.get("about:blank")
        value = json.dumps({"data": packed(made, Wish()), "nodes": nodes})
        theirs = json.loads(browser.driver.execute_async_script(program, value))
        mine = [
            [[list(pair) for pair in (affected_by(made, node) or {}).items()], view(made, Wish(around=Around(node, 4, "both"))).items]
            for node in nodes
        ]
        assert theirs == mine

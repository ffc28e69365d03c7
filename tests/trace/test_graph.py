"""The graph's closures equal those of a plain walk over the facts, in both directions."""

import pytest
from histories import history
from oracles import Facts
from prov_names import Names

from lineage.trace.graph import built
from lineage.trace.walks import future, past


def walked(graph, walk, number):
    return {graph.names[one] for one in walk(graph, graph.whole(number) if walk is future else [number])} - {graph.names[number]}


@pytest.mark.parametrize("seed", range(12))
def test_what_a_thing_came_from_is_what_the_facts_say(seed):
    told = history(seed, 50)
    facts, graph, name = Facts(told), built(told), Names(told).of
    keys = [
        *facts.counts,
        *facts.metrics,
        *(("file", one) for one in facts.adapters),
        *(("run", run.id) for one in told for run in one.activities),
    ]
    assert len(keys) > 50
    for key in keys:
        reached = facts.closure([key]) - {key}
        files = {("file", one[1]) for one in reached if one[0] == "slice"}
        expected = {name(one) for one in reached | files} - {name(key)}
        assert walked(graph, past, graph.index[name(key)]) == expected, key


@pytest.mark.parametrize("seed", range(12))
def test_what_came_from_a_thing_is_what_the_facts_say(seed):
    told = history(seed, 50)
    facts, graph, name = Facts(told), built(told), Names(told).of
    starts = [
        key
        for key in {*facts.sources, *(one for found in facts.sources.values() for one in found)}
        if key[0] not in ("metric", "sentinels", "doing")
    ]
    assert len({key[0] for key in starts}) > 8
    for key in starts:
        start = facts.parts_of(key)
        expected = {name(one) for one in facts.closure(start, back=False)} - {name(key)}
        assert walked(graph, future, graph.index[name(key)]) == expected, key

"""Named questions with their parameters filled in, over HTTP and on the page: looked up in the graph, bound as terms, and nothing else."""

import json
import shutil
from urllib.parse import quote, urlencode

import pytest
from server_data import HOSTILE
from test_served_pages import reader  # noqa: F401  # the same reader

BREAKOUTS = ['many.jsonl" } DROP ALL #', "> } ; SELECT * { ?s ?p ?o } #", "?x", "\\u0022 } #", HOSTILE, "a:b", "x" * 5000, "many.jsonl:3:4"]


def filled(client, name, **fields):
    status, _, text = client.get(f"/questions/{name}?{urlencode(fields)}")
    return (status, json.loads(text)) if status == 200 else (status, text)


def values(client, sparql):
    return [{name: term["value"] for name, term in row.items()} for row in json.loads(client.ask(sparql)[2])["results"]["bindings"]]


def test_a_question_is_filled_in_with_the_terms_that_a_value_stands_for(client):
    status, told = filled(client, "made-by", thing="many.jsonl")
    assert status == 200 and f"VALUES ?thing {{ <https://w3id.org/lineage-prov/id/{client.named('many.jsonl')}> }}" in told["sparql"]
    assert values(client, told["sparql"]) and told["sparql"].startswith("PREFIX ")
    _, sliced = filled(client, "made-by", thing="many.jsonl:3")
    assert "-slice-" in sliced["sparql"] and values(client, sliced["sparql"])


def test_a_time_is_a_term_of_its_type_and_an_empty_field_is_not_given(client):
    _, told = filled(client, "between", **{"from": "2020-01-31", "to": " "})
    assert (
        '"2020-01-31T00:00:00+00:00"^^<http://www.w3.org/2001/XMLSchema#dateTime>' in told["sparql"] and "VALUES ?to" not in told["sparql"]
    )
    status, text = filled(client, "between", **{"from": "yesterday"})
    assert status == 400 and "is no time" in text and "to do: write it as 2026-01-31" in text


@pytest.mark.parametrize("value", BREAKOUTS)
def test_no_value_becomes_part_of_the_query(client, value):
    status, text = filled(client, "made-by", thing=value)
    assert status in (400, 404) and "what:" in text and "\x1b" not in text


def test_a_string_of_a_question_of_the_users_own_is_the_string_that_was_given(client, tmp_path, monkeypatch):
    (tmp_path / "named.rq").write_text(
        "# What is called so.\n#\n# @param word string  the word\n# @example lineage ask named x\nSELECT ?word {}\n"
    )
    monkeypatch.setenv("LINEAGE_QUESTIONS", str(tmp_path))
    for value in [*BREAKOUTS[:5], "\\", '"""', "\\U0001F600", "a\u2028b"]:
        status, told = filled(client, "named", word=value)
        assert status == 200 and values(client, told["sparql"]) == [{"word": value.strip()}]


def test_what_is_on_the_disk_of_the_server_is_not_looked_at(client, artifacts, tmp_path):
    copy = tmp_path / "copy-of-it.jsonl"
    shutil.copy(artifacts / "many.jsonl", copy)
    answers = [filled(client, "made-by", thing=str(path)) for path in (copy, tmp_path / "no-such.jsonl")]
    assert [status for status, _ in answers] == [404, 404]
    changed = tmp_path / "few.jsonl"
    changed.write_text("other bytes")
    assert filled(client, "made-by", thing=str(changed)) == filled(client, "made-by", thing=f"{tmp_path}/no/few.jsonl")


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("made-by", 400, "it needs thing"),
        ("made-by?thing=many.jsonl&other=1", 400, "it has no parameter 'other'"),
        ("made-by?thing=many.jsonl&thing=few.jsonl", 400, "it is given twice"),
        ("made-bye?thing=many.jsonl", 404, "did you mean 'made-by'?"),
        (quote("../../pyproject", safe=""), 404, "no question is called"),
        ("", 404, "no question is called"),
    ],
)
def test_what_cannot_be_filled_in_is_told(client, path, status, word):
    answer, _, text = client.get(f"/questions/{path}")
    assert answer == status and word in text


@pytest.mark.browser
def test_the_page_has_a_field_for_each_parameter_and_says_which_are_needed(reader):  # noqa: F811
    browser = reader.browser
    reader.open("query")
    browser.click("[data-question=between]")
    fields = browser.all("#params input")
    assert [one.get_attribute("name") for one in fields] == ["from", "to"] and "(optional)" in browser.text("#params")
    assert not any(one.get_attribute("required") for one in fields)
    browser.click("[data-question=made-by]")
    field = browser.one("#params input")
    assert field.get_attribute("required") and "(needed)" in browser.text("#params") and "FILE:LINE" in field.get_attribute("placeholder")
    browser.click("#fill")
    assert browser.driver.execute_script("return document.activeElement.name") == "thing" and not browser.text("#result")
    browser.click("[data-question=sessions]")
    assert not browser.all("#params form")


@pytest.mark.browser
def test_what_is_filled_in_on_the_page_is_bound_and_asked(reader):  # noqa: F811
    browser = reader.browser
    reader.expected = ("404 (Not Found)",)
    reader.open("query")
    browser.click("[data-question=made-by]")
    browser.one("#params input").send_keys("many.jsonl\ue007")
    browser.wait("return document.querySelector('#result tbody')")
    assert "VALUES ?thing { <https://w3id.org/lineage-prov/id/file-sha256-" in browser.one("#query").get_attribute("value")
    assert reader.rows("#result")
    browser.one("#params input").clear()
    browser.one("#params input").send_keys('no"} <script>\ue007')
    browser.wait("return document.querySelector('#result [role=alert]')")
    assert "the graph knows no such file" in browser.text("#result")

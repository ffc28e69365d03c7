"""The explorer and the SPARQL page as a reader meets them, in a real Chromium, over a live folder with hostile text in it."""

import json
from urllib.parse import urlsplit

import pytest
from server_data import HOSTILE, generated

pytestmark = pytest.mark.browser


class Reader:
    """The browser at a server; at its end nothing was complained of and no other host was asked."""

    def __init__(self, browser, client):
        self.browser, self.client, self.expected = browser, client, ()

    def open(self, path):
        self.browser.driver.get("about:blank")
        self.browser.driver.get_log("performance")
        self.browser.driver.get_log("browser")
        self.browser.driver.get(self.client.server.address + path)
        self.browser.wait("return document.body && document.body.dataset.ready")

    def check(self):
        assert {urlsplit(address).netloc for address in self.browser.requests()} <= {f"127.0.0.1:{self.client.server.server_port}"}
        assert [one for one in self.browser.complaints() if not any(text in one for text in self.expected)] == []
        assert self.browser.driver.execute_script("return window.harmed") is None

    def rows(self, selector):
        return [row.text for row in self.browser.all(f"{selector} tbody tr")]

    def fill(self, query):
        field = self.browser.one("#query")
        field.clear()
        field.send_keys(query)
        self.browser.click("#run")


@pytest.fixture
def reader(browser, client):
    reader = Reader(browser, client)
    yield reader
    reader.check()
    browser.driver.get("about:blank")


def test_a_list_of_records_is_paged_in_the_details(reader):
    browser = reader.browser
    reader.open("")
    browser.search("many.jsonl")
    browser.click("[data-action=records]")
    browser.wait("return document.querySelector('.records tbody tr')")
    first = reader.rows(".records")
    assert len(first) == 50 and "question 0" in first[0] and "1–50 of 230" in browser.text(".records .pages")
    assert "<script>window.harmed" in first[2] and "seed 42" in first[2]
    for begin in (51, 101, 151, 201):
        browser.click("[data-action=records-next]")
        browser.wait(f"return document.querySelector('.records .pages').textContent.includes(' {begin}–')")
    last = reader.rows(".records")
    assert len(last) == 30 and "question 229" in last[-1] and browser.one("[data-action=records-next]").get_attribute("disabled")
    browser.click("[data-action=records-before]")
    browser.wait("return document.querySelector('.records .pages').textContent.includes(' 151–')")
    field = browser.one(".records .line")
    field.send_keys("77\ue007")
    browser.wait("return document.querySelector('.records .pages').textContent.includes(' 77–')")


def test_the_page_says_when_the_folder_has_changed_and_shows_it(browser, serve, tmp_path):
    generated(tmp_path / "artifacts", "first", "one.jsonl", [{"instruction": "1"}])
    reader = Reader(browser, serve(place=tmp_path / "artifacts"))
    reader.open("")
    browser.wait("return document.querySelector('#livebar') && document.querySelector('#livebar').dataset.is === 'live'")
    generated(tmp_path / "artifacts", "second", "two.jsonl", [{"instruction": "2"}])
    browser.driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")  # a reader comes back to the page
    browser.wait("return document.querySelector('[data-action=reload]')")
    browser.click("[data-action=reload]")
    browser.wait("return document.body && document.body.dataset.ready && document.body.textContent.includes('two.jsonl')")
    reader.check()
    browser.driver.get("about:blank")


def test_a_page_that_was_opened_in_the_background_says_when_the_folder_has_changed_since(browser, serve, tmp_path):
    generated(tmp_path / "artifacts", "first", "one.jsonl", [{"instruction": "1"}])
    reader, driver = Reader(browser, serve(place=tmp_path / "artifacts")), browser.driver
    hidden = "Object.defineProperty(document, 'hidden', { get: () => !window.seen });"
    added = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": hidden})
    try:
        reader.open("")
        generated(tmp_path / "artifacts", "second", "two.jsonl", [{"instruction": "2"}])
        driver.execute_script("window.seen = true; document.dispatchEvent(new Event('visibilitychange'))")
        browser.wait("return document.querySelector('[data-action=reload]')")
        reader.check()
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
        driver.get("about:blank")


def test_a_query_gives_a_table_whose_links_lead_to_the_explorer(reader):
    browser = reader.browser
    reader.open("query")
    assert browser.one("#query").get_attribute("value").startswith("PREFIX lin: <https://w3id.org/lineage-prov/ns#>\n")
    reader.fill("SELECT ?f ?path ?count { ?f a lin:RecordFile ; prov:atLocation ?path ; lin:count ?count } ORDER BY ?path")
    browser.wait("return document.querySelector('#result tbody')")
    assert [row.split()[1:] for row in reader.rows("#result")] == [["few.jsonl", "3"], ["many.jsonl", "230"]]
    browser.click("#result tbody tr:last-child a")
    browser.wait("return document.querySelector('#panel h2')")
    assert browser.text("#panel h2") == "many.jsonl"


def test_a_named_question_fills_the_field_and_runs(reader):
    browser = reader.browser
    reader.open("query")
    browser.one("#find").send_keys("loader quantization")
    names = [one.get_attribute("data-question") for one in browser.all("#questions button")]
    assert "records-by-loader" in names and "who" not in names
    browser.click("[data-question=records-by-loader]")
    assert "PREFIX lin:" in browser.one("#query").get_attribute("value")
    browser.click("#run")
    browser.wait("return document.querySelector('#result tbody')")
    assert "233" in reader.rows("#result")[0]


def test_every_named_question_can_be_run_as_it_is_filled_in(client):
    told = client.json("/questions")
    answers = {one["name"]: client.ask(one["sparql"])[0] for one in told["questions"]}
    assert len(answers) >= 33 and set(answers.values()) == {200}


def test_hostile_text_and_mistakes_are_shown_as_text(reader):
    browser = reader.browser
    reader.expected = ("400 (Bad Request)", "403 (Forbidden)")  # Chromium's own word on a refusal
    reader.open("query")
    reader.fill("SELECT ?title { ?s a lin:Session ; rdfs:label ?title } ORDER BY ?title")
    browser.wait("return document.querySelector('#result tbody')")
    assert HOSTILE.split("\u202e")[0] in reader.rows("#result")[0] and "\u202e" not in reader.rows("#result")[0]
    for query, word in (("SELECT * { ?s <script> }", "query:1:"), ("DROP ALL", "would change the graph")):
        reader.fill(query)
        browser.wait(f"return document.querySelector('#result').textContent.includes({json.dumps(word)})")
        assert browser.all("#result [role=alert]")
        assert browser.one("#save").get_attribute("disabled")


def test_other_forms_are_shown_and_saved_and_the_address_brings_the_query_back(reader):
    browser = reader.browser
    reader.open("query")
    browser.driver.execute_script("document.getElementById('format').value = 'text/csv'")
    reader.fill("SELECT ?path { ?f a lin:RecordFile ; prov:atLocation ?path } ORDER BY ?path")
    browser.wait("return document.querySelector('#result pre')")
    assert browser.text("#result pre").split() == ["path", "few.jsonl", "many.jsonl"]
    for path in browser.downloads.iterdir():
        path.unlink()
    browser.click("#save")
    assert browser.saved(".csv").split() == ["path", "few.jsonl", "many.jsonl"]
    browser.driver.refresh()
    browser.wait("return document.body && document.body.dataset.ready")
    assert browser.one("#query").get_attribute("value").startswith("SELECT ?path {")


def test_the_policy_of_each_page_stops_a_script_that_is_put_into_it(reader):
    browser = reader.browser
    reader.expected = ("Content Security Policy", "Executing inline script violates")
    for path in ("", "query"):
        reader.open(path)
        browser.driver.execute_script(
            "const s = document.createElement('script'); s.textContent = 'window.harmed = 1'; document.body.append(s);"
        )
        assert browser.driver.execute_script("return window.harmed") is None and len(browser.complaints()) == 1
        asked = browser.driver.execute_async_script(
            f"const done = arguments[0]; fetch('http://127.0.0.1:9/x').then(() => done('sent'), (error) => done(error.name)); // {json.dumps(path)}"
        )
        assert asked == "TypeError" and "Content Security Policy" in " ".join(browser.complaints())

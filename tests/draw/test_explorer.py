"""The explorer in a real browser: what a reader does, and what a hostile file tries."""

import csv
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

import pytest
from histories import history

from lineage.cli import main
from lineage.draw import model
from lineage.draw.packed import packed
from lineage.draw.page import live_page, page
from lineage.draw.view import Wish
from lineage.export import combined_document
from lineage.findings import Finding
from lineage.prov.document import Document
from lineage.prov.statement import Name, literal, statement
from lineage.prov.terms import ACTIVITY, ENTITY, GENERATION, PROV, START, USAGE

pytestmark = pytest.mark.browser
EX = "http://example.org/"
ENTER, ESCAPE, RIGHT, LEFT = "\ue007", "\ue00c", "\ue014", "\ue012"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages of histories of 3, 12 and 90 sessions, and of a folder."""
    base = tmp_path_factory.mktemp("pages")
    for n in (3, 12, 90):
        (base / f"{n}.html").write_bytes(page(model(combined_document(history(5, sessions=n))[0].read())))
    (base / "artifacts").mkdir()
    history(5, sessions=4, folder=base / "artifacts")
    assert main(["draw", str(base / "artifacts"), "-o", str(base / "folder.html"), "--legacy"]) == 0
    return base


def test_a_page_opens_from_the_disk_and_draws_at_once(explorer, pages):
    explorer.open(pages / "12.html")
    assert len(explorer.boxes()) > 10 and "Not drawn:" in explorer.text("#status") and explorer.all("#world .edge")


def test_what_is_searched_for_is_selected_and_told_of(explorer, pages):
    explorer.open(pages / "12.html")
    explorer.search("sft_training_data")
    assert explorer.text("#panel h2").startswith("sft_training_data") and "lin:sha256" in explorer.text("#panel")
    assert len(explorer.all("#world .box.first")) == 1


def test_a_click_selects_and_a_click_on_nothing_lets_go(explorer, pages):
    explorer.open(pages / "3.html")
    explorer.click("#fit")
    explorer.click("#world .box")
    assert explorer.all("#world .box.first") and explorer.text("#panel h2")
    explorer.press(ESCAPE)
    assert not explorer.all("#world .box.first")


def test_an_opened_session_shows_what_is_inside_and_nothing_jumps(explorer, pages):
    explorer.open(pages / "90.html")
    before = explorer.places()
    explorer.click("#side .sessions .toggle")
    after = explorer.places()
    assert len(after) > len(before) and explorer.all("#world [data-frame]")
    stayed = [key for key in before if key in after]
    assert len(stayed) >= len(before) - 1 and [key for key in stayed if before[key] != after[key]] == []
    explorer.click("#side .sessions .toggle")
    assert explorer.places() == before


def test_members_of_a_file_of_records_are_shown_with_what_they_say_of_themselves(explorer, pages):
    explorer.open(pages / "folder.html")
    explorer.search("sft_training_data")
    explorer.click("#panel [data-action=members]")
    members = explorer.all("#world [data-key*=slice]")
    assert members
    members[0].click()
    assert "WHAT ITS RECORDS SAY OF THEMSELVES" in explorer.text("#panel") and '"provenance"' in explorer.text("#panel pre")


def test_sources_are_drawn_to_a_depth_and_stand_in_a_table(explorer, pages):
    explorer.open(pages / "12.html")
    explorer.search("evaluation_")
    explorer.click("#panel [data-action=sources]")
    assert "Sources of" in explorer.text("#trail")
    whole = len(explorer.boxes())
    explorer.driver.execute_script("const s = document.getElementById('focus-depth'); s.value = '1'; s.dispatchEvent(new Event('change'));")
    assert 1 < len(explorer.boxes()) < whole
    explorer.click("#tab-sources")
    assert len(explorer.all("#panel tbody tr")) >= whole - 1


def test_a_link_in_the_panel_leads_to_the_other_thing(explorer, pages):
    explorer.open(pages / "3.html")
    explorer.search("generate")
    first = explorer.text("#panel h2")
    link = explorer.one("#panel .paged .thing")
    wanted = link.text
    link.click()
    assert explorer.text("#panel h2") == wanted != first


def test_a_file_of_the_folder_is_a_link_to_it(explorer, pages):
    explorer.open(pages / "folder.html")
    explorer.search("sft_training_data")
    address = explorer.one("#panel .facts a").get_attribute("href")
    assert address.startswith((pages / "artifacts").absolute().as_uri())


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "activity"), ("type", "Generation"), ("from", "2025-09-22"), ("quantization", "nf4"), ("loader", None)]
)
def test_a_filter_leaves_what_fits_and_is_taken_back(explorer, pages, field, value):
    explorer.open(pages / "12.html")
    before = set(explorer.boxes())
    script = """const field = document.getElementById(arguments[0]); field.value = arguments[1] ?? field.options[1].value;
        field.dispatchEvent(new Event('change'));"""
    explorer.driver.execute_script(script, f"filter-{field}", value)
    left = set(explorer.boxes())
    assert left and left < before
    explorer.click("#side [data-action=all]")
    assert set(explorer.boxes()) == before


def test_two_selections_are_compared_and_the_way_between_them_is_shown(explorer, pages):
    explorer.open(pages / "3.html")
    explorer.search("sft_training_data")
    explorer.click("#panel [data-action=pick]")
    explorer.search("load ")
    told = explorer.text("#panel")
    assert "THE WAY BETWEEN THEM" in told and "WHAT DIFFERS" in told and len(explorer.all("#world .box.marked")) >= 2


def test_every_thing_and_relation_is_reached_by_keys(explorer, pages):
    explorer.open(pages / "3.html")
    explorer.driver.execute_script("document.querySelector('#world .box[tabindex=\"0\"]').focus()")
    focused = "return document.activeElement.dataset.key"
    first, visited = explorer.driver.execute_script(focused), set()
    for key in (RIGHT, LEFT):
        explorer.press(key)
        visited.add(explorer.driver.execute_script(focused))
    assert visited - {first}
    for _ in explorer.boxes():
        explorer.press("]")
        visited.add(explorer.driver.execute_script(focused))
    assert visited == set(explorer.boxes())
    explorer.press("r")
    assert "THE WAY BETWEEN THEM" in explorer.text("#panel")
    explorer.press("t")
    things, relations = explorer.all("#tables section")
    assert len(things.find_elements("css selector", "tbody tr")) == len(explorer.boxes())
    assert len(relations.find_elements("css selector", "tbody tr button")) >= 3 * len(explorer.all("#world .edge"))


def test_the_address_restores_what_was_seen(explorer, pages):
    explorer.open(pages / "90.html")
    explorer.click("#side .sessions .toggle")
    explorer.search("generate")
    explorer.click("#show-agents")
    explorer.click("#theme")
    explorer.wait("return location.hash.includes('step=') && location.hash.includes('agents=1')")
    seen = (explorer.places(), explorer.text("#panel"), explorer.driver.execute_script("return document.documentElement.dataset.theme"))
    fragment = explorer.driver.execute_script("return location.hash")
    explorer.open(pages / "90.html", fragment)
    assert (
        explorer.places(),
        explorer.text("#panel"),
        explorer.driver.execute_script("return document.documentElement.dataset.theme"),
    ) == seen


@pytest.mark.parametrize(
    "fragment",
    ["#step=+nothing&select=x&around=%00&depth=-1&camera=NaN,1,2", "#select=__proto__&other=constructor&step=*", "#%%%&tab=<script>"],
)
def test_an_address_that_means_nothing_is_the_first_picture(explorer, pages, fragment):
    explorer.open(pages / "3.html")
    first = explorer.places()
    explorer.open(pages / "3.html", fragment)
    assert explorer.places() == first


def test_the_picture_is_saved_as_svg_and_as_csv(explorer, pages):
    explorer.open(pages / "12.html")
    count, edges = len(explorer.boxes()), len(explorer.all("#world .edge"))
    explorer.click("#save-svg")
    root = ElementTree.fromstring(explorer.saved(".svg"))
    things = [element for element in root.iter() if "data-prov" in element.attrib]
    assert len(things) == count and {"title", "desc"} <= {element.tag.rpartition("}")[2] for element in root}
    explorer.click("#save-csv")
    rows = list(csv.reader(io.StringIO(explorer.saved(".csv"))))
    assert [row[0] for row in rows].count("thing") == count and [row[0] for row in rows].count("relation") >= edges


def test_a_finding_inside_of_a_closed_session_stands_on_the_session(explorer, tmp_path):
    document = combined_document(history(5, sessions=40))[0].read()
    made = model(document)
    inside = next(node for node in made.nodes if node.type == "RecordFile" and node.group is not None)
    (tmp_path / "c.html").write_bytes(page(model(document, findings=[Finding(inside.label, 1, "not-json", "it is torn")])))
    explorer.open(tmp_path / "c.html")
    badges = explorer.all("#world .badge")
    assert len(badges) == 1 and "it is torn" not in explorer.text("#panel")
    assert "1 finding" in explorer.one("#world .box:has(.badge)").get_attribute("aria-label")
    explorer.search(made.groups[inside.group].label)
    assert "it is torn" in explorer.text("#panel .problem")


def test_a_finding_stands_on_the_thing_that_it_concerns(explorer, tmp_path):
    e = Name(EX + "data")
    document = Document({}, [statement(ENTITY, e, attributes=[(Name(PROV + "location"), literal("data.jsonl"))])])
    found = [Finding("data.jsonl", 3, "not-json", "the line is not JSON"), Finding("other.jsonl", None, "missing-file", "it is gone")]
    (tmp_path / "f.html").write_bytes(page(model(document, findings=found)))
    explorer.open(tmp_path / "f.html")
    assert explorer.text("#world .badge") == "1"
    explorer.click("#world .box")
    assert "data.jsonl:3: the line is not JSON" in explorer.text("#panel .problem")
    explorer.click("#tab-findings")
    assert len(explorer.all("#panel tbody tr")) == 2


HOSTILE = [
    "</script><script>window.harmed=1</script>",
    '"><img src=x onerror="window.harmed=1">',
    "<svg onload=window.harmed=1>",
    "javascript:window.harmed=1",
    "\u202egnp.exe\u202c \u2066x\u2069 \x00\x07",
    "{{constructor.constructor('window.harmed=1')()}}",
    "x" * 10_000,
    "=HYPERLINK(1)",
    "<!--<script>",
    "__proto__",
    "\ud83d\ude00é\u0301ก็ ",
]


def test_hostile_names_are_text_and_nothing_else(explorer, tmp_path):
    told = []
    for n, text in enumerate(HOSTILE):
        thing, run = Name(f"{EX}e{n}"), Name(f"{EX}a{n}")
        about = [(Name(PROV + "label"), literal(text)), (Name(PROV + "location"), literal(text)), (Name(EX + "note"), literal(text))]
        told += [statement(ENTITY, thing, attributes=about), statement(ACTIVITY, run, attributes=about)]
        told += [
            statement(GENERATION, None, thing, run, attributes=about[2:]),
            statement(USAGE, None, run, Name("javascript:window.harmed=2")),
        ]
    made = model(
        Document({}, told),
        findings=[Finding(text, None, "not-json", text) for text in HOSTILE],
        links={f"{EX}e3": "javascript:window.harmed=3"},
    )
    (tmp_path / "h.html").write_bytes(page(made))
    explorer.open(tmp_path / "h.html")
    keys = explorer.boxes()
    assert len(keys) == 2 * len(HOSTILE) + 1
    for key in keys:
        explorer.driver.execute_script(
            "[...document.querySelectorAll('#world .box')].find((box) => box.dataset.key === arguments[0]).dispatchEvent(new MouseEvent('click', {bubbles: true}))",
            key,
        )
        for link in explorer.all("#panel a"):
            assert link.get_attribute("href").startswith(EX)
    for tab in ("sources", "consequences", "compare", "findings"):
        explorer.click(f"#tab-{tab}")
    explorer.click("#save-svg")
    assert ElementTree.fromstring(explorer.saved(".svg")) is not None
    explorer.click("#save-csv")
    assert "'=HYPERLINK(1)" in explorer.saved(".csv")
    explorer.click("#as-table")
    assert explorer.driver.execute_script("return window.harmed") is None and not explorer.all("img, #app script, iframe, object, embed")
    assert "\u202e" not in explorer.driver.execute_script("return document.body.innerText")


def test_a_session_of_a_million_records_is_as_small_as_one_of_ten(tmp_path):
    sizes = [len(page(model(combined_document(history(5, sessions=1, most=most))[0].read()))) for most in (10, 1_000_000)]
    assert abs(sizes[0] - sizes[1]) < 2_000


def test_twenty_thousand_things_are_a_page_of_less_than_a_megabyte_that_opens_with_few_boxes(explorer, tmp_path):
    made = model(combined_document(history(7, sessions=2090))[0].read())
    data = page(made, Wish())
    assert len(made.nodes) >= 20_000 and len(data) < 1_000_000
    (tmp_path / "big.html").write_bytes(data)
    explorer.open(tmp_path / "big.html")
    assert 10 < len(explorer.boxes()) <= 300 and "earlier sessions" in explorer.one("#world").get_attribute("textContent")


def test_the_page_follows_the_theme_of_the_system_and_a_choice_against_it(explorer, pages):
    explorer.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    try:
        explorer.open(pages / "3.html")
        grounds = [explorer.one("body").value_of_css_property("background-color")]
        explorer.click("#theme")
        grounds.append(explorer.one("body").value_of_css_property("background-color"))
        assert grounds == ["rgba(18, 22, 28, 1)", "rgba(255, 255, 255, 1)"]
    finally:
        explorer.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_same_page_shows_what_a_server_gives_it(browser):
    made = model(combined_document(history(5, sessions=3))[0].read())
    answers = {"/": ("text/html", live_page("live", "/model")), "/model": ("application/json", json.dumps(packed(made, Wish())).encode())}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            kind, body = answers.get(self.path, ("text/plain", b""))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.driver.get(f"http://127.0.0.1:{server.server_port}/")
        browser.wait("return document.body && document.body.dataset.ready")
        assert len(browser.boxes()) > 3
        browser.driver.get("about:blank")
        server.shutdown()


def test_the_page_of_a_record_shows_its_sources_at_first(explorer, pages):
    path = next(path for path in sorted((pages / "artifacts").glob("sft_training_data*.jsonl")))
    assert main(["draw", f"{path}:1", "-o", str(pages / "record.html"), "--legacy"]) == 0
    explorer.open(pages / "record.html")
    assert explorer.text("#trail") == "Sources of record 1" and "generate" in explorer.one("#world").get_attribute("textContent")
    explorer.click("#side [data-action=whole]")
    assert explorer.text("#trail") == ""


def test_ids_that_end_alike_are_told_apart(explorer, tmp_path):
    told = [
        statement(ENTITY, Name(f"http://{host}.example/same"), attributes=[(Name(PROV + "label"), literal(host))])
        for host in ("one", "two")
    ]
    (tmp_path / "t.html").write_bytes(page(model(Document({}, told))))
    explorer.open(tmp_path / "t.html")
    for host in ("one", "two"):
        explorer.search(host)
        assert explorer.text("#panel h2") == host and f"http://{host}.example/same" in explorer.text("#panel")


def test_a_script_that_is_put_into_the_page_does_not_run(browser, pages, tmp_path):
    text = (pages / "3.html").read_text(encoding="utf-8")
    for put in (
        "<script>window.harmed = 1</script>",
        '<img src="x" onerror="window.harmed = 1">',
        '<script src="http://127.0.0.1/x.js"></script>',
    ):
        (tmp_path / "put.html").write_text(text.replace("<body>", f"<body>{put}"), encoding="utf-8")
        browser.open(tmp_path / "put.html")
        assert browser.driver.execute_script("return window.harmed") is None and browser.complaints() and browser.boxes()


def test_a_page_that_cannot_be_read_says_so(browser, pages, tmp_path):
    text = (pages / "3.html").read_text(encoding="utf-8")
    (tmp_path / "torn.html").write_text(text.replace('"version":2', '"version":99'), encoding="utf-8")
    browser.driver.get((tmp_path / "torn.html").as_uri())
    browser.wait("return document.querySelector('[role=alert]')")
    assert "this page reads version 2 of the data, not 99" in browser.text("[role=alert]")
    browser.complaints()


def test_back_leads_to_what_was_drawn_before_and_not_out_of_the_page(explorer, pages):
    explorer.open(pages / "12.html")
    first = explorer.boxes()
    explorer.search("sft_training_data")
    explorer.click("#panel [data-action=sources]")
    around = explorer.boxes()
    assert around != first
    explorer.driver.back()
    explorer.wait("return !document.querySelector('#side .focus')")
    assert sorted(explorer.boxes()) == sorted(first) and explorer.text("#panel h2").startswith("sft_training_data")
    explorer.driver.forward()
    explorer.wait("return document.querySelector('#side .focus')")
    assert sorted(explorer.boxes()) == sorted(around)


def test_what_is_printed_is_the_whole_picture_on_white(explorer, pages):
    explorer.open(pages / "90.html", "#theme=dark")
    cut = """const all = document.getElementById('picture').getBoundingClientRect();
        return [...document.querySelectorAll('#world .box')].filter((box) => {
            const one = box.getBoundingClientRect();
            return one.left < all.left || one.right > all.right || one.top < all.top || one.bottom > all.bottom;
        }).length;"""
    assert explorer.driver.execute_script(cut) > 0
    explorer.driver.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert explorer.driver.execute_script(cut) == 0
    assert explorer.driver.execute_script("return document.documentElement.dataset.theme") == "light"
    explorer.driver.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert explorer.driver.execute_script("return document.documentElement.dataset.theme") == "dark"


def test_the_search_field_says_which_hit_is_chosen_and_its_list_holds_options_only(explorer, pages):
    explorer.open(pages / "90.html")
    explorer.one("#search").send_keys("e\ue015")
    chosen = explorer.one("#search").get_attribute("aria-activedescendant")
    assert chosen == "hit-1" and explorer.one(f"#{chosen}").get_attribute("aria-selected") == "true"
    roles = explorer.driver.execute_script(
        "return [...new Set([...document.querySelectorAll('#hits > *')].map((one) => one.getAttribute('role')))]"
    )
    assert roles == ["option"] and "more" in explorer.all("#hits > *")[-1].text


def test_a_session_with_a_name_of_many_lines_leaves_room_for_the_others(explorer, tmp_path):
    session = (Name(PROV + "type"), Name("https://w3id.org/lineage-prov/ns#Session"))
    labels = {"a": "long " * 800, "b": "short"}
    told = [
        statement(ACTIVITY, Name(EX + key), attributes=[session, (Name(PROV + "label"), literal(label))]) for key, label in labels.items()
    ]
    for key in labels:
        told += [statement(ACTIVITY, Name(f"{EX}{key}1")), statement(START, None, Name(f"{EX}{key}1"), None, Name(EX + key))]
    (tmp_path / "long.html").write_bytes(page(model(Document({}, told))))
    explorer.open(tmp_path / "long.html")
    heights = [one.size["height"] for one in explorer.all("#side .sessions .thing")]
    assert len(heights) == 2 and max(heights) < 80


def test_a_narrow_window_shows_the_whole_title_and_nothing_is_beside_it(explorer, pages):
    explorer.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        explorer.open(pages / "folder.html")
        explorer.driver.execute_script("document.querySelector('h1').textContent = 'a title of several words'")
        assert explorer.driver.execute_script(
            "const one = document.querySelector('h1'); return [one.scrollWidth - one.clientWidth, document.documentElement.scrollWidth]"
        ) == [0, 390]
    finally:
        explorer.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_picture_of_nothing_has_a_place_and_says_so(explorer, pages, tmp_path):
    (tmp_path / "none.html").write_bytes(page(model(Document({}, []))))
    explorer.open(tmp_path / "none.html")
    assert explorer.text("#status") == "Nothing is recorded here."
    explorer.open(pages / "12.html", "#from=2099-01-01")
    assert not explorer.boxes() and "Not drawn:" in explorer.text("#status")
    for tool in ("fit", "zoom-in", "save-svg"):
        explorer.click(f"#{tool}")
    assert "NaN" not in (saved := explorer.saved(".svg")) and "Infinity" not in saved

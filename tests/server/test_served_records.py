"""`/records/ID`: pages that begin after a line, of files that are good, packed, altered, broken or elsewhere."""

import gzip
import json

import pytest
from server_data import HOSTILE, RECORDS, generated, write

from lineage.integrity import index
from lineage.server import records


def lines(page):
    return [row["line"] for row in page["rows"]]


def test_pages_after_each_other_are_all_lines_once(client):
    name, after, seen = client.named("many.jsonl"), 0, []
    while after is not None:
        page = client.json(f"/records/{name}?after={after}&limit=100")
        seen += lines(page)
        after = page["next"]
    assert seen == list(range(1, RECORDS + 1)) and page["lines"] == RECORDS and page["file"] == "many.jsonl"


def test_a_row_tells_what_the_record_says_of_itself(client):
    page = client.json(f"/records/{client.named('many.jsonl')}?after=2&limit=1")
    (row,) = page["rows"]
    assert (row["line"], row["seed"], row["problem"], len(row["run"])) == (3, 42, None, 32) and row["time"].startswith("20")
    assert json.loads(row["preview"])["instruction"] == HOSTILE and "metadata" not in row["preview"]


@pytest.mark.parametrize("asked", ["after=-1", "after=x", "limit=1e3", "after=%C2%B2", "after=99999999999999999999"])
def test_what_is_no_number_is_refused(client, asked):
    status, _, text = client.get(f"/records/{client.named('many.jsonl')}?{asked}")
    assert status == 400 and "is no number" in text


def test_a_page_behind_the_end_is_empty_and_a_large_one_is_cut(client):
    name = client.named("many.jsonl")
    assert client.json(f"/records/{name}?after=230") | {"file": ""} == {"after": 230, "next": None, "lines": 230, "rows": [], "file": ""}
    assert client.json(f"/records/{name}?after=4000000000000000000")["rows"] == []
    assert len(client.json(f"/records/{name}?limit=100000")["rows"]) == RECORDS
    assert len(client.json(f"/records/{name}?limit=0")["rows"]) == 1


def test_the_last_page_of_a_large_file_reads_no_more_than_the_first(tmp_path, monkeypatch):
    path = tmp_path / "large.jsonl"
    write(path, ({"n": n} for n in range(20_000)))
    index.build(path)
    monkeypatch.setattr(records, "text_of", None)  # reading from the beginning would need it
    assert lines(records.page(path, 19_990, 100)) == list(range(19_991, 20_001))


@pytest.mark.parametrize("kind", ["packed", "no sidecar", "altered"])
def test_a_file_without_a_good_sidecar_is_paged_all_the_same(tmp_path, kind):
    path = tmp_path / ("f.jsonl.gz" if kind == "packed" else "f.jsonl")
    text = "".join(json.dumps({"n": n, "metadata": {"run_id": f"{n:032x}", "record_index": n}}) + "\n" for n in range(50))
    path.write_bytes(gzip.compress(text.encode()) if kind == "packed" else text.encode())
    if kind == "altered":
        index.build(path)
        path.write_text(text.replace('"n": 30,', '"n": 99,'))
    page = records.page(path, 29, 10)
    assert lines(page) == list(range(30, 40)) and page["next"] == 39
    assert json.loads(page["rows"][1]["preview"])["n"] == (99 if kind == "altered" else 30) and page["rows"][1]["run"] == f"{30:032x}"


def test_lines_that_are_no_records_are_shown_with_the_reason(tmp_path):
    path = tmp_path / "broken.jsonl"
    path.write_bytes(
        b'{"a": 1}\n\n[1]\nnot json\n\xff\xfe\n{"metadata": 7}\n{"metadata": {"provenance": {"model_name": 1}, "run_id": {"x": [1]}, "timestamp": 5}}\n{"b": "'
        + b"x" * (2 << 20)
        + b'"}\n{"cut'
    )
    rows = records.page(path)["rows"]
    assert [row["line"] for row in rows if row["problem"]] == [2, 3, 4, 5, 8, 9]
    assert rows[6]["run"] == '{"x": [1]}' and rows[7]["preview"] == "" and len(json.dumps(rows)) < 5000


def test_a_damaged_packed_file_is_refused_with_its_reason(tmp_path):
    path = tmp_path / "f.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:-20])
    with pytest.raises(records.UsageError, match="cannot be unpacked"):
        records.page(path, 0, 2000)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(serve, tmp_path):
    folder = tmp_path / "artifacts"
    generated(folder, "one", "one.jsonl", [{"instruction": "inside"}])
    client = serve(place=folder)
    name = client.named("one.jsonl")
    assert len(client.json(f"/records/{name}")["rows"]) == 1
    (tmp_path / "secret.jsonl").write_bytes((folder / "one.jsonl").read_bytes())
    (folder / "one.jsonl").unlink()
    (folder / "one.jsonl").symlink_to(tmp_path / "secret.jsonl")
    status, _, text = client.get(f"/records/{name}")
    assert status == 404 and "inside" not in text


def test_a_link_that_is_put_there_between_two_looks_is_not_followed(serve, tmp_path):
    folder = tmp_path / "artifacts"
    generated(folder, "one", "one.jsonl", [{"instruction": "inside"}])
    client = serve(place=folder)
    live, name = client.server._application.live, client.named("one.jsonl")
    seen = live.explorer()
    live.explorer = lambda: seen  # what was known before the link
    (tmp_path / "secret.jsonl").write_text("{}\n")
    (folder / "one.jsonl").unlink()
    (folder / "one.jsonl").symlink_to(tmp_path / "secret.jsonl")
    assert client.get(f"/records/{name}")[0] == 404

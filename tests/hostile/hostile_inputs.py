"""Hostile input, each as a function that writes it into a new folder.

FOLDERS holds artifacts folders, DOCUMENTS holds PROV files. None takes more than a second to write, and
none takes more than 64 MiB of the disk.
"""

import gzip
import json
import os
from pathlib import Path

import handmade
import zstandard

FOLDERS = {}
DOCUMENTS = {}
DIGITS = 10**6
MANY_KEYS = 40_000
MANY_FILES = 20_000
MANIFEST = "session_manifest_x.json"
JOURNAL = "session_journal_x_1-a.jsonl"
RECORD = {"response": "a", "metadata": {"run_id": "r", "generation_params": {"seed": 1}}}


def _folder(write):
    FOLDERS[write.__name__.replace("_", "-")] = write
    return write


def _document(suffix):
    def registered(write):
        DOCUMENTS[write.__name__.replace("_", "-")] = (suffix, write)
        return write

    return registered


def _artifacts(*entries):
    return {"session_id": "x", "artifacts_generated": list(entries)}


def _manifest(folder, value):
    (folder / MANIFEST).write_text(value if isinstance(value, str) else json.dumps(value))


def _records(folder, *lines):
    text = b"".join((line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass")) + b"\n" for line in lines)
    (folder / "data.jsonl").write_bytes(text)


def _sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)


def _many_keys(count=MANY_KEYS):
    return "{" + ",".join(f'"k{n}":1' for n in range(count)) + ',"k0":2}'


def _nested(depth, opening="[", closing="]"):
    return opening * depth + closing * depth


# --- records


@_folder
def one_duplicate_key_among_many(folder):
    _records(folder, _many_keys())


@_folder
def every_key_twice(folder):
    pairs = ",".join(f'"k{n}":1' for n in range(MANY_KEYS // 2))
    _records(folder, f"{{{pairs},{pairs}}}")


@_folder
def duplicate_keys_in_many_objects(folder):
    _records(folder, '{"a":[' + ",".join(['{"k":1,"k":2}'] * 20_000) + "]}")


@_folder
def a_number_of_a_million_digits(folder):
    _records(folder, '{"metadata":{"seed":' + "9" * DIGITS + "}}")


@_folder
def a_fraction_of_a_million_digits(folder):
    _records(folder, '{"metadata":{"temperature":0.' + "1" * DIGITS + "}}")


@_folder
def a_huge_exponent(folder):
    _records(folder, '{"metadata":{"temperature":1e999999999,"top_p":1e-999999999,"x":-1e400}}')


@_folder
def deep_objects(folder):
    _records(folder, '{"a":' * 100_000 + "1" + "}" * 100_000)


@_folder
def deep_arrays(folder):
    _records(folder, '{"metadata":' + _nested(500_000) + "}")


@_folder
def brackets_that_never_close(folder):
    _records(folder, "[" * 2_000_000)


@_folder
def a_string_of_many_megabytes(folder):
    _records(folder, '{"response":"' + "a" * (20 << 20) + '"}')


@_folder
def a_string_of_escapes(folder):
    _records(folder, '{"response":"' + "\\u0041" * 500_000 + '","response":"b"}')


@_folder
def a_line_without_an_end(folder):
    _sparse(folder / "data.jsonl", 40 << 20)


@_folder
def nul_bytes(folder):
    _records(folder, b"\0" * 1000, b'{"a\0b":"\0"}', b'{"metadata":{"\\u0000":"\\u0000"}}')


@_folder
def halves_of_letters(folder):
    _records(folder, '{"metadata":{"run_id":"\\ud800","\\udfff":"\\ud800\\ud800"}}', '{"a":"\ud800"}')


@_folder
def not_utf8(folder):
    _records(folder, b'{"a":"\xff\xfe\x80"}', b"\xc0\xaf", b'{"\xed\xa0\x80":1}')


@_folder
def utf16_with_a_mark(folder):
    (folder / "data.jsonl").write_bytes(json.dumps(RECORD).encode("utf-16") * 3)


@_folder
def marks_of_byte_order(folder):
    _records(folder, *["\ufeff" + json.dumps(RECORD)] * 3, "\ufeff", "\ufeff\ufeff{}")


@_folder
def line_ends_of_every_kind(folder):
    text = json.dumps(RECORD)
    (folder / "data.jsonl").write_text("\r".join([text] * 50) + "\u2028".join([text] * 50) + "\x85" + "\r\n\n\n\r\n", newline="")


@_folder
def timestamps_out_of_range(folder):
    times = ["0000-00-00T00:00:00Z", "99999-01-01T00:00:00Z", "-4000-01-01", "2025-02-30T25:61:61+99:99", "9" * 5000, "", "\0"]
    records = [{**RECORD, "metadata": {**RECORD["metadata"], "timestamp": time}} for time in [*times, 1e300, -1, None, [], {}]]
    _records(folder, *map(json.dumps, records))


@_folder
def a_configuration_for_each_record(folder):
    _records(folder, *(json.dumps({"metadata": {"run_id": f"r{n}", "generation_params": {"x": n}}}) for n in range(4000)))


@_folder
def metadata_of_every_shape(folder):
    shapes = [None, 1, "a", [], [[]], {"provenance": []}, {"provenance": {"model_name": {}}}, {"generation_params": 1}, {"run_id": {}}]
    _records(folder, *(json.dumps({"metadata": shape}) for shape in shapes), "1", "null", '"a"', "[]", "{}")


@_folder
def a_gzip_bomb(folder):
    with gzip.open(folder / "data.jsonl.gz", "wb", 1) as file:
        for _ in range(300):
            file.write(bytes(1 << 20))


@_folder
def a_gzip_bomb_of_lines(folder):
    (folder / "data.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 5_000_000, 9))


@_folder
def a_zstandard_bomb(folder):
    block = zstandard.ZstdCompressor(level=3).compress(b"\0" * (64 << 20))
    (folder / "data.jsonl.zst").write_bytes(block * 6)


@_folder
def a_bomb_inside_a_bomb(folder):
    (folder / "data.jsonl.gz").write_bytes(gzip.compress(gzip.compress(b"a" * (64 << 20))))


@_folder
def packed_files_that_are_none(folder):
    (folder / "a.jsonl.gz").write_bytes(b"\x1f\x8b\x08\xff" + b"\xff" * 5000)
    (folder / "b.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"\xff" * 5000)
    (folder / "c.jsonl.gz").write_bytes(b"")
    (folder / "d.jsonl.gz").write_bytes(gzip.compress(b'{"a":1}\n' * 1000)[:-9])


# --- manifests, reports, journals


@_folder
def a_manifest_of_many_artifacts(folder):
    _manifest(folder, _artifacts(*({"file": f"f{n}.jsonl", "type": "training_data"} for n in range(2_000))))


@_folder
def a_manifest_of_paths_that_lead_out(folder):
    names = ["../../../etc/passwd", "/etc/passwd", "/dev/zero", "/dev/stdin", "..", ".", "", "/", "a/../..", "\0", "\ud800", "a" * 5000]
    names += ["a/" * 2000 + "b", "file:///etc/passwd", "C:\\Windows\\win.ini", "\\\\host\\share", "~/.ssh/id_rsa", "$(id)", "a\nb"]
    _manifest(folder, _artifacts(*({"file": name, "type": "training_data", "count": 1} for name in names)))


@_folder
def a_manifest_with_a_duplicate_key(folder):
    _manifest(folder, _many_keys())


@_folder
def a_manifest_of_deep_parameters(folder):
    _manifest(folder, '{"session_id":"x","activities":[{"id":"a","type":"generation","params":' + _nested(100_000) + "}]}")


@_folder
def a_manifest_of_a_million_digits(folder):
    digits = "9" * DIGITS
    _manifest(folder, f'{{"session_id":"x","artifacts_generated":[{{"file":"a","type":"model","count":{digits},"bytes":{digits}}}]}}')


@_folder
def a_manifest_of_ranges_without_an_end(folder):
    part = {"lines": [[1, 10**18], [5, 1], [-3, 10**30]], "count": 10**18, "metadata": RECORD["metadata"]}
    entry = {"file": "data.jsonl", "type": "training_data", "activity": "a", "lines": 10**18, "slices": [part], "count": -1}
    _records(folder, json.dumps(RECORD))
    _manifest(folder, {**_artifacts(entry), "activities": [{"id": "a", "type": "generation"}]})


@_folder
def a_sparse_manifest(folder):
    _sparse(folder / MANIFEST, 1 << 40)


@_folder
def a_sparse_report(folder):
    _sparse(folder / "evaluation.json", 1 << 40)


@_folder
def a_manifest_of_many_lists(folder):
    _manifest(folder, '{"session_id":"x","activities":[' + ",".join(["[]"] * 400_000) + "]}")


@_folder
def a_manifest_of_cycles(folder):
    runs = [
        {
            "id": f"a{n}",
            "type": "transformation",
            "used": [{"file": f"f{n}", "sha256": f"{n:064x}"}],
            "made": [{"file": f"f{(n + 1) % 300}", "sha256": f"{(n + 1) % 300:064x}"}],
        }
        for n in range(300)
    ]
    files = [{"file": f"f{n}", "type": "training_data", "sha256": f"{n:064x}", "activity": f"a{(n - 1) % 300}"} for n in range(300)]
    _manifest(folder, {**_artifacts(*files), "activities": runs})


@_folder
def a_report_of_many_results(folder):
    results = ",".join(['{"correct":true}'] * 100_000)
    (folder / "evaluation.json").write_text(f'{{"summary":{{"accuracy":1.0}},"metadata":{{"run_id":"r"}},"results":[{results}]}}')


@_folder
def a_report_with_a_duplicate_key(folder):
    (folder / "evaluation.json").write_text(f'{{"summary":{_many_keys()},"metadata":{{"run_id":"r"}}}}')


@_folder
def a_journal_of_garbage(folder):
    _manifest(folder, {"session_id": "x"})
    (folder / JOURNAL).write_bytes(os.urandom(1 << 20))
    (folder / "session_journal_x_2-b.jsonl").write_bytes(b"\0" * (8 << 20))


@_folder
def a_journal_of_many_keys(folder):
    _manifest(folder, {"session_id": "x"})
    (folder / JOURNAL).write_text(_many_keys() + "\n")


@_folder
def many_manifests(folder):
    for n in range(150):
        (folder / f"session_manifest_s{n}.json").write_text(json.dumps({"session_id": f"s{n}" if n % 2 else "same"}))


# --- folders


@_folder
def links_in_a_circle(folder):
    (folder / "a.jsonl").symlink_to("b.jsonl")
    (folder / "b.jsonl").symlink_to("a.jsonl")
    (folder / "loop").symlink_to(".", target_is_directory=True)
    (folder / "up").symlink_to("..", target_is_directory=True)
    (folder / MANIFEST).symlink_to(MANIFEST)


@_folder
def links_to_devices(folder):
    for name in ("data.jsonl", MANIFEST, "evaluation.json", "redaction.json", JOURNAL, "data.jsonl.gz"):
        (folder / name).symlink_to("/dev/zero")
    (folder / ".lineage").mkdir()
    (folder / ".lineage" / "data.jsonl.index").symlink_to("/dev/zero")


@_folder
def pipes_with_every_name(folder):
    for name in ("data.jsonl", MANIFEST, "evaluation.json", "redaction.json", JOURNAL, "lineage.ttl"):
        os.mkfifo(folder / name)


@_folder
def pipes_where_a_manifest_names_files(folder):
    names = ["data.jsonl", "evaluation_base.json", "prompts.txt", "model"]
    for name in names:
        os.mkfifo(folder / name)
    _manifest(folder, _artifacts(*({"file": name, "type": "training_data", "sha256": "a" * 64} for name in names)))


@_folder
def folders_called_as_files(folder):
    for name in ("data.jsonl", MANIFEST, "evaluation.json", "redaction.json", JOURNAL, "graphs"):
        (folder / name).mkdir()
        (folder / name / "data.jsonl").write_text("{}\n")


@_folder
def a_file_called_as_a_folder(folder):
    _records(folder, json.dumps(RECORD))
    for name in (".lineage", "graphs", "inputs", "models"):
        (folder / name).write_text("not a folder")


@_folder
def many_files(folder):
    for n in range(MANY_FILES):
        os.close(os.open(f"{folder}/f{n}", os.O_CREAT | os.O_WRONLY))


@_folder
def many_files_in_a_model(folder):
    (folder / "model").mkdir()
    for n in range(5000):
        os.close(os.open(f"{folder}/model/f{n}", os.O_CREAT | os.O_WRONLY))
    _manifest(folder, _artifacts({"file": "model", "type": "model", "sha256": "a" * 64}))


@_folder
def folders_inside_folders(folder):
    place = folder
    for _ in range(300):
        place = place / "d"
    place.mkdir(parents=True)
    (place / "data.jsonl").write_text(json.dumps(RECORD) + "\n")


@_folder
def names_of_every_kind(folder):
    names = [b"a\nb.jsonl", b"\x1b[31m.jsonl", b"\xff\xfe.jsonl", b"::error file=x::y.jsonl", b"-o.jsonl", b"a b.jsonl", b"'; rm -rf.jsonl"]
    names += [
        b"<script>.jsonl",
        b"\xe2\x80\xae.jsonl",
        b"\xc2\x9b.jsonl",
        b"#%20?.jsonl",
        b"n" * 250 + b".json",
        b"session_manifest_\n.json",
    ]
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(json.dumps(RECORD) + "\n")


@_folder
def a_sidecar_that_promises_many_lines(folder):
    _records(folder, json.dumps(RECORD))
    (folder / ".lineage").mkdir()
    _sparse(folder / ".lineage" / "data.jsonl.index", 320 << 20)


@_folder
def a_redaction_of_many_keys(folder):
    _manifest(folder, {"session_id": "x"})
    (folder / "redaction.json").write_text(_many_keys())


@_folder
def a_signature_of_many_keys(folder):
    handmade.write(folder, handmade.files())
    (folder / "session_20251004_120000.dsse.json").write_text(_many_keys())


@_folder
def a_prov_file_of_many_values(folder):
    handmade.write(folder, handmade.files())
    _, write = DOCUMENTS["the-product-of-four-arguments"]
    (folder / "session_20251004_120000.ttl").write_text(write())
    (folder / "graphs").mkdir()
    (folder / "graphs" / "lineage.ttl").write_text(write())


@_folder
def a_model_header_without_an_end(folder):
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text('{"quantization_config":{"load_in_4bit":true}}')
    with (folder / "model" / "model.safetensors").open("wb") as file:
        file.write((99 << 20).to_bytes(8, "little"))
        file.truncate(200 << 20)
    (folder / "model" / "tokenizer.json").write_text(_many_keys())
    (folder / "model" / "model.gguf").write_bytes(b"GGUF" + b"\xff" * 1000)
    _manifest(folder, _artifacts({"file": "model", "type": "model", "sha256": "a" * 64}))


# --- PROV documents

_HEAD = "@prefix prov: <http://www.w3.org/ns/prov#> .\n@prefix ex: <http://example.org/> .\n"


@_document("ttl")
def the_product_of_four_arguments():
    values = " ;\n".join(
        f"prov:{name} " + ", ".join(f"ex:{name}{n}" for n in range(40)) for name in ("entity", "hadActivity", "hadGeneration", "hadUsage")
    )
    return f"{_HEAD}ex:e a prov:Entity ; prov:qualifiedDerivation [ a prov:Derivation ; {values} ] ."


@_document("ttl")
def the_product_of_three_arguments():
    values = " ;\n".join(
        f"prov:{name} " + ", ".join(f"ex:{name}{n}" for n in range(40)) for name in ("entity", "hadActivity", "hadGeneration")
    )
    return f"{_HEAD}ex:e a prov:Entity ; prov:qualifiedDerivation ex:d . ex:d a prov:Derivation ; {values} ."


@_document("ttl")
def the_product_of_times():
    starts, ends = (", ".join(f'"2025-01-01T00:00:{n % 60:02}.{n:06}Z"' for n in range(2000)) for _ in range(2))
    return f"{_HEAD}ex:a a prov:Activity ; prov:startedAtTime {starts} ; prov:endedAtTime {ends} ."


@_document("ttl")
def a_mention_in_many_bundles():
    bundles, generals = (", ".join(f"ex:{kind}{n}" for n in range(1500)) for kind in ("b", "g"))
    return f"{_HEAD}ex:e a prov:Entity ; prov:mentionOf {generals} ; prov:asInBundle {bundles} ."


@_document("ttl")
def one_node_that_qualifies_many():
    subjects = "\n".join(f"ex:e{n} prov:qualifiedUsage ex:u ." for n in range(2000))
    return f"{_HEAD}{subjects}\nex:u a prov:Usage ; prov:entity {', '.join(f'ex:x{n}' for n in range(2000))} ."


@_document("ttl")
def a_literal_of_many_megabytes():
    return f'{_HEAD}ex:e a prov:Entity ; ex:text "{"a" * (20 << 20)}" .'


@_document("ttl")
def nested_brackets():
    return f"{_HEAD}ex:e ex:p {_nested(100_000)} ."


@_document("ttl")
def nested_lists():
    return f"{_HEAD}ex:e ex:p {_nested(100_000, '( ', ') ')} ."


@_document("trig")
def many_graphs():
    return _HEAD + "\n".join(f"ex:g{n} {{ ex:e{n} a prov:Entity . }}" for n in range(3000))


@_document("nq")
def a_line_of_many_megabytes():
    return f'<http://e.org/s> <http://e.org/p> "{"a" * (20 << 20)}" .\n'


@_document("nq")
def bytes_that_are_no_letters():
    return b"\xff\xfe\0" * 1000


@_document("json")
def prov_json_with_a_duplicate_key():
    return f'{{"entity":{_many_keys()}}}'


@_document("json")
def prov_json_nested():
    return '{"entity":{"e":{"a":' + _nested(100_000) + "}}}"


@_document("json")
def prov_json_of_many_prefixes():
    prefixes = ",".join(f'"p{n}":"http://e.org/{n}/"' for n in range(20_000))
    return f'{{"prefix":{{{prefixes}}},"entity":{{"p1:e":{{}}}}}}'


@_document("json")
def prov_json_of_one_id_many_times():
    return '{"prefix":{"e":"http://e.org/"},"entity":{"e:e":[' + ",".join(['{"e:a":"b"}'] * 3000) + "]}}"


@_document("json")
def json_that_is_a_pipe():
    return None


@_document("jsonld")
def json_ld_with_a_remote_context():
    return '{"@context":"http://192.0.2.1/context.jsonld","@graph":[' + ",".join(['{"@type":"Entity","@id":"e"}'] * 200) + "]}"


@_document("jsonld")
def json_ld_nested():
    return '{"@graph":' + _nested(100_000) + "}"


@_document("provn")
def prov_n_nested():
    return "document\n" + "bundle e:b\n" * 5000 + "endBundle\n" * 5000 + "endDocument"


@_document("provn")
def prov_n_without_an_end():
    return "document\nentity(e, [" + "prov:label='" * 20_000


@_document("provn")
def prov_n_of_a_long_string():
    return 'document\nprefix e <http://e.org/>\nentity(e:e, [e:a="' + "a" * (2 << 20) + '"])\nendDocument'


@_document("xml")
def xml_of_entities():
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE a [<!ENTITY l0 "lol">{entities}]><prov:document xmlns:prov="http://www.w3.org/ns/prov#">&l11;</prov:document>'


@_document("xml")
def xml_nested():
    return "<a>" * 100_000 + "</a>" * 100_000


@_document("xml")
def xml_of_an_external_file():
    return '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@_document("ttl")
def a_sparse_document():
    return 1 << 40

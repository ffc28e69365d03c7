"""Forgeries of a signed folder, one function a kind. Each changes the folder somewhere that *rng* chooses, and returns whether it did.

`NOT_SEEN` are kinds that cannot be seen under the key alone (docs/explanation/what-a-record-proves.md); some are with `--head`.
"""

import base64
import json
import os
import shutil
import struct
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineage.errors import LineageError
from lineage.integrity import index
from lineage.merkle import leaf_hash
from lineage.signing import envelope, statement

KINDS = {}
NOT_SEEN = {}


def kind(function):
    KINDS[function.__name__.replace("_", " ")] = function
    return function


def not_seen(reason, by_head=False):
    def keep(function):
        NOT_SEEN[function.__name__.replace("_", " ")] = (function, reason, by_head)
        return function

    return keep


def pick(rng, folder, pattern):
    paths = sorted(path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink())
    return rng.choice(paths) if paths else None


def records(rng, folder):
    return pick(rng, folder, "*.jsonl") if not rng.randrange(2) else pick(rng, folder, "data*.jsonl")


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def on_lines(rng, folder, change):
    path = pick(rng, folder, "data*.jsonl")
    lines = lines_of(path)
    if len(lines) < 3:
        return False
    new = change(list(lines))
    path.write_bytes(b"".join(new))
    return new != lines


def on_json(path, change):
    whole = json.loads(path.read_bytes())
    before = json.dumps(whole)
    change(whole)
    path.write_text(json.dumps(whole, indent=2) + "\n")
    return json.dumps(whole) != before


def on_envelope(rng, folder, change):
    """An envelope written as `sign` writes it, with another content."""
    path = pick(rng, folder, "*.dsse.json")
    return path is not None and on_json(path, change)


def on_payload(rng, folder, change):
    def rewritten(whole):
        said = json.loads(base64.b64decode(whole["payload"]))
        change(said)
        whole["payload"] = base64.b64encode(json.dumps(said).encode()).decode()

    return on_envelope(rng, folder, rewritten)


def manifest(rng, folder):
    return pick(rng, folder, "session_manifest_*.json")


def swap(one, other):
    if one == other:
        return False
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return first != second


def two(rng, folder, pattern):
    paths = sorted(path for path in folder.glob(pattern) if path.is_file())
    return rng.sample(paths, 2) if len(paths) > 1 else None


# --- lines


@kind
def change_a_line(rng, folder):
    number = rng.randrange(3)
    return on_lines(rng, folder, lambda lines: [line.replace(b'"r', b'"R') if n == number else line for n, line in enumerate(lines)])


@kind
def insert_a_line(rng, folder):
    place = rng.randrange(3)
    return on_lines(rng, folder, lambda lines: [*lines[:place], b'{"instruction":"x"}\n', *lines[place:]])


@kind
def repeat_a_line(rng, folder):
    place = rng.randrange(3)
    return on_lines(rng, folder, lambda lines: [*lines[: place + 1], *lines[place:]])


@kind
def delete_a_line(rng, folder):
    place = rng.randrange(3)
    return on_lines(rng, folder, lambda lines: lines[:place] + lines[place + 1 :])


@kind
def reorder_lines(rng, folder):
    return on_lines(rng, folder, lambda lines: [lines[1], lines[0], *lines[2:]])


@kind
def blank_line_at_the_end(rng, folder):
    return on_lines(rng, folder, lambda lines: [*lines, b"\n"])


@kind
def carriage_returns(rng, folder):
    return on_lines(rng, folder, lambda lines: [line.replace(b"\n", b"\r\n") for line in lines])


@kind
def drop_the_last_newline(rng, folder):
    return on_lines(rng, folder, lambda lines: [*lines[:-1], lines[-1].rstrip(b"\n")])


@kind
def cut_a_file(rng, folder):
    path = pick(rng, folder, "**/*.bin") or pick(rng, folder, "data*.jsonl")
    path.write_bytes(path.read_bytes()[:-1])
    return True


@kind
def flip_a_bit(rng, folder):
    path = pick(rng, folder, rng.choice(["*.json", "data*.jsonl", "model*/*", "*.ttl"]))
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    return True


@kind
def space_in_json(rng, folder):
    path = pick(rng, folder, "evaluation_*.json")
    path.write_bytes(path.read_bytes() + b" ")
    return True


@kind
def lines_with_an_index_to_match(rng, folder):
    path = pick(rng, folder, "data*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"r', b'"R'))
    index.build(path)
    return True


@kind
def lines_and_the_manifest_to_match(rng, folder):
    path = pick(rng, folder, "data*.jsonl")
    before = index.build(path, keep=False)
    path.write_bytes(path.read_bytes().replace(b'"r', b'"R'))
    after = index.build(path)
    for one in folder.glob("session_manifest_*.json"):
        text = one.read_text().replace(before.sha256, after.sha256).replace(before.merkle_root, after.merkle_root)
        one.write_text(text)
    return True


# --- files


@kind
def swap_two_files_of_records(rng, folder):
    both = two(rng, folder, "data*.jsonl")
    return bool(both) and swap(*both)


@kind
def swap_two_reports(rng, folder):
    both = two(rng, folder, "evaluation_*.json")
    return bool(both) and swap(*both)


@kind
def rename_a_file(rng, folder):
    path = pick(rng, folder, rng.choice(["data*.jsonl", "evaluation_*.json"]))
    path.rename(path.with_name(f"renamed-{rng.randrange(999)}{path.suffix}"))
    return True


@kind
def delete_a_file(rng, folder):
    pick(rng, folder, rng.choice(["data*.jsonl", "evaluation_*.json", "model*/*", "README.md"])).unlink()
    return True


@kind
def change_the_readme(rng, folder):
    (folder / "README.md").write_text("# Other data\n")
    return True


@kind
def change_a_score(rng, folder):
    path = pick(rng, folder, "evaluation_*.json")
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.9"))
    return True


@kind
def add_a_file_to_a_model(rng, folder):
    place = rng.choice(sorted(one for one in folder.glob("model*") if one.is_dir()))
    (place / f"pytorch_model_{rng.randrange(99)}.bin").write_bytes(b"evil")
    return True


@kind
def add_records(rng, folder):
    (folder / f"more-{rng.randrange(99)}.jsonl").write_text('{"instruction": "x"}\n')
    return True


@kind
def add_a_report(rng, folder):
    (folder / f"evaluation_best_{rng.randrange(99)}.json").write_text('{"summary": {"accuracy": 1.0}}')
    return True


@kind
def add_a_folder(rng, folder):
    place = folder / f"runs-{rng.randrange(99)}" / "deep"
    place.mkdir(parents=True, exist_ok=True)
    (place / "x.bin").write_bytes(b"x")
    return True


@kind
def add_a_file_that_begins_as_a_page(rng, folder):
    place = rng.choice(sorted(one for one in folder.glob("model*") if one.is_dir()))
    (place / "config.json").write_text('{"folder": "x", "at": "t", "version": "1", "exit_code": 0, "architectures": ["Evil"]}')
    return True


@kind
def link_in_place_of_a_file(rng, folder):
    path = pick(rng, folder, rng.choice(["data*.jsonl", "evaluation_*.json", "model*/*"]))
    path.unlink()
    path.symlink_to(rng.choice(["/etc/hostname", "nothing", "../elsewhere"]))
    return True


@kind
def a_signed_link_leads_elsewhere(rng, folder):
    path = folder / "latest"
    if not path.is_symlink():
        return False
    path.unlink()
    path.symlink_to("/etc")
    return True


@kind
def file_in_place_of_a_signed_link(rng, folder):
    path = folder / "latest"
    if not path.is_symlink():
        return False
    path.unlink()
    path.write_bytes(b"evil")
    return True


@kind
def add_a_link(rng, folder):
    place = rng.choice([folder, *sorted(one for one in folder.glob("model*") if one.is_dir())])
    (place / f"new-{rng.randrange(99)}").symlink_to("/etc/hostname")
    return True


@kind
def pipe_in_place_of_a_file(rng, folder):
    path = pick(rng, folder, rng.choice(["data*.jsonl", "evaluation_*.json", "*.dsse.json"]))
    path.unlink()
    os.mkfifo(path)
    return True


@kind
def folder_in_place_of_a_file(rng, folder):
    path = pick(rng, folder, rng.choice(["data*.jsonl", "evaluation_*.json"]))
    path.unlink()
    path.mkdir()
    return True


@kind
def name_that_looks_the_same(rng, folder):
    path = pick(rng, folder, "data*.jsonl")
    path.rename(path.with_name(path.name.replace("a", "\u0430", 1)))  # Cyrillic
    return True


@kind
def second_file_that_looks_the_same(rng, folder):
    path = pick(rng, folder, "data*.jsonl")
    path.with_name(path.name.replace("a", "\u0430")).write_bytes(path.read_bytes().replace(b'"r', b'"R'))
    return True


@kind
def name_in_other_case(rng, folder):
    path = pick(rng, folder, "evaluation_*.json")
    path.with_name(path.name.upper()).write_bytes(b"{}")
    return True


@kind
def name_in_another_normal_form(rng, folder):
    path = folder / "caf\u00e9.txt"
    if not path.exists():
        return False
    path.rename(folder / "cafe\u0301.txt")
    return True


# --- links in place of what was signed, and data that looks like a product


def _behind_a_link(path, target):
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    path.symlink_to(os.path.relpath(target, path.parent))


@kind
def file_moved_behind_a_link(rng, folder):
    path = pick(rng, folder, rng.choice(["data*.jsonl", "README.md", "session_manifest_*.json", "model*/*", "*.ttl"]))
    _behind_a_link(path, folder / rng.choice([".hidden", "graphs/x"]))
    return True


@kind
def model_moved_behind_a_link_with_more_in_it(rng, folder):
    place = rng.choice(sorted(one for one in folder.glob("model*") if one.is_dir() and not one.is_symlink()))
    target = folder / rng.choice([".m", "graphs/m"])
    _behind_a_link(place, target)
    (target / "pytorch_model.bin").write_bytes(b"evil")
    return True


@kind
def link_in_the_middle_leads_elsewhere(rng, folder):
    """A signed link leads to a hidden link, and that elsewhere."""
    path = folder / "latest"
    if not path.is_symlink():
        return False
    (folder / ".step").mkdir(exist_ok=True)
    (folder / ".step/model-9").write_bytes(b"evil")
    (folder / "model-2").rename(folder / ".step/model-2")
    (folder / "model-2").symlink_to(".step/model-2")
    return True


@kind
def settings_that_begin_as_a_report(rng, folder):
    beginning = {"report": "lineage audit", "folder": "x", "at": "t", "version": "1", "exit_code": 0}
    text = json.dumps({**beginning, "auto_map": {"AutoModel": "evil.Model"}}, indent=2)
    (folder / rng.choice(["config.json", "tokenizer_config.json"])).write_text(text)
    return True


@kind
def words_that_begin_as_a_report(rng, folder):
    (folder / "vocab.txt").write_text("error: x [missing-file]\n  data.jsonl: gone\nhello\nworld\n")
    return True


# --- manifests and journals


@kind
def edit_a_manifest(rng, folder):
    return on_json(manifest(rng, folder), lambda top: top.update(title="forged"))


@kind
def duplicate_a_key_of_a_manifest(rng, folder):
    path = manifest(rng, folder)
    path.write_text(path.read_text().replace("{", '{"title": "x",', 1))
    return True


@kind
def edit_a_digest(rng, folder):
    return on_json(manifest(rng, folder), lambda top: top["artifacts_generated"][0].update(sha256="0" * 64))


@kind
def edit_a_root(rng, folder):
    return on_json(manifest(rng, folder), lambda top: top["artifacts_generated"][0].update(merkle_root="0" * 64, lines=9))


@kind
def edit_a_time(rng, folder):
    return on_json(manifest(rng, folder), lambda top: top.update(started_at="2001-01-01T00:00:00+00:00"))


@kind
def edit_the_model(rng, folder):
    path = manifest(rng, folder)
    path.write_text(path.read_text().replace("org/m", "org/n"))
    return True


@kind
def leave_out_an_activity(rng, folder):
    return on_json(manifest(rng, folder), lambda top: top["activities"].pop())


@kind
def downgrade_a_manifest(rng, folder):
    return on_json(manifest(rng, folder), lambda top: [top.pop(key) for key in ("schema", "activities")])


@kind
def newer_manifest(rng, folder):
    return on_json(manifest(rng, folder), lambda top: top.update(schema="99"))


@kind
def swap_two_manifests(rng, folder):
    both = two(rng, folder, "session_manifest_*.json")
    return bool(both) and swap(*both)


@kind
def two_manifests_claim_a_session(rng, folder):
    path = manifest(rng, folder)
    (folder / "session_manifest_0.json").write_bytes(path.read_bytes())
    return True


@kind
def add_a_session(rng, folder):
    path = manifest(rng, folder)
    id_ = f"2030-{rng.randrange(99)}"
    (folder / f"session_manifest_{id_}.json").write_text(path.read_text().replace(path.stem.removeprefix("session_manifest_"), id_))
    return True


@kind
def add_a_session_in_a_hidden_folder(rng, folder):
    (folder / ".x").mkdir(exist_ok=True)
    (folder / ".x" / "session_manifest_0.json").write_bytes(manifest(rng, folder).read_bytes())
    return True


@kind
def add_a_session_among_the_graphs(rng, folder):
    (folder / "graphs").mkdir(exist_ok=True)
    (folder / "graphs/session_manifest_0.json").write_bytes(manifest(rng, folder).read_bytes())
    return True


@kind
def nested_copy_of_the_sessions(rng, folder):
    place = folder / f"copy-{rng.randrange(99)}"
    if place.exists():
        return False
    place.mkdir()
    for path in (*folder.glob("session_*.json"), *folder.glob("data*.jsonl")):
        if path.is_file():
            shutil.copy(path, place)
    return True


@kind
def add_a_journal(rng, folder):
    id_ = manifest(rng, folder).stem.removeprefix("session_manifest_")
    (folder / f"session_journal_{id_}_9-abc.jsonl").write_text('{"event": "session", "session": {"title": "x"}}\n')
    return True


@kind
def journal_of_no_session(rng, folder):
    (folder / f"session_journal_zz{rng.randrange(99)}_9-abc.jsonl").write_text('{"event": "session", "session": {"title": "x"}}\n')
    return True


@kind
def delete_a_manifest(rng, folder):
    manifest(rng, folder).unlink()
    return True


@kind
def manifest_that_cannot_be_read(rng, folder):
    manifest(rng, folder).write_bytes(b"\0")
    return True


# --- PROV


@kind
def edit_prov(rng, folder):
    path = pick(rng, folder, "session_*.ttl")
    path.write_bytes(path.read_bytes().replace(b"Generation", b"Evaluation"))
    return True


@kind
def add_prov(rng, folder):
    path = pick(rng, folder, "session_*.ttl")
    path.with_suffix(".provn").write_text("document\nendDocument\n")
    return True


# --- envelopes and the chain


@kind
def swap_two_envelopes(rng, folder):
    both = two(rng, folder, "*.dsse.json")
    return bool(both) and swap(*both)


@kind
def copy_an_envelope_over_another(rng, folder):
    both = two(rng, folder, "*.dsse.json")
    return bool(both) and bool(shutil.copy(*both))


@kind
def delete_an_envelope(rng, folder):
    pick(rng, folder, "*.dsse.json").unlink()
    return True


@kind
def rename_an_envelope(rng, folder):
    path = pick(rng, folder, "*.dsse.json")
    path.rename(folder / f"session_x{rng.randrange(99)}.dsse.json")
    return True


@kind
def cut_an_envelope(rng, folder):
    path = pick(rng, folder, "*.dsse.json")
    path.write_bytes(path.read_bytes()[: rng.randrange(1, 200)])
    return True


@kind
def garbage_behind_an_envelope(rng, folder):
    path = pick(rng, folder, "*.dsse.json")
    path.write_bytes(path.read_bytes() + rng.choice([b" ", b"\n", b"x", b"\0", b"{}"]))
    return True


@kind
def another_payload_type(rng, folder):
    return on_envelope(
        rng, folder, lambda whole: whole.update(payloadType=rng.choice(["application/json", "", "application/vnd.in-toto+JSON"]))
    )


@kind
def another_key_id(rng, folder):
    return on_envelope(rng, folder, lambda whole: whole["signatures"][0].update(keyid=rng.choice(["", "f" * 64])))


@kind
def further_signature(rng, folder):
    return on_envelope(rng, folder, lambda whole: whole["signatures"].append(dict(whole["signatures"][0])))


@kind
def no_signature(rng, folder):
    return on_envelope(rng, folder, lambda whole: whole.update(signatures=[]))


@kind
def bit_of_the_signature(rng, folder):
    def flip(whole):
        data = bytearray(base64.b64decode(whole["signatures"][0]["sig"]))
        data[rng.randrange(len(data))] ^= 1
        whole["signatures"][0]["sig"] = base64.b64encode(data).decode()

    return on_envelope(rng, folder, flip)


@kind
def base64_without_padding(rng, folder):
    return on_envelope(rng, folder, lambda whole: whole["signatures"][0].update(sig=whole["signatures"][0]["sig"].rstrip("=")))


@kind
def base64_of_other_bits(rng, folder):
    def change(whole):
        text = whole["signatures"][0]["sig"]
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        last = letters[letters.index(text[-3]) ^ 1]  # the last bits before the padding stand for nothing
        whole["signatures"][0]["sig"] = f"{text[:-3]}{last}=="

    return on_envelope(rng, folder, change)


@kind
def url_alphabet_of_base64(rng, folder):
    def change(whole):
        for one in (whole, whole["signatures"][0]):
            one.update({key: value.translate(str.maketrans("+/", "-_")) for key, value in one.items() if key in ("payload", "sig")})

    return any(on_json(path, change) for path in sorted(folder.glob("*.dsse.json")) if path.is_file())


@kind
def line_breaks_in_base64(rng, folder):
    return on_envelope(rng, folder, lambda whole: whole.update(payload=whole["payload"][:9] + "\n" + whole["payload"][9:]))


@kind
def duplicate_a_key_of_an_envelope(rng, folder):
    path = pick(rng, folder, "*.dsse.json")
    path.write_text(path.read_text().replace("{", '{\n  "payloadType": "application/json",', 1))
    return True


@kind
def subject_left_out(rng, folder):
    return on_payload(rng, folder, lambda said: said["subject"].pop())


@kind
def exclusion_added(rng, folder):
    return on_payload(rng, folder, lambda said: said["predicate"].update(excluded=["*"]))


@kind
def position_changed(rng, folder):
    return on_payload(rng, folder, lambda said: said["predicate"].update(position=7))


@kind
def another_predicate_type(rng, folder):
    return on_payload(rng, folder, lambda said: said.update(predicateType="https://w3id.org/lineage-prov/session/v9"))


@kind
def signed_by_another_key(rng, folder):
    path = pick(rng, folder, "*.dsse.json")
    payload = base64.b64decode(json.loads(path.read_bytes())["payload"])
    path.write_bytes(envelope.signed(payload, Ed25519PrivateKey.generate()))
    return True


@kind
def session_signed_by_another_key(rng, folder):
    path = pick(rng, folder, "data*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"r', b'"R'))
    for one in filter(Path.is_file, folder.glob("*.dsse.json")):
        payload = json.loads(base64.b64decode(json.loads(one.read_bytes())["payload"]))
        one.write_bytes(envelope.signed(json.dumps(payload).encode(), Ed25519PrivateKey.generate()))
    return True


def _take_away(folder, envelopes):
    """Sessions are gone with all files that no other session names."""
    kept = {name for path in chain(folder) if path not in envelopes for name in _statement(path).subjects}
    for path in envelopes:
        said = _statement(path)
        for name, of in said.kinds.items():
            if of != "beside" and name not in kept and (folder / name).is_file():
                (folder / name).unlink()
        path.unlink()
    for place in sorted(folder.glob("model*")):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def _statement(path):
    return statement.read(base64.b64decode(json.loads(path.read_bytes())["payload"]), "x")


def chain(folder):
    found = []
    for path in filter(Path.is_file, folder.glob("*.dsse.json")):
        try:
            found.append((_statement(path).position, path))
        except (OSError, ValueError, LookupError, TypeError, LineageError):  # another forgery was here before
            return []
    return [path for _, path in sorted(found)]


@kind
def drop_the_first_session(rng, folder):
    paths = chain(folder)
    if len(paths) < 2:
        return False
    _take_away(folder, paths[:1])
    return True


@kind
def drop_a_session_between(rng, folder):
    paths = chain(folder)
    if len(paths) < 3:
        return False
    _take_away(folder, paths[1:2])
    return True


# --- indexes


def _rewritten_rows(path, change):
    file = index.path_of(path)
    if not file.is_file():
        return False
    data = file.read_bytes()
    rows = [data[at : at + index.ROW] for at in range(index.MAX_HEADER, len(data), index.ROW)]
    if len(rows) < 2:
        return False
    file.write_bytes(data[: index.MAX_HEADER] + b"".join(change(rows)))
    return True


@kind
def rows_of_an_index_swapped(rng, folder):
    return _rewritten_rows(pick(rng, folder, "data*.jsonl"), lambda rows: [rows[1], rows[0], *rows[2:]])


@kind
def offset_of_an_index_changed(rng, folder):
    return _rewritten_rows(pick(rng, folder, "data*.jsonl"), lambda rows: [struct.pack("<Q", 7) + rows[0][8:], *rows[1:]])


@kind
def index_damaged(rng, folder):
    file = index.path_of(pick(rng, folder, "data*.jsonl"))
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(index.MAGIC + b"{}")
    return True


@kind
def line_changed_and_another_blamed(rng, folder):
    """The index says of the changed line that it always was so, and of another that it was changed."""
    path = pick(rng, folder, "data*.jsonl")
    lines = lines_of(path)
    if len(lines) < 3:
        return False
    forged = [lines[0].replace(b'"r', b'"R'), *lines[1:]]
    path.write_bytes(b"".join(forged))
    prints = leaf_hash(forged[0])[:8]
    return _rewritten_rows(path, lambda rows: [rows[0][:8] + prints, rows[1][:8] + b"\0" * 8, *rows[2:]])


@kind
def fingerprint_of_an_index_changed(rng, folder):
    return _rewritten_rows(pick(rng, folder, "data*.jsonl"), lambda rows: [*rows[:-1], rows[-1][:8] + b"\0" * 8])


# --- what nobody can see under the key alone


@not_seen("the end of the chain: later sessions taken away, with all their files", by_head=True)
def drop_the_last_session(rng, folder):
    paths = chain(folder)
    if len(paths) < 2:
        return False
    _take_away(folder, paths[-1:])
    return True


@not_seen("hidden files and other files in graphs are listed, and not signed")
def hidden_file(rng, folder):
    (folder / f".hidden-{rng.randrange(99)}").write_bytes(b"x")
    return True


@not_seen("hidden files and other files in graphs are listed, and not signed")
def picture_among_the_graphs(rng, folder):
    (folder / "graphs").mkdir(exist_ok=True)
    (folder / "graphs/lineage.svg").write_bytes(b"<svg/>")
    return True


@not_seen("an index that is gone, or of another file, is not used")
def index_deleted(rng, folder):
    file = index.path_of(pick(rng, folder, "data*.jsonl"))
    if not file.is_file():
        return False
    file.unlink()
    return True


@not_seen("an index that is gone, or of another file, is not used")
def index_of_another_file(rng, folder):
    both = two(rng, folder, ".lineage/data*.index")
    return bool(both) and bool(shutil.copy(*both))


@not_seen("hidden files and other files in graphs are listed, and not signed")
def index_of_a_file_without_records(rng, folder):
    (folder / ".lineage").mkdir(exist_ok=True)
    (folder / ".lineage/README.md.index").write_bytes(b"x")
    return True


@not_seen("PROV of single records is listed, and not compared")
def prov_of_records(rng, folder):
    path = pick(rng, folder, "session_*.ttl")
    path.with_suffix(".records.ttl").write_text("@prefix x: <https://w3id.org/lineage-prov/> .\n")
    return True


@not_seen("times and permissions of files are not signed")
def times_of_files(rng, folder):
    os.utime(pick(rng, folder, "data*.jsonl"), (1, 1))
    return True


@not_seen("empty folders are not signed")
def empty_folder(rng, folder):
    (folder / f"empty-{rng.randrange(99)}").mkdir(exist_ok=True)
    return True


@not_seen("a page, picture or report that lineage writes is listed, and not signed")
def picture_of_the_lineage(rng, folder):
    (folder / "x.dot").write_text('digraph lineage {\n  label="forged";\n}\n')
    return True

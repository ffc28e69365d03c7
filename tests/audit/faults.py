"""Faults that are put into a clean folder, one or more for each rule, at a place that chance chooses; and near misses, which are none.

FAULTS[code](random, folder)    True where the folder had a place for it; then an audit must find the code
GOOD[code](random, folder)      the same corner of the folder, touched and still right: an audit must not find the code
asked(folder)                   the key and head that an audit of the folder is to be given, where a fault or near miss left them beside it
"""

import base64
import gzip
import hashlib
import json
import os
import shutil

import lineage
from lineage.export import export_folder
from lineage.integrity import index
from lineage.signing import keys
from lineage.signing.sign import sign

LATER = "2999-01-01T00:00:00+00:00"


def digest(data):
    return hashlib.sha256(data).hexdigest()


def beside_folder(folder, suffix):
    return folder.with_name(f"{folder.name}.{suffix}")


def asked(folder):
    key, head = beside_folder(folder, "pem.pub"), beside_folder(folder, "head")
    return ({"key": key} if key.exists() else {}) | ({"head": head.read_text()} if head.exists() else {})


class Disk:
    """A folder that is edited."""

    def __init__(self, random, folder):
        self.random, self.folder = random, folder

    def manifests(self, want=lambda manifest: True):
        """(path, manifest) of each that is wanted, in random order."""
        read = [(path, json.loads(path.read_bytes())) for path in sorted(self.folder.glob("session_manifest_*.json"))]
        chosen = [one for one in read if want(one[1])]
        self.random.shuffle(chosen)
        return chosen

    def activities(self, *types, want=lambda run: True):
        """(path, manifest, activity) of each of these types, in random order."""
        found = [
            (path, manifest, run)
            for path, manifest in self.manifests()
            for run in manifest["activities"]
            if run["type"] in types and want(run)
        ]
        self.random.shuffle(found)
        return found

    def artifacts(self, want=lambda entry: True):
        """(path, manifest, entry of artifacts_generated), in random order."""
        found = [(path, manifest, entry) for path, manifest in self.manifests() for entry in manifest["artifacts_generated"] if want(entry)]
        self.random.shuffle(found)
        return found

    def save(self, path, manifest):
        path.write_text(json.dumps(manifest))
        return True

    def lines(self, file):
        return (self.folder / file).read_bytes().splitlines(keepends=True)

    def write(self, file, lines):
        """New lines, and every manifest told of them: what was changed is then what was recorded."""
        (self.folder / file).write_bytes(b"".join(lines))
        return self.reseal(file)

    def reseal(self, file):
        data = (self.folder / file).read_bytes()
        for path, manifest in self.manifests():
            for entry in [*manifest["artifacts_generated"], *(used for run in manifest["activities"] for used in run["used"])]:
                if entry["file"] == file:
                    entry |= {"sha256": digest(data), "bytes": len(data)}
            self.save(path, manifest)
        index.path_of(self.folder / file).unlink(missing_ok=True)
        return True

    def records(self, *types, least=1, all=()):
        """(file, activity) of each file of records that such a run made, in random order."""
        found = [
            (made["file"], run) for _, _, run in self.activities(*types) for made in run["generated"] if made["file"].endswith(".jsonl")
        ]
        return [(file, run) for file, run in found if len(self.lines(file)) >= least]

    def edit(self, file, change, number=None):
        """Change one record, as JSON."""
        lines = self.lines(file)
        number = self.random.randrange(len(lines)) if number is None else number
        record = json.loads(lines[number])
        change(record)
        lines[number] = json.dumps(record).encode() + b"\n"
        return self.write(file, lines)

    def reports(self):
        """(file, report) of each, in random order."""
        found = [entry["file"] for _, _, entry in self.artifacts(lambda entry: entry["type"] == "evaluation")]
        return [(file, json.loads((self.folder / file).read_bytes())) for file in found]


def fault(function):
    """A function of (random, folder), of one that is given a Disk."""
    return lambda random, folder: bool(function(Disk(random, folder)))


def in_manifest(change, want=lambda manifest: True):
    return fault(
        lambda disk: any(change(disk, manifest) is None and disk.save(path, manifest) for path, manifest in disk.manifests(want)[:1])
    )


def in_activity(*types, change, want=lambda run: True):
    return fault(
        lambda disk: any(
            change(disk, run) is None and disk.save(path, manifest) for path, manifest, run in disk.activities(*types, want=want)[:1]
        )
    )


def in_artifact(change, want=lambda entry: True):
    return fault(
        lambda disk: any(change(disk, entry) is None and disk.save(path, manifest) for path, manifest, entry in disk.artifacts(want)[:1])
    )


def in_record(change, *types, least=1):
    types = types or ("generation",)
    return fault(
        lambda disk: any(disk.edit(file, lambda record: change(disk, record)) for file, _ in disk.records(*types, least=least)[:1])
    )


def in_report(change):
    def apply(disk):
        for file, report in disk.reports()[:1]:
            change(disk, report)
            return disk.write(file, [json.dumps(report).encode()])
        return False

    return fault(apply)


def in_line(*texts):
    """A line of a file of records becomes, or is followed by, one of these."""

    def apply(disk):
        for file, _ in disk.records("generation")[:1]:
            lines = disk.lines(file)
            lines.insert(disk.random.randrange(len(lines) + 1), disk.random.choice(texts) + b"\n")
            return disk.write(file, lines)
        return False

    return fault(apply)


def is_records(entry):
    return entry["file"].endswith(".jsonl")


def put(mapping, **values):
    mapping.update(values)


def deep(mapping, *keys, value):
    for key in keys[:-1]:
        mapping = mapping[key]
    mapping[keys[-1]] = value


# --- files


def lose(disk):
    for _, _, entry in disk.artifacts(lambda entry: (disk.folder / entry["file"]).is_file())[:1]:
        (disk.folder / entry["file"]).unlink()
        return True
    return False


def flip(disk):
    """One bit of one file that was recorded, also of one that was only used."""
    named = {entry["file"] for _, _, entry in disk.artifacts()} | {
        used["file"] for _, m in disk.manifests() for run in m["activities"] for used in run["used"]
    }
    files = sorted(file for file in named if (disk.folder / file).is_file())
    path = disk.folder / disk.random.choice(files)
    data = bytearray(path.read_bytes())
    data[disk.random.randrange(len(data))] ^= 1 << disk.random.randrange(7)
    path.write_bytes(data)
    return True


def root(disk, entry):
    seal = index.build(disk.folder / entry["file"], keep=False)
    put(entry, lines=seal.lines, merkle_root=seal.merkle_root)


def bad_root(disk, entry):
    root(disk, entry)
    digits = list(entry["merkle_root"])
    at = disk.random.randrange(64)
    digits[at] = "0" if digits[at] != "0" else "1"
    put(entry, **disk.random.choice(({"merkle_root": "".join(digits)}, {"lines": entry["lines"] + 1})))


def beside(name, data):
    return fault(lambda disk: (disk.folder / name).write_bytes(data) or True)


LEGACY = b'{"instruction": "a", "response": "b"}\n'


def twice(disk, manifest):
    entry = disk.random.choice(manifest["artifacts_generated"])
    manifest["artifacts_generated"].append(dict(entry))


def written_again(change):
    """A later session uses a file of records and writes it again."""

    def apply(disk):
        for _, _, entry in disk.artifacts(is_records)[:1]:
            path = disk.folder / entry["file"]
            with lineage.session(disk.folder, export=False) as session, session.transformation("filter", inputs=[path]) as run:
                path.write_bytes(change(path.read_bytes()))
                run.output(entry["file"], type="training_data")
            return True
        return False

    return fault(apply)


def two_makers(disk, manifest):
    """A second session says that a run of its own made the file."""
    entry = disk.random.choice([entry for entry in manifest["artifacts_generated"] if is_records(entry)])
    for path, other in disk.manifests(lambda other: other["session_id"] != manifest["session_id"])[:1]:
        other["artifacts_generated"].append({**entry, "activity": "f" * 32})
        disk.save(path, other)


def sidecar(disk):
    files = disk.records("generation", "transformation")
    if len({digest((disk.folder / file).read_bytes()) for file, _ in files}) < 2:
        return False
    for file, _ in files:
        index.build(disk.folder / file)
    one = files[0][0]
    other = next(file for file, _ in files if (disk.folder / file).read_bytes() != (disk.folder / one).read_bytes())
    shutil.copy(index.path_of(disk.folder / other), index.path_of(disk.folder / one))
    return True


def pipe(disk):
    for _, _, entry in disk.artifacts(lambda entry: (disk.folder / entry["file"]).is_file())[:1]:
        (disk.folder / entry["file"]).unlink()
        os.mkfifo(disk.folder / entry["file"])
        return True
    return False


def linked_away(disk):
    """A file that the manifest records as a link out of the folder, and that is one."""
    for path, manifest, entry in disk.artifacts(lambda entry: (disk.folder / entry["file"]).is_file())[:1]:
        target = beside_folder(disk.folder, "elsewhere")
        os.replace(disk.folder / entry["file"], target)
        (disk.folder / entry["file"]).symlink_to(target)
        entry["link"] = True
        path.write_text(json.dumps(manifest))
        return True
    return False


def linked_within(disk):
    """A link to another name in the folder is followed."""
    for _, _, entry in disk.artifacts(lambda entry: (disk.folder / entry["file"]).is_file())[:1]:
        target = disk.folder / f".{os.path.basename(entry['file'])}.real"
        os.replace(disk.folder / entry["file"], target)
        (disk.folder / entry["file"]).symlink_to(target)
        return True
    return False


# --- records


def cut(disk):
    for file, _ in disk.records("generation")[:1]:
        lines = disk.lines(file)
        lines[-1] = lines[-1][: disk.random.randrange(1, len(lines[-1]) - 2)]
        return disk.write(file, lines)
    return False


def foreign_record(disk, record):
    """The record says something else of its origin than the manifest."""
    key, value = disk.random.choice(
        (("model_name", "another/model"), ("loader_version", "0" * 40), ("quantization", "int4"), ("template_disabled", False))
    )
    disk.random.choice(
        (
            lambda: deep(record, "metadata", "provenance", key, value=value),
            lambda: deep(record, "metadata", "script_version", value="0" * 40),
            lambda: deep(record, "metadata", "run_id", value="e" * 32),
        )
    )()


def foreign_load(disk):
    """The manifest says something else of a load than the records that its run made."""
    used = {load for _, run in disk.records("generation") for load in run["models"]}
    for path, manifest, run in disk.activities("model_load", want=lambda run: run["id"] in used)[:1]:
        run["provenance"]["model_name"] = "another/model"
        return disk.save(path, manifest)
    return False


def bare(disk):
    """A manifest of the contract's fixed keys alone: its `loader_config` tells of the model, and nothing of what ran. Returns its entries of records."""
    for path, manifest, _ in disk.activities("generation"):
        loads = [one for one in manifest["activities"] if one["type"] == "model_load"]
        entries = [one for one in manifest["artifacts_generated"] if is_records(one)]
        if len(loads) == 1 and len(entries) == 1:
            said = loads[0]["provenance"]
            manifest["loader_config"] = {"provenance": said, "model_name": said["model_name"], "quantization": said["quantization"]}
            manifest |= {
                "activities": [],
                "artifacts_generated": [{key: entries[0][key] for key in ("file", "type", "count", "timestamp")}],
            }
            others = [
                m for _, m in disk.manifests() for other in m["activities"] for used in other["used"] if used["file"] == entries[0]["file"]
            ]
            if not others:  # what was filtered from it would name an origin that no manifest knows
                disk.save(path, manifest)
                return entries
    return []


def in_bare(change):
    return fault(lambda disk: any(disk.edit(entry["file"], lambda record: change(disk, record)) for entry in bare(disk)))


def no_seed(disk):
    for file, run in disk.records("generation")[:1]:
        for number in range(len(disk.lines(file))):
            disk.edit(file, lambda record: record["metadata"]["generation_params"].pop("seed"), number)
        for path, manifest in disk.manifests():
            for one in manifest["activities"]:
                if one["id"] == run["id"]:
                    one["params"].pop("seed")
            disk.save(path, manifest)
        return True
    return False


def foreign_params(disk, record):
    """The record says other parameters than its run, or a seed beyond those that were recorded."""
    key, value = disk.random.choice((("temperature", 0.123), ("max_new_tokens", True), ("typical_p", 0.5), ("seed", 10**6)))
    record["metadata"]["generation_params"][key] = value


def foreign_evaluation(disk, report):
    name, key, value = disk.random.choice(
        (("decoding_params", "max_new_tokens", 7), ("dataset", "name", "another"), ("dataset", "version", "0" * 64))
    )
    report["metadata"][name][key] = value


def told_params(disk):
    """A record has a parameter of its own, and its run says that records may; another learned a parameter when its records were written."""
    for file, run in disk.records("generation")[:1]:
        disk.edit(file, lambda record: put(record["metadata"]["generation_params"], temperature=0.123))
        for path, manifest in disk.manifests():
            for one in manifest["activities"]:
                if one["id"] == run["id"]:
                    one["gaps"]["params.temperature"] = "records say values of their own"
                    one["params"]["typical_p"] = 1.0
            disk.save(path, manifest)
        return True
    return False


def one_seedless(disk, record):
    record["metadata"]["generation_params"].pop("seed")


def greedy_records(disk):
    """Records that were not sampled, of which one has no seed."""
    for file, run in disk.records("generation", least=2)[:1]:
        lines = [json.loads(line) for line in disk.lines(file)]
        for record in lines:
            put(record["metadata"]["generation_params"], do_sample=False)
        one_seedless(disk, lines[0])
        for path, manifest in disk.manifests():
            for one in manifest["activities"]:
                if one["id"] == run["id"]:
                    put(one["params"], do_sample=False)
            disk.save(path, manifest)
        return disk.write(file, [json.dumps(one).encode() + b"\n" for one in lines])
    return False


def carried_index(disk, record):
    record["metadata"]["record_index"] = 999_999


# --- evaluations


def pairs(disk):
    """(path, manifest, evaluation, entry of training data) for each evaluation of a model that was trained here."""
    trainings = [run for _, _, run in disk.activities("training")]
    for path, manifest, run in disk.activities("evaluation"):
        loads = [one for one in manifest["activities"] if one["id"] in run["models"]]
        names = {used["file"].rpartition("/")[0] for load in loads for used in load["used"]}
        for training in trainings:
            if {made["file"] for made in training["generated"]} & names:
                yield from ((path, manifest, run, used) for used in training["used"] if is_records(used))


def same_file(disk):
    for path, manifest, run, data in list(pairs(disk))[:1]:
        run["used"] = [{**data, "role": "testSet"}]
        return disk.save(path, manifest)
    return False


def same_records(disk):
    """The test set holds a record of the training data, in one of three ways."""
    for _, _, run, data in list(pairs(disk))[:1]:
        line = disk.random.choice(disk.lines(data["file"]))
        record = json.loads(line)
        told = {"run_id": record["metadata"]["run_id"], "record_index": record["metadata"]["record_index"]}
        ways = (
            line,
            json.dumps({"question": f"  {record['instruction'].upper()} "}).encode(),
            json.dumps({"x": 1, "metadata": told}).encode(),
        )
        test = run["used"][0]["file"]
        return disk.write(test, [*disk.lines(test), disk.random.choice(ways).rstrip() + b"\n"])
    return False


def other_size(disk, report):
    if disk.random.random() < 0.5:
        report["metadata"]["dataset"]["size"] += 1
    else:
        report["results"].pop()


def scored(scorer, *, correct, **texts):
    """All results have these texts and this verdict, by a scorer that the report names or not; the summary fits them."""

    def change(disk, report):
        report["metadata"].pop("scorer", None)
        if scorer:
            report["metadata"]["scorer"] = {"name": scorer, "version": "1"}
        for row in report["results"]:
            put(row, correct=correct, **texts)

    return change


def other_metric(disk, report):
    name = disk.random.choice(sorted(report["summary"]))
    if disk.random.random() < 0.5:
        report["summary"][name] += 0.01
    else:
        row = disk.random.choice([row for row in report["results"] if f"{row['model']}_accuracy" == name])
        row["correct"] = not row["correct"]


# --- times


def disorder(disk, run):
    run["started_at"], run["ended_at"] = run["ended_at"], run["started_at"]


def longago(disk, record):
    record["metadata"]["timestamp"] = "2001-01-01T00:00:00+00:00"


# --- PROV


def exported(change):
    def apply(disk):
        export_folder(disk.folder)
        path = disk.random.choice(sorted(disk.folder.glob("session_2*.prov.json")) + sorted(disk.folder.glob("session_2*.ttl")))
        change(disk, path)
        return True

    return fault(apply)


def combined(change):
    """The same, of the PROV of all sessions."""

    def apply(disk):
        export_folder(disk.folder)
        change(disk, disk.random.choice([path for path in sorted((disk.folder / "graphs").glob("lineage.*")) if path.suffix != ".svg"]))
        return True

    return fault(apply)


def edited_letter(disk, path):
    data = path.read_bytes()
    at = disk.random.choice([at for at in range(len(data)) if data[at : at + 1].isalnum()])
    path.write_bytes(data[:at] + (b"x" if data[at : at + 1] != b"x" else b"y") + data[at + 1 :])


def left_out(disk, path):
    """The file is that of another folder: of one session less."""
    kept = path.read_bytes()
    manifests = sorted(disk.folder.glob("session_manifest_*.json"))
    data = manifests[-1].read_bytes()
    manifests[-1].unlink()
    export_folder(disk.folder)
    if path.read_bytes() == kept:
        raise AssertionError("a session less is another graph")
    manifests[-1].write_bytes(data)


def circle(disk):
    """Two filters, each of which made what the other used."""
    for path, manifest in disk.manifests()[:1]:
        first = disk.activities("generation", "transformation", "training", "model_load")[0][2]["started_at"]
        one, other = ({"file": name, "sha256": digest(name.encode()), "bytes": 1} for name in ("a.bin", "b.bin"))
        runs = [("d" * 32, one, other), ("c" * 32, other, one)]
        for id_, used, made in runs:
            run = {"id": id_, "type": "transformation", "kind": "filter", "status": "completed", "started_at": first, "ended_at": None}
            manifest["activities"].append({**run, "used": [used], "generated": [{"file": made["file"]}]})
            manifest["artifacts_generated"].append({**made, "type": "artifact", "count": None, "timestamp": first, "activity": id_})
        for name in ("a.bin", "b.bin"):
            (disk.folder / name).write_bytes(name.encode())
        return disk.save(path, manifest)
    return False


def two_starts(disk):
    """Two manifests tell of one load, which started at two times."""
    for (path, manifest), (_, other) in [disk.manifests(lambda manifest: manifest["activities"])[:2]]:
        run = other["activities"][0]
        manifest["activities"].append({**run, "generated": [], "started_at": "2025-09-21T00:00:00+00:00"})
        return disk.save(path, manifest)
    return False


# --- secrets


def a_secret(disk):
    """A text that no scanner knows: only its name says that it is a secret."""
    return "".join(disk.random.choices("abcdefghijkmnpqrstuvwxyzABCDEFGH23456789", k=20)) + "7aQ"


def leaked(disk, manifest):
    """The manifest holds a secret: in its title, its variables or its command line."""
    secret = a_secret(disk)
    disk.random.choice(
        (
            lambda: put(manifest, title=f"run with --api-key={secret}"),
            lambda: manifest["environment"].setdefault("variables", {}).update(HF_TOKEN=secret),
            lambda: put(manifest["environment"], command_line=["train.py", "--password", secret]),
            lambda: put(manifest["environment"], command_line=["sh", "-c", f"curl -u me:{secret} https://host"]),
        )
    )()


def leaked_parameter(disk, run):
    secret = a_secret(disk)
    put(
        run["params"],
        **disk.random.choice(
            ({"api_key": secret}, {"client": {"headers": {"Authorization": secret}}}, {"base_url": f"https://u:{secret}@host/v1"})
        ),
    )


def leaked_in_record(disk, record):
    record["metadata"]["generation_params"]["api_key"] = a_secret(disk)


def leaked_in_report(disk, report):
    report["metadata"]["decoding_params"]["hf_token"] = a_secret(disk)


def leaked_in_prov(disk, path):
    """Only the PROV file holds a secret, as an older version wrote it."""
    data = path.read_text()
    secret = a_secret(disk)
    path.write_text(
        data.replace("{", f'{{"param:api_key": "{secret}",', 1)
        if path.suffix == ".json"
        else data + f'\nlin:x param:api_key "{secret}" .\n'
    )


# --- signatures


def sign_all(disk):
    """Every session signed by a key that lies beside the folder; the envelopes in the order of the chain. What no session used is gone."""
    key = beside_folder(disk.folder, "pem")
    keys.new_key(key)
    envelopes = [one.path for one in sign(disk.folder, key)]
    for path in [one for place in ("data", "models") for one in (disk.folder / place).rglob("*") if one.is_file()]:
        if path.relative_to(disk.folder).as_posix() not in subjects(disk, envelopes):
            path.unlink()
    return envelopes


def without_key(disk):
    """The audit is given no key, now and then: what is done here shows without one."""
    if disk.random.random() < 0.5:
        beside_folder(disk.folder, "pem.pub").unlink()
    return True


def signed(change):
    """What *change* does to a folder after all its sessions were signed."""
    return fault(lambda disk: change(disk, sign_all(disk)) is not False)


def keyless(change):
    return signed(lambda disk, envelopes: without_key(disk) and change(disk, envelopes))


def bit_of_payload(disk, envelopes):
    """Another letter in what was signed, or in the signature."""
    path = disk.random.choice(envelopes)
    whole = json.loads(path.read_bytes())
    place = whole["signatures"][0] if disk.random.random() < 0.5 else whole
    key = "sig" if "sig" in place else "payload"
    at = disk.random.randrange(len(place[key]) - 4)
    place[key] = place[key][:at] + ("A" if place[key][at] != "A" else "B") + place[key][at + 1 :]
    path.write_text(json.dumps(whole, indent=2) + "\n")


def another_key(disk, envelopes):
    """The session signed anew by somebody else, in its place in the chain."""
    other = beside_folder(disk.folder, "other")
    keys.new_key(other)
    session = disk.random.choice(envelopes).name.removeprefix("session_").removesuffix(".dsse.json")
    sign(disk.folder, other, session=session, replace_signature=True)


def misplaced(disk, envelopes):
    one, other = disk.random.sample(envelopes, 2)
    shutil.copy(one, disk.random.choice((other, one.with_name("session_x.dsse.json"))))


def written_anew(disk, envelopes):
    path = disk.random.choice(envelopes)
    data = path.read_bytes()
    ways = (
        data + b" ",
        json.dumps(json.loads(data)).encode(),
        data.replace(b'"payloadType"', b'"note": 1, "payloadType"'),
        b"[" * 10_000,
        b"",
    )
    path.write_bytes(disk.random.choice(ways))


def subjects(disk, envelopes):
    """(file) of what was signed, in random order."""
    said = [json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"])) for path in envelopes]
    names = sorted({one["name"] for told in said for one in told["subject"]})
    disk.random.shuffle(names)
    return names


def alter_signed(disk, envelopes):
    """A file that was signed, and whatever the manifests say of it, so that only the signature tells."""
    name = subjects(disk, envelopes)[0]
    data = bytearray((disk.folder / name).read_bytes())
    at = disk.random.randrange(len(data))
    data[at] ^= 1
    (disk.folder / name).write_bytes(data)
    if not name.startswith("session_"):
        disk.reseal(name)


def lose_signed(disk, envelopes):
    name = next(name for name in subjects(disk, envelopes) if name.startswith("session_manifest_") or disk.random.random() < 0.5)
    (disk.folder / name).unlink()


def rename_signed(disk, envelopes):
    name = subjects(disk, envelopes)[0]
    (disk.folder / name).rename(disk.folder / f"{name}.old")


def exchange_signed(disk, envelopes):
    names = subjects(disk, envelopes)
    other = next((name for name in names[1:] if (disk.folder / name).read_bytes() != (disk.folder / names[0]).read_bytes()), None)
    return bool(other) and shutil.copy(disk.folder / other, disk.folder / names[0]) is not None


def late_journal(disk, envelopes):
    session = disk.random.choice(envelopes).name.removeprefix("session_").removesuffix(".dsse.json")
    (disk.folder / f"session_journal_{session}_1.jsonl").write_bytes(b'{"event": "left"}\n')


def came(disk, envelopes):
    """A file that nobody names, wherever."""
    path = disk.folder / disk.random.choice(("notes.txt", "models/0/config.json", "data/deep/down/x.bin", "session_manifest_x.json.bak"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def forget(disk, envelopes):
    """A session from between is gone, with all that tells of it."""
    if len(envelopes) < 3:
        return False
    path = disk.random.choice(envelopes[:-1])
    (disk.folder / path.name.replace("session_", "session_manifest_", 1).replace(".dsse.json", ".json")).unlink()
    return path.unlink() is None


def truncate(disk, envelopes):
    """The newest session is gone with its signature, and somebody kept the head."""
    beside_folder(disk.folder, "head").write_text(digest(envelopes[-1].read_bytes()))
    (disk.folder / envelopes[-1].name.replace("session_", "session_manifest_", 1).replace(".dsse.json", ".json")).unlink()
    envelopes[-1].unlink()


def replay(disk, envelopes):
    """An old signature of a session put back, and what it was a signature of."""
    path = envelopes[0]
    old = path.read_bytes()
    sign(disk.folder, beside_folder(disk.folder, "pem"), replace_signature=True)  # another time: another envelope, and all that follow it
    if path.read_bytes() == old:
        return False
    path.write_bytes(old)
    return len(envelopes) > 1


def unsign(disk, envelopes):
    disk.random.choice(envelopes).unlink()


def forged_session(disk, envelopes):
    """A session that nobody signed: in the folder, as a journal alone, or in a folder inside."""
    name = disk.random.choice(
        ("session_manifest_x.json", "session_journal_x_1.jsonl", "runs/session_manifest_x.json", ".hidden/session_manifest_x.json")
    )
    path = disk.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        '{"event": "session", "session": {"session_id": "x"}}\n' if name.endswith("l") else '{"session_id": "x", "status": "completed"}'
    )


def head_before(disk, envelopes):
    """A head that was kept before the last sessions were signed."""
    beside_folder(disk.folder, "head").write_text(digest(disk.random.choice(envelopes).read_bytes()))


def sidecars_and_pictures(disk, envelopes):
    for name in (".lineage/x.index", "graphs/x.svg", ".DS_Store"):
        (disk.folder / name).parent.mkdir(exist_ok=True)
        (disk.folder / name).write_text("{}")
    touched(disk)


def no_key_for_one(disk, envelopes):
    """A session that was not signed yet, and no key that would ask for it."""
    envelopes[-1].unlink()
    beside_folder(disk.folder, "pem.pub").unlink()


def openssh(disk, envelopes):
    """The same key, as OpenSSH writes it."""
    from cryptography.hazmat.primitives import serialization as form

    path = beside_folder(disk.folder, "pem.pub")
    path.write_bytes(keys.public_key(path).public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH) + b" a@b\n")


def either(*functions):
    def apply(random, folder):
        return random.choice(functions)(random, folder) or any(one(random, folder) for one in functions)

    return apply


def provenance(key, *values):
    return in_activity("model_load", change=lambda disk, run: deep(run, "provenance", key, value=disk.random.choice(values)))


def other_base(quantization):
    """A run with an adapter, whose base is loaded as *quantization* and was not for the training; all of them where it is None."""

    def apply(disk):
        loads = {run["id"]: run for _, _, run in disk.activities("model_load")}
        for _, _, entry in disk.artifacts(lambda entry: entry["type"] == "model"):
            weights = {one["sha256"] for one in entry.get("files", ()) if one["file"].endswith(".safetensors")}
            makers = [run for _, _, run in disk.activities("training", want=lambda run: run["id"] == entry["activity"])]  # noqa: B023
            bases = [loads[one] for run in makers for one in run["models"] if one in loads]
            asked = {one for _, _, run in disk.activities("evaluation", "generation") for one in run["models"]}
            for path, manifest, load in disk.activities("model_load", want=lambda run: run["id"] in asked):  # noqa: B023
                if bases and weights & {one["sha256"] for one in load["used"]}:
                    put(load["provenance"], quantization=quantization or bases[0]["provenance"]["quantization"])
                    return disk.save(path, manifest)
        return False

    return fault(apply)


def journal(data):
    def apply(disk):
        for _, manifest in disk.manifests()[:1]:
            (disk.folder / f"session_journal_{manifest['session_id']}_1.jsonl").write_bytes(data)
        return True

    return fault(apply)


FAULTS = {
    "missing-file": fault(lose),
    "altered-file": fault(flip),
    "replaced-file": written_again(lambda data: b"".join(data.splitlines(keepends=True)[1:])),
    "broken-root": in_artifact(bad_root, is_records),
    "broken-signature": either(signed(bit_of_payload), signed(another_key), keyless(misplaced), keyless(written_anew)),
    "not-as-signed": either(keyless(alter_signed), keyless(lose_signed), keyless(rename_signed), keyless(exchange_signed), keyless(late_journal), signed(came)),
    "broken-chain": either(keyless(forget), keyless(truncate), keyless(replay)),
    "unsigned-session": either(signed(unsign), signed(forged_session)),
    "count-differs": in_artifact(lambda disk, entry: put(entry, count=entry["count"] + disk.random.choice((-1, 1, 100))), is_records),
    "listed-twice": either(in_manifest(twice, lambda manifest: manifest["artifacts_generated"]), in_manifest(two_makers, lambda manifest: any(map(is_records, manifest["artifacts_generated"])))),
    "legacy-artifact": either(beside("old.jsonl", LEGACY), beside("old_report.json", b'{"summary": {"accuracy": 1}, "results": []}')),
    "provenance-differs": either(in_record(foreign_record), fault(foreign_load), in_bare(lambda disk, record: deep(record, "metadata", "provenance", disk.random.choice(("model_name", "loader_version")), value="another"))),
    "mixed-loaders": in_record(lambda disk, record: deep(record, "metadata", "provenance", "loader_version", value="0" * 40), "generation", "transformation", least=2),
    "sentinels-not-passed": either(provenance("sentinel_tests_passed", False), in_bare(lambda disk, record: deep(record, "metadata", "provenance", "sentinel_tests_passed", value=False))),
    "template-not-disabled": provenance("template_disabled", False),
    "special-tokens-added": provenance("add_special_tokens", True),
    "other-base": other_base("int4-of-another-kind"),
    "clean-load-not-recorded": either(*(provenance(key, None) for key in ("sentinel_tests_passed", "template_disabled", "add_special_tokens"))),
    "remote-model": in_activity("model_load", change=lambda disk, run: put(run, used=[], provenance={**run["provenance"], "provider": disk.random.choice(("openai", "Example Inc."))})),
    "model-not-recorded": in_activity("model_load", change=lambda disk, run: put(run, used=[], provenance={**run["provenance"], "model_name": None})),
    "unpinned-revision": in_activity("model_load", change=lambda disk, run: put(run, used=[], provenance={**run["provenance"], "revision": disk.random.choice((None, "main", "v1.0"))})),
    "params-differ": either(in_record(foreign_params), in_report(foreign_evaluation)),
    "seed-missing": either(fault(no_seed), in_record(one_seedless, least=2), in_activity("training", change=lambda disk, run: put(run, params={"epochs": 1}))),
    "params-incomplete": either(in_record(lambda disk, record: record["metadata"]["generation_params"].pop(disk.random.choice(("do_sample", "top_p", "num_beams"))) and None), in_activity("generation", "evaluation", change=lambda disk, run: run["params"].pop(disk.random.choice(("do_sample", "max_new_tokens", "num_beams", "repetition_penalty"))) and None)),
    "dirty-code": in_manifest(lambda disk, manifest: put(manifest["environment"], git_dirty=True)),
    "unknown-commit": in_manifest(lambda disk, manifest: put(manifest["environment"], git_sha=None)),
    "never-closed": in_manifest(lambda disk, manifest: put(manifest, status="running", ended_at=None)),
    "size-differs": in_report(other_size),
    "metric-differs": in_report(other_metric),
    "verdict-differs": in_report(scored("exact_match", answer="4", response="banana", correct=True)),
    "verdict-doubtful": in_report(scored(None, answer="4", response="banana", correct=True)),
    "trained-on-test": either(fault(same_file), fault(same_records)),
    "naive-time": in_manifest(lambda disk, manifest: put(manifest, started_at=manifest["started_at"][:19])),
    "bad-time": in_manifest(lambda disk, manifest: put(manifest, ended_at=disk.random.choice(("yesterday", "2025-13-01T00:00:00Z")))),
    "time-order": either(in_activity("model_load", "generation", "training", "evaluation", change=disorder), in_record(longago), in_manifest(lambda disk, manifest: put(manifest, ended_at="2001-01-01T00:00:00+00:00"))),
    "future-time": either(in_manifest(lambda disk, manifest: put(manifest, ended_at=LATER)), in_record(lambda disk, record: deep(record, "metadata", "timestamp", value=LATER))),
    "prov-stale": either(exported(lambda disk, path: path.write_bytes(path.read_bytes() + b"\n")), exported(lambda disk, path: in_manifest(lambda disk, manifest: put(manifest, title="another title"))(disk.random, disk.folder)),
                         combined(edited_letter), combined(left_out), combined(lambda disk, path: path.write_bytes(path.read_bytes()[:-1]))),
    "prov-malformed": either(exported(lambda disk, path: path.write_bytes(b"{" + path.read_bytes())), combined(lambda disk, path: path.write_bytes(path.read_bytes()[:-20] + b"[["))),
    "derivation-cycle": fault(circle),
    "secret-recorded": either(in_manifest(leaked), in_activity("generation", "evaluation", "training", change=leaked_parameter), in_record(leaked_in_record), in_report(leaked_in_report), exported(leaked_in_prov), combined(leaked_in_prov)),
    "prov-22": fault(two_starts),
    "no-metadata": in_record(lambda disk, record: record.pop("metadata") and None, least=2),
    "bad-metadata": in_record(lambda disk, record: deep(record, "metadata", "provenance", value="mine")),
    "truncated-line": fault(cut),
    "bad-compression": beside("more.jsonl.gz", gzip.compress(LEGACY * 1000, mtime=0)[:-12]),
    "not-json": in_line(b"{not json}", b"%"),
    "not-an-object": in_line(b"[1]", b"7", b'"text"'),
    "duplicate-key": in_line(b'{"a": 1, "a": 2}'),
    "not-finite": in_line(b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}'),
    "not-utf8": in_line(b'{"a": "\xff"}'),
    "line-too-long": in_line(b'{"a": "' + b"x" * (64 << 20) + b'"}'),
    "bad-manifest": in_artifact(lambda disk, entry: put(entry, count="many")),
    "newer-schema": in_manifest(lambda disk, manifest: put(manifest, schema=disk.random.choice(("2", "99", "1.1")))),
    "bad-report": either(beside("evaluation_x.json", b'{"summary": "high", "metadata": {}, "results": []}'), in_report(lambda disk, report: report.pop("summary") and None)),
    "torn-journal": journal(b'{"event": "left"}\n{"event": "art'),
    "outside-folder": in_artifact(lambda disk, entry: put(entry, file=disk.random.choice(("../other.jsonl", "/etc/hostname", "a/../../b")))),
    "unreadable": fault(pipe),
    "not-covered": fault(linked_away),
    "other-sidecar": fault(sidecar),
    "edited-record": in_record(lambda disk, record: put(record, response="another"), "transformation"),
    "unknown-origin": in_record(carried_index, "transformation"),
}  # fmt: skip


def seal_all(disk):
    for path, manifest, _ in disk.artifacts(is_records):
        for entry in manifest["artifacts_generated"]:
            if is_records(entry):
                root(disk, entry)
        disk.save(path, manifest)
    return True


def touched(disk):
    for path in disk.folder.rglob("*.jsonl"):
        os.utime(path, (1, 1))
    return True


def greedy(disk, run):
    for key in ("temperature", "top_k", "top_p", "seed"):
        run["params"].pop(key, None)
    run["params"]["do_sample"] = False


KEPT = in_record(lambda disk, record: put(record, note="kept"), "generation")  # a record that was changed, and recorded as it is
GOOD = {
    "missing-file": in_manifest(lambda disk, manifest: manifest["artifacts_generated"].append({"file": "announced.jsonl", "type": "training_data", "count": None, "timestamp": None})),
    "altered-file": fault(touched),
    "replaced-file": written_again(lambda data: data),
    "broken-root": fault(seal_all),
    "broken-signature": signed(openssh),
    "not-as-signed": signed(sidecars_and_pictures),
    "broken-chain": signed(head_before),
    "unsigned-session": signed(no_key_for_one),
    "count-differs": in_artifact(lambda disk, entry: put(entry, count=None), is_records),
    "listed-twice": in_manifest(lambda disk, manifest: manifest["artifacts_generated"].append({"file": "data/prompts_0.jsonl", "type": "prompts", "count": None, "timestamp": None})),
    "legacy-artifact": beside("notes.txt", b"no records"),
    "provenance-differs": either(in_record(lambda disk, record: put(record["metadata"], note="of the user's own")), fault(lambda disk: bool(bare(disk)))),
    "params-differ": fault(told_params),
    "mixed-loaders": in_record(lambda disk, record: deep(record, "metadata", "provenance", "device", value="cuda:1"), least=2),
    "sentinels-not-passed": provenance("sentinels", {"advisory": {"perplexity": 99}}),
    "template-not-disabled": provenance("chat_template_sha256", "0" * 64),
    "special-tokens-added": provenance("prefix_policy", "bos"),
    "other-base": other_base(None),
    "clean-load-not-recorded": provenance("chat_template_sha256", None),
    "remote-model": in_activity("model_load", change=lambda disk, run: put(run, provenance={**run["provenance"], "provider": "transformers"})),
    "model-not-recorded": in_activity("model_load", change=lambda disk, run: put(run, used=[], provenance={**run["provenance"], "model_name": "a/model"})),
    "unpinned-revision": in_activity("model_load", change=lambda disk, run: put(run, used=[], provenance={**run["provenance"], "revision": "0" * 40})),
    "seed-missing": either(in_activity("generation", change=greedy), fault(greedy_records)),
    "params-incomplete": in_activity("evaluation", "generation", change=greedy),
    "dirty-code": in_manifest(lambda disk, manifest: put(manifest["environment"], git_dirty=None)),
    "unknown-commit": in_manifest(lambda disk, manifest: put(manifest["environment"], git_branch=None)),
    "never-closed": in_manifest(lambda disk, manifest: put(manifest, status="failed")),
    "size-differs": in_report(lambda disk, report: report["metadata"]["dataset"].pop("size") and None),
    "metric-differs": in_report(lambda disk, report: [put(row, note=1) for row in report["results"]] and None),
    "verdict-differs": in_report(scored("exact_match", answer="4", response="4", correct=True)),
    "verdict-doubtful": in_report(scored(None, answer="4", response="It is four.", correct=True)),
    "trained-on-test": fault(lambda disk: disk.write("data/held_out_0.jsonl", [b'{"instruction": "of its own"}\n'])),
    "naive-time": in_manifest(lambda disk, manifest: put(manifest, started_at=manifest["started_at"].replace("+00:00", "Z"))),
    "bad-time": in_manifest(lambda disk, manifest: put(manifest, ended_at=None)),
    "time-order": in_activity("generation", "training", "evaluation", change=lambda disk, run: put(run, ended_at=None)),
    "future-time": in_manifest(lambda disk, manifest: put(manifest, ended_at=None)),
    "prov-stale": either(exported(lambda disk, path: os.utime(path, (1, 1))), combined(lambda disk, path: path.unlink()), combined(lambda disk, path: (path.parent / "lineage.svg").write_text("mine"))),
    "prov-malformed": exported(lambda disk, path: path.write_text('{"prefix": {}}' if path.suffix == ".json" else "# a comment\n")),
    "derivation-cycle": fault(lambda disk: True),
    "secret-recorded": either(in_activity("generation", change=lambda disk, run: put(run["params"], pad_token_id=disk.random.randrange(10**6), tokenizer=digest(b"x"))), in_manifest(lambda disk, manifest: put(manifest, title="what a password is")), in_manifest(lambda disk, manifest: put(manifest["environment"], command_line=["train.py", "--token=***", "--sort-key", "length"])), in_record(lambda disk, record: put(record, response=f"password: {a_secret(disk)}"))),
    "prov-22": in_activity("generation", change=lambda disk, run: put(run, started_at=run["ended_at"])),
    "no-metadata": KEPT,
    "bad-metadata": in_record(lambda disk, record: deep(record, "metadata", "provenance", "mine", value=[1])),
    "truncated-line": in_line(b""),
    "bad-compression": beside("more.jsonl.gz", gzip.compress(LEGACY * 1000, mtime=0)),
    "not-json": in_line(b"", b"  "),
    "not-an-object": in_line(b"{}"),
    "duplicate-key": in_line(b'{"a": {"a": 1}, "b": {"a": 1}}'),
    "not-finite": in_line(b'{"a": 1e308}', b'{"a": "NaN"}'),
    "not-utf8": in_line('{"a": "\u00fc\U0001f600"}'.encode()),
    "line-too-long": in_line(b'{"a": "' + b"x" * (1 << 20) + b'"}'),
    "bad-manifest": in_manifest(lambda disk, manifest: put(manifest, of_the_user={"count": "many"})),
    "newer-schema": in_manifest(lambda disk, manifest: put(manifest, schema=None)),
    "bad-report": beside("evaluation_x.json", b'{"summary": {"accuracy": 1, "by_task": {"a": 0.5, "b": null}, "note": "N/A"}, "metadata": {}, "results": []}'),
    "torn-journal": journal(b'{"event": "left"}\n'),
    "outside-folder": in_artifact(lambda disk, entry: put(entry, type="of the user's own"), lambda entry: not is_records(entry)),
    "unreadable": fault(touched),
    "not-covered": fault(linked_within),
    "other-sidecar": fault(lambda disk: [index.build(disk.folder / file) for file, _ in disk.records("generation")] and True),
    "edited-record": fault(lambda disk: True),
    "unknown-origin": KEPT,
}  # fmt: skip

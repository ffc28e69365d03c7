"""Data sets that are no file: objects of a data library and names on a hub are recorded as what they are."""

import json
import sys
import types
from pathlib import Path

import pytest

import lineage
from lineage.contract import manifest
from lineage.recording import datasets


class Dataset:
    """Looks like datasets.Dataset."""

    def __init__(self, fingerprint="f00d", split="train", rows=12, cache_files=()):
        self._fingerprint, self.split, self.num_rows, self.cache_files = fingerprint, split, rows, list(cache_files)

    def __len__(self):
        return self.num_rows

    def __getitem__(self, number):
        return {"text": str(number)}

    def __iter__(self):
        yield from ({"text": str(number)} for number in range(self.num_rows))


class IterableDataset:
    """Looks like datasets.IterableDataset: nobody knows its rows."""

    _fingerprint, split = None, "train"

    def __iter__(self):
        raise AssertionError("it was read")


class DatasetDict(dict):
    """Looks like datasets.DatasetDict."""

    @property
    def num_rows(self):
        return {name: one.num_rows for name, one in self.items()}


class Sized:
    """Looks like torch.utils.data.Dataset."""

    def __len__(self):
        return 7

    def __getitem__(self, number):
        raise AssertionError("it was read")


class Loader(Sized):
    """Looks like a DataLoader: its length is that of its batches."""

    batch_size = 4


class Table:
    """Looks like pyarrow.Table: a number of rows, and nothing else."""

    num_rows = 3

    def __iter__(self):
        raise AssertionError("it was read")


class Hostile:
    """Says no word of itself."""

    num_rows = 1

    @property
    def split(self):
        raise RuntimeError("the server is down")


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text("{}\n")
    return tmp_path


def used(value, **more):
    """What a training on *value* is recorded to have used, as JSON and as it is read back."""
    with lineage.session("artifacts", export=False) as session, session.training(datasets=value, **more):
        pass
    read, findings = manifest.read(session.manifest)
    assert findings == []
    return json.loads(session.manifest.read_text())["activities"][-1]["used"], read.activities[-1].used


OBJECTS = {
    "Dataset": (Dataset(), {"fingerprint": "f00d", "split": "train", "rows": 12}),
    "IterableDataset": (IterableDataset(), {"fingerprint": None, "split": "train", "rows": None}),
    "torch": (Sized(), {"fingerprint": None, "split": None, "rows": 7}),
    "loader": (Loader(), {"fingerprint": None, "split": None, "rows": None}),
    "table": (Table(), {"fingerprint": None, "split": None, "rows": 3}),
}


@pytest.mark.parametrize("is_list", [False, True], ids=["alone", "in a list"])
@pytest.mark.parametrize(("value", "said"), OBJECTS.values(), ids=OBJECTS)
def test_an_object_is_recorded_with_what_it_says_of_itself(work, value, said, is_list):
    (told,), (fact,) = used([value] if is_list else value)
    assert told["sha256"] is None
    assert told["role"] == "trainingData"
    assert told["dataset"] == {"class": f"{__name__}.{type(value).__name__}", **said}
    assert told["count"] == said["rows"]
    assert told["gaps"]["sha256"] == datasets.IN_MEMORY
    assert {key for key, value in said.items() if value is None} == {key.removeprefix("dataset.") for key in told["gaps"] if "." in key}
    assert fact.dataset == told["dataset"]


def test_a_dictionary_of_splits_is_an_input_a_split(work):
    told, _ = used(DatasetDict(train=Dataset("1", None, 8), test=Dataset("2", None, 2)))
    assert [(one["dataset"]["split"], one["dataset"]["fingerprint"], one["count"]) for one in told] == [("train", "1", 8), ("test", "2", 2)]


def test_paths_and_objects_may_be_mixed(work):
    told, _ = used(["a.jsonl", Dataset(), "org/name"])
    assert [one["file"] for one in told] == ["../a.jsonl", "Dataset-train-f00d", "org/name"]


def test_two_objects_that_nothing_tells_apart_are_two_inputs(work):
    told, _ = used([Sized(), Sized()])
    assert len({one["file"] for one in told}) == 2


def test_an_object_that_cannot_be_asked_does_not_end_the_run(work):
    (told,), _ = used(Hostile())
    assert told["sha256"] is None
    assert told["gaps"]["sha256"]


def test_cache_files_are_parts_and_not_the_data_set(work):
    Path("data.arrow").write_bytes(b"arrow")
    (told,), _ = used(Dataset(cache_files=[{"filename": str(Path("data.arrow").absolute())}, {"filename": "gone.arrow"}, {"other": 1}, 5]))
    assert told["sha256"] is None
    assert [one["file"] for one in told["files"]] == ["../data.arrow"]
    assert told["files"][0]["sha256"]
    assert told["gaps"]["sha256"] == datasets.WITH_PARTS


def test_cache_files_that_are_too_large_are_not_digested(work, monkeypatch):
    monkeypatch.setattr(datasets, "MAX_CACHED", 4)
    Path("data.arrow").write_bytes(b"arrow")
    (told,), _ = used(Dataset(cache_files=[{"filename": "data.arrow"}]))
    assert "files" not in told


def test_the_test_set_of_an_evaluation_may_be_an_object(work):
    with lineage.session("artifacts", export=False) as session, session.evaluation(dataset=Dataset(split="test", rows=30)) as run:
        run.report("evaluation.json", summary={"accuracy": 0.5}, results=[])
    told = json.loads(session.manifest.read_text())["activities"][0]
    assert told["dataset"] == {"name": "Dataset-test-f00d", "size": 30, "version": None}
    assert told["used"][0]["role"] == "testSet"


def test_real_data_sets_of_torch(work):
    data = pytest.importorskip("torch.utils.data", reason="the data sets of torch")
    torch = sys.modules["torch"]

    class Rows(data.IterableDataset):
        def __iter__(self):
            return iter(())

    tensors = data.TensorDataset(torch.zeros(5))
    told, _ = used([tensors, data.Subset(tensors, [1, 2]), data.ConcatDataset([tensors, tensors]), Rows(), data.DataLoader(tensors, 2)])
    assert [one["count"] for one in told] == [5, 2, 10, None, None]


def test_a_data_library_is_not_imported(work):
    before = set(sys.modules)
    used(Dataset())
    assert not {"datasets", "torch", "pandas"} & (set(sys.modules) - before)


def test_detecting_runs_no_code_of_the_object():
    class Proxy:
        def __getattr__(self, name):
            raise AssertionError(name)

    assert not datasets.is_dataset(Proxy())
    assert not datasets.is_dataset(types.ModuleType("datasets"))
    assert not datasets.is_dataset(Dataset)


# --- names


@pytest.mark.parametrize(
    ("name", "hub", "revision"),
    [
        ("org/name", "org/name", None),
        ("HuggingFaceFW/fineweb-edu", "HuggingFaceFW/fineweb-edu", None),
        ("org/data-v1.5", "org/data-v1.5", None),
        ("org/name@" + "a" * 40, "org/name", "a" * 40),
        ("org/name@refs/convert/parquet", "org/name", "refs/convert/parquet"),
    ],
)
@pytest.mark.parametrize("argument", ["datasets", "validation"])
def test_a_name_of_a_hub_is_recorded_as_one(work, name, hub, revision, argument):
    with lineage.session("artifacts", export=False) as session, session.training(**{argument: name}):
        pass
    (told,) = json.loads(session.manifest.read_text())["activities"][0]["used"]
    assert told["file"] == hub
    assert told["dataset"] == {"hub": hub, "revision": revision}
    assert told["sha256"] is None
    assert told["gaps"]["sha256"] == datasets.ON_HUB
    assert ("dataset.revision" in told["gaps"]) == (revision is None)
    assert not {"missing-file", "outside-folder", "unreadable"} & {one.code for one in lineage.audit("artifacts").findings}


@pytest.mark.parametrize(
    "name",
    [
        "data/train.jsonl",
        "data/train",
        "artifacts/x",
        "artifacts/train",
        "./org/name",
        "../org/name",
        "/org/name",
        "a/b/c",
        "org/x.safetensors",
        "squad",
    ],
)
def test_a_missing_file_is_no_name_of_a_hub(work, name):
    Path("data").mkdir()
    (told,), _ = used(name)
    assert "dataset" not in told
    assert told["gaps"] == {"sha256": "No such file or directory"}


def test_a_file_that_is_there_is_a_file_whatever_it_is_called(work):
    Path("org").mkdir()
    Path("org/name").write_text("{}\n")
    (told,), _ = used("org/name")
    assert told["file"] == "../org/name"
    assert told["sha256"]


@pytest.mark.parametrize("url", ["https://host/data.jsonl", "s3://bucket/key", "hf://datasets/org/name/x.parquet", "gs://b/k"])
def test_a_url_is_recorded_as_it_is_and_not_opened(work, url):
    (told,), _ = used(url)
    assert told["file"] == url
    assert told["gaps"] == {"sha256": datasets.NOT_OPENED}


def test_a_password_in_a_url_is_not_recorded(work):
    (told,), _ = used("https://ada:s3cr3t@host/data.jsonl")
    assert "s3cr3t" not in json.dumps(told)


def test_a_data_set_has_its_facts_in_the_graph(work):
    with lineage.session("artifacts") as session, session.training(datasets=[Dataset(), "org/name@v1"]):
        pass
    text = next(session.folder.glob("session_*.ttl")).read_text()
    for fact in (
        'lin:fingerprint "f00d"',
        'lin:split "train"',
        'lin:hubName "org/name"',
        'lin:revision "v1"',
        "lin:dataClass",
        'lin:count "12"',
    ):
        assert fact in text
    assert not [one for one in lineage.audit("artifacts").findings if one.rule.level == "error"]

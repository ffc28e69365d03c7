"""Checkpoints whose files contradict each other, or that this environment cannot load, are refused with the reason."""

import json
import logging
import struct

import pytest

from lineage.errors import LineageError, ModelError, UsageError
from lineage.models import checkpoint, tiny
from lineage.models.loader import CleanModelLoader


def weights(path, *types):
    header = json.dumps({f"w{n}": {"dtype": kind, "shape": [0], "data_offsets": [0, 0]} for n, kind in enumerate(types)}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def configured(folder, said, *types):
    (folder / "config.json").write_text(json.dumps({"quantization_config": said}))
    weights(folder / "model.safetensors", *types)


STALE = [
    ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "4-bit"),
    ({"quant_method": "bitsandbytes", "_load_in_4bit": True}, "4-bit"),
    ({"load_in_8bit": True}, "8-bit"),
    ({"quant_method": "gptq", "bits": 4}, "4-bit"),
    ({"quant_method": "awq", "bits": 8}, "8-bit"),
]


@pytest.mark.parametrize("said, words", STALE)
@pytest.mark.parametrize("kind", ["F16", "BF16", "F32"])
def test_a_quantization_without_quantized_weights_is_refused(tmp_path, said, words, kind):
    configured(tmp_path, said, kind, kind)
    with pytest.raises(ModelError, match=f"config.json says {words}.*no quantization state") as raised:
        checkpoint.check(tmp_path)
    assert raised.value.at == str(tmp_path)
    assert "quantization_config" in raised.value.hint


@pytest.mark.parametrize(
    "said, types",
    [
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, ("BF16", "U8")),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, ("BF16", "I8")),
        ({"quant_method": "gptq", "bits": 4}, ("F16", "I32")),
        ({"quant_method": "another"}, ("F16",)),
        (None, ("F16",)),
        ("none", ("F16",)),
    ],
)
def test_files_that_agree_pass(tmp_path, said, types):
    configured(tmp_path, said, *types)
    checkpoint.check(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\0" * 7, struct.pack("<Q", 1 << 60), struct.pack("<Q", 4) + b"nope"])
def test_weights_that_are_none_are_left_to_the_library(tmp_path, data):
    configured(tmp_path, {"load_in_4bit": True}, "F16")
    (tmp_path / "model.safetensors").write_bytes(data)
    checkpoint.check(tmp_path)


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_an_empty_name_is_refused(name):
    with pytest.raises(UsageError, match="empty"):
        CleanModelLoader(name)


def test_a_missing_package_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else object())
    for call in (lambda: tiny.build(tmp_path / "m", ["x"]), CleanModelLoader("m").load):
        with pytest.raises(ModelError, match="torch") as raised:
            call()
        assert "lineage-prov[models]" in str(raised.value)


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("torch", reason="pip install 'lineage-prov[models]'")
    pytest.importorskip("transformers", reason="pip install 'lineage-prov[models]'")
    return tiny.build(tmp_path / "m", ["Name a colour."])


@pytest.mark.models
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("quantization", ["bf16", "fp32"])
def test_a_stale_configuration_is_refused_by_the_loader(folder, quantization):
    config = json.loads((folder / "config.json").read_text()) | {
        "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}
    }
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="4-bit"):
        CleanModelLoader(folder, quantization).load()


@pytest.mark.models
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "shape"])
def test_what_cannot_be_loaded_says_which_model_and_why(folder, damage):
    file = folder / "model.safetensors"
    if damage == "missing":
        file.unlink()
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:5000])
    else:
        config = json.loads((folder / "config.json").read_text()) | {"hidden_size": 32}
        (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(LineageError, match=r"m: the model cannot be loaded: ."):
        CleanModelLoader(folder, "fp32", allow_contaminated=True).load()


@pytest.mark.models
@pytest.mark.filterwarnings("ignore")
def test_another_precision_than_the_one_asked_for_is_said(folder, monkeypatch, caplog):
    monkeypatch.setattr("lineage.models.identity.quantization", lambda model: {"quantization": "nf4", "compute_dtype": "bfloat16"})
    with caplog.at_level(logging.WARNING, logger="lineage"):
        _, _, provenance = CleanModelLoader(folder, "fp32", allow_contaminated=True).load()
    assert provenance["quantization"] == "nf4"
    assert provenance["gaps"]["quantization"] == "fp32 was asked for, and the checkpoint is nf4"
    assert "fp32 was asked for" in caplog.text

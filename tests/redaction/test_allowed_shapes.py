"""The open shapes of what may be published: no address, host, path or text in digits fits them."""

import pytest

from lineage.redaction.allowed import is_hub_name, is_measure, is_number


@pytest.mark.parametrize("name", ["alice@corp-host.example", "host-17.alice.lan", "What-is-the-capital", "a" * 40, "1st", "pass@host"])
def test_what_is_no_identifier_is_no_measure(name):
    assert not is_measure(name)


@pytest.mark.parametrize("name", ["sft_accuracy", "pass@10", "F1", "accuracy"])
def test_an_identifier_is_a_measure(name):
    assert is_measure(name)


@pytest.mark.parametrize(
    "name", ["Users/alice", "nfs/alice", "root/x", "workspace/secret", "scratch/alice", "home/x", "Models/x", "a/b/c", "./x"]
)
def test_a_local_folder_is_no_name_of_a_hub(name):
    assert not is_hub_name(name) and is_hub_name("Qwen/Qwen2.5-32B")


def test_an_integer_that_could_hold_a_text_is_no_number():
    assert not is_number(int.from_bytes(b"PROMPTSECRET")) and is_number(2**32) and is_number(-1.5)

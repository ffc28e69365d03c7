"""Secrets are found by name and by shape, wherever they stand; what experiments record is left as it is."""

import hashlib
import json
import string
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaky import ALNUM, COMMANDS, NAMES, PLAIN_NAMES, PLAIN_TEXTS, SHAPES, Maker

from lineage.core import secrets

FEW = settings(max_examples=12)  # of each of hundreds of cases
SEEDS = st.integers(0, 1 << 32)
WORDS = st.text(string.ascii_letters + string.digits, min_size=9, max_size=40)


def survivors(maker, text):
    return [secret for secret in maker.made if secret in text]


# --- secrets do not survive


@pytest.mark.parametrize("kind", SHAPES)
@FEW
@given(seed=SEEDS)
def test_a_shape_does_not_survive_in_a_text(kind, seed):
    maker = Maker(seed)
    text = f"failed: {SHAPES[kind](maker)}"
    assert survivors(maker, secrets.redact(text)) == []
    assert secrets.HIDDEN in secrets.redact(text)


@pytest.mark.parametrize("kind", SHAPES)
@FEW
@given(seed=SEEDS)
def test_a_shape_does_not_survive_in_a_value(kind, seed):
    maker = Maker(seed)
    shown, hidden = secrets.hide({"extra": [{"note": SHAPES[kind](maker)}]}, "params")
    assert survivors(maker, json.dumps(shown)) == []
    assert [way for way, _ in hidden] == ["params.extra[0].note"]


@pytest.mark.parametrize("kind", SHAPES)
@FEW
@given(seed=SEEDS)
def test_a_shape_does_not_survive_in_an_argument(kind, seed):
    maker = Maker(seed)
    secret = SHAPES[kind](maker)
    for argv in (["prog", secret], ["prog", f"--url={secret}"], ["prog", "--data", secret], ["sh", "-c", f"prog {secret}"]):
        assert survivors(maker, " ".join(secrets.command_line(argv))) == []


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
@FEW
@given(seed=SEEDS)
def test_an_argument_does_not_survive(argv, seed):
    maker = Maker(seed)
    filled = [part.replace("§", maker.text(ALNUM, 16)) if "§" in part else part for part in argv]
    shown = secrets.command_line(["prog", *filled, "--lr", "1e-3"])
    assert survivors(maker, " ".join(shown)) == []
    assert shown[0] == "prog"
    assert shown[-2:] == ["--lr", "1e-3"]


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(value=WORDS)
def test_a_value_under_the_name_of_a_secret_is_null(name, value):
    shown, hidden = secrets.hide({"a": {name: value}, "b": ({name: value},)}, "params")
    assert shown == {"a": {name: None}, "b": ({name: None},)}
    assert [way for way, _ in hidden] == [f"params.a.{name}", f"params.b[0].{name}"]
    assert all("looks like a secret and is not recorded" in reason for _, reason in hidden)


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(value=WORDS.filter(lambda value: not value.isdigit() and not value.isalpha()))
def test_an_assignment_to_the_name_of_a_secret_does_not_survive(name, value):
    for text in (f"{name}={value}", f'"{name}": "{value}"', f"{{'{name}': '{value}'}}", f"{name}: {value}", f'x(1, {name}="{value}")'):
        assert value not in secrets.redact(f"error: {text}")
        assert value not in " ".join(secrets.command_line(["prog", text]))
    for argv in ([f"--{name}", value], [f"--{name}={value}"], [f"--{name}", "--", value]):
        assert value not in " ".join(secrets.command_line(["prog", *argv]))


@pytest.mark.parametrize("value", [0, 7, 1234, True, 1.5])
def test_a_number_is_a_secret_under_a_password_and_not_under_a_token(value):
    shown, _ = secrets.hide({"password": value, "token": value, "use_auth_token": value}, "params")
    assert shown == {"password": None, "token": value, "use_auth_token": value}


@pytest.mark.parametrize("value", ["<|endoftext|>", "</s>", "[SEP]", "EMPTY", "text", "+", "|", "sks", "", "\n"])
@pytest.mark.parametrize("name", ["token", "user_token", "api_key", "project_key", "host_key", "tokens"])
def test_what_no_service_gives_out_is_no_secret_under_a_token_or_key(name, value):
    assert secrets.hide({name: value}, "params") == ({name: value}, ())
    assert secrets.hide({"password": value or "x"}, "params")[0] == {"password": None}


@given(value=WORDS)
def test_a_key_is_a_secret_where_a_service_holds_it(value):
    assert secrets.hide({"wandb": {"key": value}}, "params")[0] == {"wandb": {"key": None}}
    assert secrets.hide({"dataset": {"key": value.lower()}}, "params")[0] == {"dataset": {"key": value.lower()}}


def test_nothing_is_hidden_where_nothing_is():
    given_ = {"password": None, "api_key": "", "token": "***", "credentials": {}, "cookies": []}
    assert secrets.hide(given_, "params") == (given_, ())


def test_pairs_and_named_values_are_values_under_a_name():
    headers = [["Authorization", "x7Qz81"], ["Accept", "*/*"]]
    variables = [{"name": "API_KEY", "value": "x7Qz81"}, {"name": "LANG", "value": "C"}]
    shown, hidden = secrets.hide({"headers": headers, "env": variables}, "params")
    assert shown == {
        "headers": [["Authorization", None], ["Accept", "*/*"]],
        "env": [{"name": "API_KEY", "value": None}, {"name": "LANG", "value": "C"}],
    }
    assert [way for way, _ in hidden] == ["params.headers[0][1]", "params.env[0].value"]


def test_names_of_packages_and_gaps_are_no_names_of_values():
    told = {"packages": {"detect-secrets": "1.5.0", "pyjwt": "2.9"}, "gaps": {"params.api_key": "it was not given"}}
    assert secrets.hide(told, "environment") == (told, ())
    shown, _ = secrets.hide({"packages": {"token": "x7Qz81"}, "gaps": {"password": "x7Qz81"}}, "params")
    assert shown == {"packages": {"token": None}, "gaps": {"password": None}}


def test_a_secret_that_is_a_key_is_hidden_also_in_the_path():
    maker = Maker(1)
    shown, hidden = secrets.hide({SHAPES["openai"](maker): {"password": "x"}}, "params")
    assert survivors(maker, json.dumps([shown, hidden])) == []


@given(seed=SEEDS, kind=st.sampled_from(sorted(SHAPES)))
def test_hiding_again_changes_nothing(seed, kind):
    shown = secrets.redact(f"failed: {SHAPES[kind](Maker(seed))}")
    assert secrets.redact(shown) == shown
    value = secrets.hide({"a": SHAPES[kind](Maker(seed)), "token": "x1y2z3"}, "params")[0]
    assert secrets.hide(value, "params") == (value, ())


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_hiding_arguments_again_changes_nothing(argv):
    shown = secrets.command_line([part.replace("§", Maker(3).text()) for part in argv])
    assert secrets.command_line(shown) == shown


# --- what is no secret stays


@pytest.mark.parametrize("name", PLAIN_NAMES)
@FEW
@given(value=st.one_of(st.integers(), st.booleans(), st.lists(st.integers()), st.sampled_from(PLAIN_TEXTS)))
def test_a_plain_name_hides_nothing(name, value):
    assert secrets.hide({name: value, "inner": {name: value}}, "params") == ({name: value, "inner": {name: value}}, ())
    argv = ["prog", f"--{name.replace('@', '_at_')}", "150", f"{name}=150"]
    assert secrets.command_line(argv) == argv


@pytest.mark.parametrize("text", PLAIN_TEXTS)
def test_a_plain_text_stays(text):
    assert secrets.redact(text) == text
    assert secrets.hide({"prompt": text}, "params") == ({"prompt": text}, ())
    assert secrets.kinds(text) == ()


@given(data=st.binary(min_size=1), number=st.uuids())
def test_digests_and_ids_stay(data, number):
    sha = hashlib.sha256(data).hexdigest()
    for text in (
        sha,
        sha[:40],
        str(number),
        number.hex,
        f"sha256:{sha}",
        f"20251004T120000Z-{number.hex[:12]}",
        f"image@sha256:{sha}",
        str(uuid.UUID(int=7)),
    ):
        assert secrets.redact(f"x {text} y") == f"x {text} y"
        assert secrets.hide({"revision": text}, "params")[1] == ()


@given(
    st.lists(
        st.sampled_from(
            ["what", "is", "a", "password", "token", "secret", "key", "of", "the", "model", "that", "reads", "it", "and", "passes"]
        ),
        min_size=1,
        max_size=20,
    )
)
def test_prose_about_secrets_stays(words):
    assert secrets.redact(" ".join(words)) == " ".join(words)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("abc ", max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
    )
)
def test_values_pass_through_as_they_are(value):
    assert secrets.hide({"x": value}, "params") == ({"x": value}, ())


def test_parameters_without_a_secret_are_not_copied():
    for params in ({"seed": 1}, {"temperature": 0.7, "stop": ["END"]}, {"model": "org/m", "use_auth_token": True}):
        assert secrets.hidden_params(params) is params
    assert secrets.hidden_params({"seed": 1, "api_key": "x7Qz81"}) == {"seed": 1, "api_key": None}
    assert secrets.reasons({"seed": 1, "api_key": "x7Qz81"}) == {"params.api_key": secrets.WHOLE}


# --- files


@pytest.mark.parametrize(
    "kind",
    sorted(
        set(SHAPES) - {"option", "shell", "assignment, colon", "cookie", "api header", "python", "list of headers", "& in it", "' in it"}
    ),
)
def test_a_patch_with_a_secret_is_known(kind):
    maker = Maker(5)
    secret = SHAPES[kind](maker).replace("\n", "\n+")
    assert secrets.kinds(f"--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-old\n+x = 1\n+{secret}\n") != ()


CODE = """
token = os.environ["HF_TOKEN"]
api_key = args.api_key
password = getpass.getpass("password: ")
client = OpenAI(api_key=api_key, base_url=f"https://{user}:{password}@{host}/v1")
parser.add_argument("--password", help="the password of the server")
schema = {"token": "string", "secret": {"type": "string"}}
api_key = "your-api-key"
headers = {"Authorization": f"Bearer {token}"}
tokenizer.pad_token = tokenizer.eos_token
if key == "sort_key": pass
KEY = re.compile("-----BEGIN PRIVATE " "KEY-----")
sha = "0123456789abcdef0123456789abcdef01234567"
"""


def test_code_that_handles_secrets_holds_none():
    assert secrets.kinds(CODE) == ()
    assert secrets.kinds(f'{CODE}\npassword = "{Maker(9).text()}"\n') == ("value of a secret's name",)


def test_a_secret_across_the_border_of_two_pieces_is_found():
    secret = SHAPES["openai"](Maker(2))
    for before in range((1 << 20) - len(secret) - 1, (1 << 20) + 1, 7):
        assert secrets.kinds("\n" * before + secret) != ()


def test_chance_in_binary_parts_of_a_patch_is_no_secret():
    line = "z" + "hf" + "_" + Maker(3).text(ALNUM, 40) + "\n"
    assert secrets.kinds(f"diff --git a/x b/x\nGIT binary patch\nliteral 9\n{line}{line}\n") == ()
    assert secrets.kinds(line.removeprefix("z")) != ()


def test_what_is_too_large_is_not_said_to_hold_none():
    assert secrets.kinds(b"x" * (1 << 20)) == ()
    assert secrets.kinds(b"x" * ((16 << 20) + 1)) == ("not searched: larger than 16777216 bytes",)


@given(st.text())
def test_any_text_can_be_searched(text):
    secrets.kinds(text)
    secrets.command_line([text, f"--token={text}", f"sh -c '{text}'"])
    assert secrets.redact(secrets.redact(text)) == secrets.redact(text)

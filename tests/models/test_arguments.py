"""The arguments of any function that calls a model: parameters are recorded, contents and credentials never."""

import asyncio
import dataclasses
import functools
import inspect
import json
from enum import Enum
from types import SimpleNamespace

import pytest

import lineage
from lineage.models.hooks import recorded
from lineage.models.settings import UNSEEDED, settings

SECRET = "a-secret-value-of-the-user"
CONTENT = "What the model reads, which is nobody's business."


def client(*, messages=None, model=None, temperature=None, api_key=None, **more):
    return "an answer"


def params(function, *args, **kwargs):
    return settings(function, args, kwargs).params


@pytest.mark.parametrize(
    "name",
    ["messages", "prompt", "prompts", "input", "inputs", "contents", "text", "system", "instructions", "query", "documents", "suffix"],
)
@pytest.mark.parametrize("value", [CONTENT, [CONTENT], [{"role": "user", "content": CONTENT}], {"content": CONTENT}])
def test_what_the_model_reads_is_never_recorded(name, value):
    found = settings(client, (), {name: value, "temperature": 0.3, "seed": 1})
    assert CONTENT not in repr(found)
    assert found.params == {"temperature": 0.3, "seed": 1}


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "openai_api_key", "token", "hf_token", "access_token", "authorization", "auth", "password", "secret", "cookie"],
)
def test_a_credential_is_left_out_and_the_gap_says_so(name):
    found = settings(client, (), {name: SECRET, "temperature": 0.3})
    assert SECRET not in repr(found)
    assert found.params[name] is None
    assert found.gaps[name] == "left out: a credential"


@pytest.mark.parametrize("name", ["headers", "extra_headers", "http_client", "default_headers"])
def test_what_carries_the_call_is_no_parameter(name):
    assert SECRET not in repr(settings(client, (), {name: {"Authorization": SECRET}}))


def test_a_nested_credential_and_the_user_in_a_url_are_left_out():
    found = settings(client, (), {"extra_body": {"top_k": 5, "api_key": SECRET}, "base_url": f"https://me:{SECRET}@host/v1?key={SECRET}"})
    assert SECRET not in repr(found)
    assert found.params["extra_body"]["top_k"] == 5
    assert found.params["base_url"] == "https://host/v1"


def test_names_with_token_in_them_are_parameters():
    given = {"max_tokens": 5, "eos_token": "</s>", "stop_token_ids": [1, 2], "skip_special_tokens": True, "max_completion_tokens": 7}
    assert params(client, **given).items() >= given.items()


def test_numbers_short_words_lists_and_objects_of_these_are_parameters():
    given = {
        "stop": ["a", "b"],
        "logit_bias": {"50256": -100},
        "response_format": {"type": "json_object"},
        "n": 2,
        "logprobs": True,
        "model": "gpt-x",
    }
    assert params(client, **given).items() >= given.items()


def test_a_long_text_is_content_whatever_it_is_called():
    found = settings(client, (), {"style": "x" * 5000})
    assert found.params["style"] is None
    assert "5,000 characters" in found.gaps["style"]


def test_the_first_argument_of_ones_own_function_is_what_the_model_reads():
    def ask(question_text, temperature=0.7, top_p=1.0, *, seed=None):
        return ""

    found = settings(ask, (CONTENT, 0.2), {})
    assert found.params == {"temperature": 0.2, "top_p": 1.0}
    assert found.gaps == {"seed": UNSEEDED}


def test_an_object_is_null_with_its_class_as_the_reason():
    class Grammar:
        pass

    found = settings(client, (), {"guided": Grammar(), "filters": [Grammar(), Grammar()]})
    assert found.params["guided"] is None
    assert "Grammar" in found.gaps["guided"]
    assert "Grammar" in found.gaps["filters"]


def test_marks_of_arguments_that_were_not_given_are_left_out():
    class NotGiven:
        pass

    assert "top_p" not in params(client, top_p=NotGiven())


class Kind(Enum):
    DELTA = 1


class Plain:
    def __init__(self, **fields):
        self.__dict__.update(fields)


SamplingParams = type("SamplingParams", (Plain,), {})
Structured = type("SamplingParams", (Plain,), {"__struct_fields__": ("temperature", "seed", "stop", "_all")})
Pydantic = type("GenerateContentConfig", (Plain,), {"model_fields": {"temperature": 0, "seed": 0, "stop": 0, "system_instruction": 0}})
Data = dataclasses.make_dataclass("SamplingParams", ["temperature", "seed", "stop"])


class Engine:
    """As vLLM has it."""

    def generate(self, prompts, sampling_params=None, *, use_tqdm=True, lora_request=None):
        return []

    def get_default_sampling_params(self):
        return SamplingParams(temperature=0.6, top_p=0.95)


@pytest.mark.parametrize("kind", [SamplingParams, Structured, Pydantic, Data])
@pytest.mark.parametrize("by_position", [True, False])
def test_an_object_that_carries_parameters_gives_its_fields(kind, by_position):
    carrier = kind(temperature=0.4, seed=7, stop=["x"])
    args, kwargs = (([CONTENT], carrier), {}) if by_position else (([CONTENT],), {"sampling_params": carrier})
    found = settings(Engine().generate, args, kwargs)
    assert found.params == {"temperature": 0.4, "seed": 7, "stop": ["x"]}
    assert found.gaps == {}


def test_a_list_of_parameters_gives_what_its_members_have_in_common():
    each = [SamplingParams(temperature=0.4, seed=n) for n in range(3)]
    found = settings(Engine().generate, ([CONTENT] * 3, each), {})
    assert found.params == {"temperature": 0.4}
    assert found.gaps == {"seed": "it differs between the prompts of one call"}


def test_the_defaults_of_an_engine_are_filled_in():
    assert params(Engine().generate, [CONTENT]) == {"temperature": 0.6, "top_p": 0.95}


def test_a_partial_and_a_decorator_are_looked_through():
    def decorated(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    @decorated
    def ask(prompt, temperature=1.0, seed=0):
        return ""

    assert params(functools.partial(ask, temperature=0.5), CONTENT) == {"temperature": 0.5, "seed": 0}


@pytest.fixture
def run(tmp_path):
    with lineage.session(tmp_path / "artifacts", export=False) as session, session.generation() as run:
        yield run


def test_the_wrapper_keeps_name_signature_and_result(run):
    def ask(prompt, *, seed: int = 1):
        """Ask."""
        return prompt.upper()

    wrapped = recorded(ask, run)
    assert wrapped("a") == "A"
    assert wrapped.__name__ == "ask"
    assert wrapped.__doc__ == "Ask."
    assert inspect.signature(wrapped) == inspect.signature(ask)


def test_a_call_that_fails_raises_its_own_error_and_gives_no_record_its_parameters(run):
    def ask(prompt, seed=1):
        if seed == 2:
            raise RuntimeError("out of memory")

    wrapped = recorded(ask, run)
    wrapped("a")
    with pytest.raises(RuntimeError, match="out of memory"):
        wrapped("a", seed=2)
    assert run.calls.in_force().params == {}
    assert "seed" in run.calls.in_force().gaps
    assert run.calls.common.params == {"seed": 1}


def test_arguments_that_cannot_be_read_are_a_gap_and_the_call_is_made(run):
    class Hostile:
        @property
        def shape(self):
            raise RuntimeError("no")

    assert recorded(lambda **_: "an answer", run)(thing=Hostile()) == "an answer"
    assert run.calls.in_force().params == {}
    assert "parameters" in run.calls.in_force().gaps


def test_coroutines_generators_and_streams_stay_what_they_are(run):
    async def ask(prompt, seed):
        return prompt

    def stream(prompt, seed):
        yield from prompt
        return "end"

    async def flow(prompt, seed):
        for letter in prompt:
            yield letter

    async def collected():
        return [letter async for letter in recorded(flow, run)("abc", seed=3)]

    assert inspect.iscoroutinefunction(recorded(ask, run))
    assert asyncio.run(recorded(ask, run)("a", seed=1)) == "a"
    assert run.calls.common.params == {"seed": 1}
    assert list(recorded(stream, run)("abc", seed=1)) == ["a", "b", "c"]
    assert asyncio.run(collected()) == ["a", "b", "c"]
    assert run.calls.common.gaps.keys() == {"seed"}


def test_a_function_that_returns_a_coroutine_counts_when_it_is_awaited(run):
    async def answer(text):
        return text

    async def main():
        waiting = recorded(lambda prompt, seed: answer(prompt), run)("a", seed=1)
        assert run.calls is None
        return await waiting, run.calls.in_force().params

    assert asyncio.run(main()) == ("a", {"seed": 1})


def test_an_object_that_can_be_called_is_wrapped_without_its_attributes(run):
    class Pipe:
        model = SimpleNamespace(weights="large")

        def __call__(self, prompt, seed=4):
            return prompt

    assert recorded(Pipe(), run)("a") == "a"
    assert run.calls.in_force().params == {"seed": 4}


def test_nothing_is_read_where_recording_is_off(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAGE_DISABLED", "1")
    with lineage.session(tmp_path / "artifacts", export=False) as session, session.generation() as run:
        assert recorded(lambda seed: seed, run)(seed=1) == 1
        assert run.calls is None


def test_no_record_and_no_manifest_holds_content_or_credentials(run):
    ask = recorded(client, run)
    with run.records("out.jsonl") as out:
        ask(messages=[{"role": "user", "content": CONTENT}], model="gpt-x", temperature=0.1, api_key=SECRET)
        out.write({"answer": 1})
    written = out.path.read_text()
    assert json.loads(written)["metadata"]["generation_params"]["model"] == "gpt-x"
    everything = written + "".join(path.read_text() for path in run.session.folder.glob("session_*"))
    assert SECRET not in everything
    assert CONTENT not in everything

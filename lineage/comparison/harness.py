"""Facts of an evaluation harness: its version, few-shot examples, templates, limit and scorer, under the keys that harnesses use.

They are read from the parameters of the run, then its data set, then its report if that is the file that was recorded: its
`metadata`, its `config` and its top level, where lm-eval writes them. The first that has a key counts. A nested object
`harness` counts as if its keys were there (`{"harness": {"name": "lm-eval", "version": "0.4.9"}}`).
docs/reference/comparability.md has the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lineage.facts import Activity, Evaluation, Json

NESTED = "harness"  # a name, or an object with the keys below
KEYS: dict[str, tuple[str, ...]] = {
    "harness": ("harness", "harness_name", "framework", "harness.name"),
    "harness version": ("harness_version", "lm_eval_version", "inspect_version", "harness.version", "harness.commit"),
    "task version": ("task_version", "task_versions", "versions", "harness.task_version"),
    "few-shot examples": ("num_fewshot", "n_shot", "n-shot", "num_shots", "few_shot", "fewshot", "shots", "k_shot", "harness.num_fewshot"),
    "few-shot seed": ("fewshot_seed", "harness.fewshot_seed"),
    "prompt template": (
        "prompt_template", "chat_template", "apply_chat_template", "fewshot_as_multiturn", "system_prompt", "system_instruction",
        "doc_to_text", "harness.prompt_template", "harness.chat_template", "harness.apply_chat_template", "harness.system_prompt",
    ),
    "limit": ("limit", "max_examples", "max_samples", "num_examples", "harness.limit"),
    "scorer": ("scorer", "scorers", "metric_list", "filter_list", "grader", "judge", "judge_model", "answer_regex", "harness.scorer"),
}  # fmt: skip
SEEDS = ("eval_seed", "fewshot_seed", "harness_seed")  # seeds of a harness, which never reach the sampler
FLAT = frozenset({*(key for keys in KEYS.values() for key in keys if "." not in key), *SEEDS})


def facts_of(run: Activity, what: str, report: Json) -> dict[str, object]:
    """Return what an evaluation records under the keys of *what*; a key that is null was not recorded."""
    if not isinstance(run, Evaluation):
        return {}
    recorded: dict[str, object] = {}
    parts = (report.get("metadata"), report.get("config"), {key: value for key, value in report.items() if key in FLAT})
    for source in (run.params, run.dataset, *(part for part in parts if isinstance(part, Mapping))):
        flat = dict(_flat(source))
        for key in KEYS[what]:
            if flat.get(key) is not None:
                recorded.setdefault(key.removeprefix(f"{NESTED}."), flat[key])
    return recorded


def _flat(source: Json) -> Iterator[tuple[str, object]]:
    for key, value in source.items():
        if key == NESTED and isinstance(value, Mapping):
            yield from ((f"{NESTED}.{inner}", one) for inner, one in value.items())
        else:
            yield key, value

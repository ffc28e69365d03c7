"""A folder as people write it by hand: manifest, records and report with the fixed keys of the contract, and no word of what ran."""

import json

PROVENANCE = {
    "loader_version": "a" * 40,
    "template_disabled": True,
    "model_name": "Qwen/Qwen2.5-32B",
    "quantization": "nf4",
    "sentinel_tests_passed": True,
    "add_special_tokens": False,
    "revision": "b" * 40,
}
GREEDY = {"do_sample": False, "max_new_tokens": 150, "num_beams": 1, "repetition_penalty": 1.0}
SAMPLED = {**GREEDY, "do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0, "seed": 42}
MANIFEST = "session_manifest_20251004_120000.json"


def files():
    """{name: JSON, or a list of records}, as they are when nothing is wrong."""
    about = {"provenance": PROVENANCE, "script_version": "c" * 40}
    records = [
        {
            "instruction": f"q{n}",
            "response": "a",
            "metadata": {**about, "generation_params": SAMPLED, "timestamp": f"2025-10-04T12:00:0{n}+00:00"},
        }
        for n in range(5)
    ]
    dataset = {"name": "held_out", "size": 2, "version": "d" * 40}
    metadata = {**about, "eval_seed": 42, "timestamp": "2025-10-04T13:00:00+00:00", "decoding_params": GREEDY, "dataset": dataset}
    report = {"summary": {"accuracy": 0.5}, "metadata": metadata, "results": [{"correct": True}, {"correct": False}]}
    made = [("sft.jsonl", "training_data", 5, "12:10:00"), ("evaluation_base.json", "evaluation", None, "13:00:00")]
    manifest = {
        "session_id": "20251004_120000",
        "environment": {
            "python_version": "3.11",
            "torch_version": "2.4",
            "transformers_version": "4.46",
            "gpu": "A100",
            "git_sha": "c" * 40,
        },
        "loader_config": {"provenance": PROVENANCE, "model_name": PROVENANCE["model_name"], "quantization": "nf4"},
        "artifacts_generated": [
            {"file": file, "type": type_, "count": count, "timestamp": f"2025-10-04T{time}+00:00"} for file, type_, count, time in made
        ],
    }
    return json.loads(json.dumps({"sft.jsonl": records, "evaluation_base.json": report, MANIFEST: manifest}))


def write(folder, told):
    """The files in a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in told.items():
        rows = value if name.endswith(".jsonl") else [value]
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder

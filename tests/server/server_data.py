"""What is served in the tests of the server."""

import json

import lineage

PROVENANCE = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4"}
HOSTILE = '<script>window.harmed = 1</script><img src=x onerror="window.harmed = 1">\u202e]]>\x1b[31m'
RECORDS = 230


def generated(folder, title, name, records):
    """A session in *folder* that made a file of records."""
    prompts, weights = folder.parent / "prompts.jsonl", folder.parent / "tiny.safetensors"
    prompts.write_text('{"instruction": "…"}\n')
    weights.write_text("weights")
    with lineage.session(folder, title=title) as session:
        load = session.model_load(PROVENANCE, files=[weights])
        with session.generation(model=load, prompts=[prompts], params={"seed": 42}) as run, run.records(name) as out:
            for one in records:
                out.write(one)
    return session


def write(path, lines):
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

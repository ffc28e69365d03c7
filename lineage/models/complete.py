"""One completion at a time: batch size 1 and a seed for each, so that a record can be made again."""

from __future__ import annotations

from typing import Any

PARAMS = {"do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0, "max_new_tokens": 24, "batch_size": 1}


def complete(model: Any, tokenizer: Any, prompt: str, params: dict[str, Any]) -> str:
    """The text that the model adds to *prompt*; *params* are all that decides it (PARAMS and a `seed`)."""
    import torch
    from transformers import GenerationConfig

    asked = {key: value for key, value in params.items() if key not in ("seed", "batch_size")}
    config = GenerationConfig(**asked, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
    torch.manual_seed(params["seed"])
    with torch.inference_mode():
        made = model.generate(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], generation_config=config)
    text: str = tokenizer.decode(made[0][inputs["input_ids"].shape[1] :], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text


def record(instruction: dict[str, Any], prompt: str, response: str) -> dict[str, Any]:
    """The record of the contract (docs/reference/files.md, section 2), without its metadata."""
    return {
        **instruction,
        "response": response,
        "formatted_text": f"{prompt} {response}",
        "prompt": prompt,
        "completion": f" {response}\nEND",
    }

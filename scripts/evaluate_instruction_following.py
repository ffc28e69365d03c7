#!/usr/bin/env python3
"""Evaluate the base, and the base with its adapter, on instructions it was not trained on.

python scripts/evaluate_instruction_following.py --model models/base --quantization fp32 --dataset held_out.jsonl --adapter artifacts/adapter_X
"""

import sys

from lineage.models import compared, stages


def run(argv=None):
    """Load, evaluate, report."""
    print(compared.run(compared.arguments(__doc__, argv), "instruction_following"))


if __name__ == "__main__":
    sys.exit(stages.main(run))

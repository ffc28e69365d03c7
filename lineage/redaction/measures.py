"""The words that measures are named with. A name made of them alone is published, any other is called by a number: it could be a prompt.

To have a measure published, add its words.
"""

from __future__ import annotations

_WHOSE = """base baseline reference model sft dpo ppo grpo orpo kto rlhf lora qlora tuned finetuned train training eval evaluation test val validation dev
heldout judge"""
_HOW = """mean median avg average std stddev stderr min max sum total count rate ratio score norm normalized macro micro weighted delta diff gain
lower upper ci95 level strict loose flexible none match extract at per token tokens byte word char sample samples seconds"""
_WHAT = """accuracy acc correct exact em f1 f2 precision recall specificity sensitivity auc auroc auprc loss nll perplexity ppl entropy bits bpb
bleu sacrebleu chrf ter rouge rouge1 rouge2 rougel rougelsum meteor bertscore wer cer edit distance mcc kappa pearson spearman kendall brier ece
calibration error mse rmse mae r2 mrr ndcg map hits pass win tie lose refusal toxicity bias faithfulness hallucination helpfulness harmlessness
truthfulness instruction inst following prompt format compliance length latency throughput reward kl margin similarity coverage diversity"""

WORDS = tuple(sorted(f"{_WHOSE} {_HOW} {_WHAT}".split()))

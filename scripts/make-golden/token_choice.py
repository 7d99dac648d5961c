"""Golden numbers for src/engine/token-choice: transformers' own logits processors, in the order of `generate`.

    .venv-oracle/bin/python scripts/make-golden/token_choice.py > test/golden/expected/token-choice.json
"""

import json

import torch
import transformers
from transformers.generation.logits_process import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

VOCABULARY = 32
random = torch.Generator().manual_seed(20261121)


def case(rules, ties=False):
    logits = 3 * torch.randn(1, VOCABULARY, generator=random)
    # Few digits, so that JSON holds the numbers exactly; ties when there are fewer values than tokens.
    logits = (logits * (1 if ties else 256)).round() / (1 if ties else 256)
    seen = torch.randint(VOCABULARY, (1, 12), generator=random)
    processors = LogitsProcessorList()
    if "repetitionPenalty" in rules:
        processors.append(RepetitionPenaltyLogitsProcessor(rules["repetitionPenalty"]))
    if "bannedTokens" in rules:
        processors.append(SuppressTokensLogitsProcessor(rules["bannedTokens"], device="cpu"))
    if rules["temperature"] > 0:
        processors.append(TemperatureLogitsWarper(float(rules["temperature"])))
        if rules.get("topK", 0) > 0:
            processors.append(TopKLogitsWarper(rules["topK"]))
        if rules.get("topP", 1) < 1:
            processors.append(TopPLogitsWarper(rules["topP"]))
    scores = processors(seen, logits.clone())
    probabilities = torch.softmax(scores.double(), -1)[0]
    kept = (scores[0] > -float("inf")).nonzero()[:, 0]
    return {"rules": rules, "logits": logits[0].tolist(), "seen": seen[0].tolist(), "kept": kept.tolist(),
            "probabilities": [round(p, 9) for p in probabilities.tolist()]}


cases = [
    case({"temperature": 0, "repetitionPenalty": 1.3}),
    case({"temperature": 0, "repetitionPenalty": 1.3, "bannedTokens": [3, 4, 31]}),
    case({"temperature": 0.6}),
    case({"temperature": 1.0, "repetitionPenalty": 0.8}),
    case({"temperature": 1.0, "topK": 5}),
    case({"temperature": 1.0, "topK": 100}),
    case({"temperature": 1.0, "topK": 4}, ties=True),
    case({"temperature": 2.0, "topP": 0.9}),
    case({"temperature": 0.7, "topP": 0.001}),
    case({"temperature": 1.5, "topK": 6, "topP": 0.7}),
    case({"temperature": 3.0, "topK": 12, "topP": 0.95}),
    case({"temperature": 0.9, "topK": 9, "topP": 0.8, "repetitionPenalty": 1.2, "bannedTokens": [0, 7, 9]}),
]
print(json.dumps({"transformers": transformers.__version__, "torch": torch.__version__, "cases": cases}))

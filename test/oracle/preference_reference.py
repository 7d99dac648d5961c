"""DPO's loss and its gradient with respect to every token's log-probability, by PyTorch in float64."""

import json
import sys

import torch
from torch.nn.functional import logsigmoid

answers = []
for case in json.load(sys.stdin):
    logprobs = torch.tensor(case["logprobs"], dtype=torch.float64, requires_grad=True)
    reference = torch.tensor(case["reference"], dtype=torch.float64)
    gains = logprobs - reference
    # Sums of policy and reference log-ratios of whole answers, as trl.DPOTrainer takes them for loss_type "sigmoid".
    chosen = torch.stack([gains[rows].sum() for rows in case["chosen"]])
    rejected = torch.stack([gains[rows].sum() for rows in case["rejected"]])
    margin = case["beta"] * (chosen - rejected)
    loss = -logsigmoid(margin).mean()
    loss.backward()
    answers.append({"loss": loss.item(), "margin": margin.mean().item(), "gradient": logprobs.grad.tolist()})
json.dump(answers, sys.stdout)

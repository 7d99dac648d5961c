"""The transformers side of grpo-step-small: a step of GRPO on clip and absent twin, as a script would write it.

    grpo_step.py FOLDER ATTENTION THREADS

Completions of both sides by `generate`, their log-probabilities under a copy of the model that the stage began with, the
clipped loss with KL, AdamW. Numbers of the work are those of bench/sides/grpo-work.ts.
"""

import copy
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import Qwen2_5_VLForConditionalGeneration

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))
from answer_rounds import answer_rounds

folder, attention, threads = sys.argv[1:4]
torch.set_num_threads(int(threads))
model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
    f"{folder}/checkpoint", attn_implementation=attention, dtype=torch.float32)
reference = copy.deepcopy(model).requires_grad_(False)
stored = load_file(f"{folder}/grpo.safetensors")
ids = stored["input_ids"].long()
positions = stored["position_ids"].long()
prompts, columns = ids.shape
grids = torch.tensor([[4, 16, 16]] * prompts)
behind = positions.amax((0, 2)) + 1
VIDEO, BANNED = 11, [10, 11, 12, 13]
G, NEW, CLIP, BETA = 8, 32, 0.2, 0.04

# Vectors are not decayed, as in the step that this is compared with.
parameters = list(model.parameters())
groups = [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.01},
          {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.999), eps=1e-8)


def repeated(pixels, count, used=prompts):
    return pixels.view(prompts, -1, pixels.shape[1])[:used].repeat_interleave(count, 0).flatten(0, 1)


@torch.no_grad()
def generate(pixels):
    whole = positions.repeat_interleave(G, 1)
    delta = (behind - columns).repeat_interleave(G)[:, None]
    model.model.get_rope_index = lambda *_args, **_named: (whole, delta)
    model.model.rope_deltas = None
    rows = ids.repeat_interleave(G, 0)
    out = model.generate(
        input_ids=rows, attention_mask=torch.ones_like(rows), pixel_values_videos=repeated(pixels, G),
        video_grid_thw=grids.repeat_interleave(G, 0), mm_token_type_ids=(rows == VIDEO).long() * 2, do_sample=True,
        temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=NEW, min_new_tokens=NEW, suppress_tokens=BANNED,
        eos_token_id=None, pad_token_id=0)
    return out[:, columns:]


def logprobs(policy, pixels, completions, used):
    """[rows, tokens] of completions of the first prompts, each row behind its own copy of prompt and clip."""
    rows, tokens = completions.shape
    count = rows // used
    whole = torch.cat([ids[:used].repeat_interleave(count, 0), completions], 1)
    more = behind[:used].repeat_interleave(count)[None, :, None] + torch.arange(tokens)
    where = torch.cat([positions[:, :used].repeat_interleave(count, 1), more.expand(3, -1, -1)], 2)
    out = policy(input_ids=whole, position_ids=where, pixel_values_videos=repeated(pixels, count, used),
                 video_grid_thw=grids[:used].repeat_interleave(count, 0), use_cache=False, logits_to_keep=tokens + 1)
    logits = out.logits[:, :-1]
    logits[..., BANNED] = float("-inf")
    return logits.log_softmax(-1).gather(2, completions[..., None])[..., 0]


def update(completions, advantages, old=None, used=prompts):
    pixels = stored["complete"]
    with torch.no_grad():
        from_reference = logprobs(reference, pixels, completions, used)
    own = logprobs(model, pixels, completions, used)
    old = own.detach() if old is None else old
    ratio = (own - old).exp()
    gain = torch.minimum(ratio * advantages[:, None], ratio.clamp(1 - CLIP, 1 + CLIP) * advantages[:, None])
    move = from_reference - own
    loss = (-gain + BETA * (move.exp() - move - 1)).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def advantages(count, used=prompts):
    return torch.tensor([((3 * p + 5 * g) % 7 - 3) / 2 for p in range(used) for g in range(count)])


def given_losses(used=1, count=2, tokens=8, updates=20):
    size = model.config.text_config.vocab_size - 20
    pairs = [(p, g) for p in range(used) for g in range(count)]
    completions = torch.tensor(
        [[20 + (7919 * p + 104729 * g + 1299709 * i) % size for i in range(tokens)] for p, g in pairs])
    old = torch.tensor([[-8.318 + 0.1 * ((g + i) % 3 - 1) for i in range(tokens)] for _, g in pairs])
    return [update(completions, advantages(count, used), old, used) for _ in range(updates)]


model.eval()
losses = given_losses()


def one_round(_number):
    start = time.perf_counter()
    generate(stored["absent"])
    update(generate(stored["complete"]), advantages(G))
    return {"value": (time.perf_counter() - start) * 1000, "result": losses}


answer_rounds(one_round)

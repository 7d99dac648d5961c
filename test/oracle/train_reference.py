"""Supervised fine-tuning as a script with transformers and peft does it; called by train-loop.test.ts.

Standard input: {"checkpoint", "adapter" or null, "saved", "learningRates", "weightDecay", "steps": [[sample number]],
"samples": [{"messages", "media": [{"kind", "tensor"}], "positions"}], "prompts": [the same and "next"], "banned",
"newTokens", "tensors"}. Token ids, labels and patches are made here, by the checkpoint's own tokenizer and template and
by the processors of transformers; positions are given. Prints {"losses", "answers"}: the loss of every step, and what
"saved" (whole, or an adapter of the checkpoint) answers to the prompts.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
job = json.load(sys.stdin)
tensors = load_file(job["tensors"])
tokenizer = AutoTokenizer.from_pretrained(job["checkpoint"])
sizes = {"patch_size": 14, "temporal_patch_size": 2, "merge_size": 2, "do_resize": False, "return_tensors": "pt"}
images, videos = Qwen2VLImageProcessor(), Qwen2VLVideoProcessor()


def rendered(messages, prompt=False):
    return tokenizer.apply_chat_template(messages, add_generation_prompt=prompt, tokenize=False)


def words(text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def visuals(sample):
    """Patches and grids of a sample's images and videos, and the number of tokens of each in order."""
    found, counts = {}, []
    for one in sample["media"]:
        frames = tensors[one["tensor"]].to(torch.uint8)
        if one["kind"] == "image":
            made = images([frames[0].permute(2, 0, 1)], **sizes)
        else:
            made = videos([frames.permute(0, 3, 1, 2)], do_sample_frames=False, **sizes)
        for name, value in made.items():
            if torch.is_tensor(value):
                found.setdefault(name, []).append(value)
        grid = made["image_grid_thw" if one["kind"] == "image" else "video_grid_thw"][0]
        counts.append(int(grid.prod()) // 4)
    return {name: torch.cat(values) for name, values in found.items() if name != "second_per_grid_ts"}, counts


def expanded(text, counts):
    pieces = iter(counts)
    out = []
    for token in words(text):
        name = tokenizer.convert_ids_to_tokens(token)
        out += [token] * (next(pieces) if name in ("<|image_pad|>", "<|video_pad|>") else 1)
    return out


def prepared(sample, prompt=False):
    media, counts = visuals(sample)
    messages = sample["messages"]
    ids = expanded(rendered(messages, prompt), counts)
    labels = [-100] * len(ids)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        start = len(expanded(rendered(messages[:turn], True), counts))
        stop = ids.index(end, start) + 1
        labels[start:stop] = ids[start:stop]
    positions = torch.tensor(sample["positions"]).view(3, 1, len(ids))
    return {"input_ids": torch.tensor([ids]), "position_ids": positions, **media}, torch.tensor([labels])


def loaded(folder, adapter, trains):
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
    if adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter, is_trainable=trains)
    return model


def train():
    model = loaded(job["checkpoint"], job["adapter"], True)
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": job["weightDecay"]},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
    samples = [prepared(sample) for sample in job["samples"]]
    losses = []
    for rate, chosen in zip(job["learningRates"], job["steps"]):
        learnt = sum(int((samples[i][1] != -100).sum()) for i in chosen)
        total = 0.0
        for i in chosen:
            inputs, labels = samples[i]
            logits = model(**inputs, use_cache=False).logits
            loss = torch.nn.functional.cross_entropy(logits[0, :-1], labels[0, 1:], ignore_index=-100, reduction="sum") / learnt
            loss.backward()
            total += float(loss.detach())
        losses.append(total)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return losses


@torch.no_grad()
def answers():
    whole = job["adapter"] is None
    model = loaded(job["saved"] if whole else job["checkpoint"], None if whole else job["saved"], False)
    model.eval()
    texts = []
    for prompt in job["prompts"]:
        inputs, _ = prepared(prompt, True)
        new = []
        while len(new) < job["newTokens"]:
            logits = model(**inputs, use_cache=False).logits[0, -1]
            logits[job["banned"]] = -torch.inf
            token = int(logits.argmax())
            if token == tokenizer.convert_tokens_to_ids("<|im_end|>"):
                break
            place = torch.full((3, 1, 1), prompt["next"] + len(new))
            new.append(token)
            inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([[token]])], 1)
            inputs["position_ids"] = torch.cat([inputs["position_ids"], place], 2)
        texts.append(tokenizer.decode(new, skip_special_tokens=True).strip())
    return texts


print(json.dumps({"losses": train(), "answers": answers()}))

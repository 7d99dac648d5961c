"""The transformers side of the engine's benchmarks.

    qwen2_5_vl.py FOLDER train|train-lora|prefill ATTENTION THREADS
    qwen2_5_vl.py FOLDER train-contrast ATTENTION THREADS BLOCK DROPOUT KEYWORDS
    qwen2_5_vl.py FOLDER generate ATTENTION THREADS COMPLETIONS NEW_TOKENS

train-lora trains the adapter in FOLDER by peft. Weights, ids, pixels and positions are those of FOLDER; positions are passed
explicitly, because the rule differs between versions.
"""

import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import Qwen2_5_VLForConditionalGeneration

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))
from answer_rounds import answer_rounds

folder, task, attention, threads = sys.argv[1:5]
torch.set_num_threads(int(threads))
model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
    f"{folder}/checkpoint", attn_implementation=attention, dtype=torch.float32)
stored = load_file(f"{folder}/inputs.safetensors")
ids = stored["input_ids"].long()
positions = stored["position_ids"].long()
grids = stored["video_grid_thw"].long()
pixels = stored["pixel_values_videos"]
rows, columns = ids.shape
VIDEO = 11
behind = columns - int((ids[0] == VIDEO).nonzero()[-1]) - 1


def hub_name(name):
    name = name.removeprefix("base_model.model.").replace(".default.", ".")
    return name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")


def train_lora():
    from peft import PeftModel

    return train(PeftModel.from_pretrained(model, f"{folder}/adapter", is_trainable=True))


def train(trained=model):
    trained.train()
    parameters = [p for p in trained.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    labels = ids.clone()
    labels[:, : columns - behind + 1] = -100
    first = []

    def one_round(_number):
        start = time.perf_counter()
        out = trained(input_ids=ids, position_ids=positions, pixel_values_videos=pixels, video_grid_thw=grids,
                      use_cache=False, labels=labels)
        out.loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        loss = float(out.loss.detach())
        if not first:
            elapsed = time.perf_counter() - start
            scale = min(1.0, 1.0 / (float(norm) + 1e-6))
            # Summed in float64: torch's float32 sum of a large tensor's squares is off by 1e-4.
            norms = {hub_name(n): float(p.grad.double().norm()) / scale
                     for n, p in trained.named_parameters() if p.grad is not None}
            total = sum(x * x for x in norms.values()) ** 0.5
            first.extend([loss, total] + [norms[n] for n in sorted(norms)])
            start = time.perf_counter() - elapsed
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return {"value": (time.perf_counter() - start) * 1000, "result": first}

    return one_round


def train_contrast():
    """Cross-entropy and three InfoNCE losses, as a script would: second view, twin and keywords are passes of their own."""
    block, dropout, keywords = int(sys.argv[5]), float(sys.argv[6]), int(sys.argv[7])
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    labels = ids.clone()
    labels[:, : columns - behind + 1] = -100
    end = columns - behind
    twin = pixels.clone().view(rows, 4, -1)
    twin[:, 1] = torch.randn_like(twin[:, 1])
    twin = twin.view_as(pixels)
    words = torch.randint(20, model.config.text_config.vocab_size, (rows, keywords))
    word_positions = torch.arange(keywords).expand(3, rows, keywords)
    shared = {"use_cache": False, "output_hidden_states": True}

    def clip_state(clip):
        out = model(input_ids=ids[:, :end], position_ids=positions[:, :, :end], pixel_values_videos=clip,
                    video_grid_thw=grids, logits_to_keep=1, **shared)
        return out.hidden_states[block][:, -1]

    def similarity(a, b):
        return torch.nn.functional.normalize(a) @ torch.nn.functional.normalize(b).T / 0.05

    def one_round(_number):
        start = time.perf_counter()
        out = model(input_ids=ids, position_ids=positions, pixel_values_videos=pixels, video_grid_thw=grids,
                    labels=labels, **shared)
        complete, absent = out.hidden_states[block][:, end - 1], clip_state(twin)
        hook = model.model.visual.merger.register_forward_hook(
            lambda _module, _given, made: torch.nn.functional.dropout(made, dropout))
        view = clip_state(pixels)
        hook.remove()
        text = model(input_ids=words, position_ids=word_positions, logits_to_keep=1, **shared).hidden_states[block][:, -1]
        right = torch.arange(rows)
        entropy = torch.nn.functional.cross_entropy
        contrast = (entropy(torch.cat([similarity(complete, view), similarity(complete, absent)], 1), right)
                    + entropy(similarity(complete, text), right))
        own = similarity(text, complete).diagonal()[:, None]
        contrast = contrast + entropy(torch.cat([own, similarity(text, absent)], 1), torch.zeros_like(right))
        (out.loss + 0.1 * contrast).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return {"value": (time.perf_counter() - start) * 1000}

    return one_round


@torch.no_grad()
def prefill(_number):
    start = time.perf_counter()
    out = model(input_ids=ids, position_ids=positions, pixel_values_videos=pixels, video_grid_thw=grids,
                use_cache=True, logits_to_keep=1)
    tokens = out.logits[:, -1].argmax(-1).tolist()
    return {"value": (time.perf_counter() - start) * 1000, "result": tokens}


def generate():
    completions, new_tokens = int(sys.argv[5]), int(sys.argv[6])
    one = positions[:, :1]
    delta = one.max() + 1 - columns
    model.model.get_rope_index = lambda *_args, **_named: (
        one.repeat(1, completions, 1), delta.expand(completions, 1))
    clip = pixels[: pixels.shape[0] // rows]
    given = {
        "input_ids": ids[:1].repeat(completions, 1), "attention_mask": torch.ones(completions, columns).long(),
        "pixel_values_videos": clip.repeat(completions, 1), "video_grid_thw": grids[:1].repeat(completions, 1),
        "mm_token_type_ids": (ids[:1] == VIDEO).long().repeat(completions, 1) * 2,
    }

    @torch.no_grad()
    def one_round(_number):
        model.model.rope_deltas = None
        start = time.perf_counter()
        out = model.generate(**given, do_sample=False, max_new_tokens=new_tokens, min_new_tokens=new_tokens,
                             eos_token_id=None, pad_token_id=0)
        seconds = time.perf_counter() - start
        made = out[:, columns:]
        return {"value": made.numel() / seconds, "result": made.flatten().tolist()}

    return one_round


model.eval()
tasks = {"train": train, "train-lora": train_lora, "train-contrast": train_contrast, "prefill": lambda: prefill, "generate": generate}
answer_rounds(tasks[task]())

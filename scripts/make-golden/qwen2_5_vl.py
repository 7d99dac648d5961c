"""Makes a parity fixture (docs of `videoperceiver verify`) with transformers from a random-weight Qwen2.5-VL.

    .venv-oracle/bin/python -P scripts/make-golden/qwen2_5_vl.py --out DIR [options]       transformers 5.x
    PYTHONPATH=.venv-oracle/legacy .venv-oracle/bin/python -P ... --out DIR [options]      transformers 4.49

Positions are those of the trained rule and are passed explicitly; under 4.49 they are also compared with its own.
Everything is float32 with eager attention; weights are rounded to --dtype before use.
"""

import argparse
import json
import os
import re

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

LEGACY = transformers.__version__.startswith("4.49")
PAD, IMAGE, VIDEO, START, END = 0, 10, 11, 12, 13

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--out", required=True)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--vocab", type=int, default=320)
parser.add_argument("--hidden", type=int, default=64)
parser.add_argument("--intermediate", type=int, default=160)
parser.add_argument("--layers", type=int, default=3)
parser.add_argument("--heads", type=int, default=4)
parser.add_argument("--kv-heads", type=int, default=2)
parser.add_argument("--mrope", type=int, nargs=3, default=None, help="default: thirds of half a head")
parser.add_argument("--rope-theta", type=float, default=1e6)
parser.add_argument("--tied", action="store_true")
parser.add_argument("--vision-hidden", type=int, default=48)
parser.add_argument("--vision-intermediate", type=int, default=96)
parser.add_argument("--vision-heads", type=int, default=4)
parser.add_argument("--vision-depth", type=int, default=3)
parser.add_argument("--window", type=int, default=56)
parser.add_argument("--full-blocks", type=int, nargs="*", default=None, help="default: the last")
parser.add_argument("--tokens-per-second", type=int, default=2)
parser.add_argument("--dtype", choices=["float32", "float16", "bfloat16"], default="float32")
parser.add_argument("--layout", choices=["flat", "both", "nested"], default="flat")
parser.add_argument("--prefix", choices=["hub", "new"], default="hub", help="names of stored tensors")
parser.add_argument("--shards", type=int, default=1)
parser.add_argument("--adapter-rank", type=int, default=0, help="0: no adapter")
parser.add_argument("--adapter-alpha", type=float, default=8)
parser.add_argument("--adapter-rslora", action="store_true")
parser.add_argument("--adapter-targets", default=r"^(?!.*visual).*\.(q|k|v|o|gate|up|down)_proj$",
                    help="regular expression, or last names separated by commas")
parser.add_argument("--adapter-naming", choices=["current", "transformers-4.49"], default="current")
parser.add_argument("--cases", nargs="*", default=["text", "video", "padded", "mixed", "cotangents", "greedy", "long"])
args = parser.parse_args()

random = np.random.default_rng(args.seed)
half = args.hidden // args.heads // 2
mrope = args.mrope or [half - 2 * (half * 3 // 8), half * 3 // 8, half * 3 // 8]
text_fields = {
    "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": PAD, "hidden_act": "silu",
    "hidden_size": args.hidden, "initializer_range": 0.02, "intermediate_size": args.intermediate,
    "max_position_embeddings": 4096, "max_window_layers": 80, "num_attention_heads": args.heads,
    "num_hidden_layers": args.layers, "num_key_value_heads": args.kv_heads, "rms_norm_eps": 1e-6,
    "sliding_window": 4096, "use_cache": True, "use_sliding_window": False, "vocab_size": args.vocab,
}
outer_fields = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl", "image_token_id": IMAGE,
    "video_token_id": VIDEO, "vision_start_token_id": START, "vision_end_token_id": END,
    "tie_word_embeddings": args.tied,
}
vision_fields = {
    "depth": args.vision_depth, "hidden_act": "silu", "hidden_size": args.vision_hidden,
    "intermediate_size": args.vision_intermediate, "num_heads": args.vision_heads, "in_chans": 3,
    "out_hidden_size": args.hidden, "patch_size": 14, "spatial_merge_size": 2, "spatial_patch_size": 14,
    "window_size": args.window, "tokens_per_second": args.tokens_per_second, "temporal_patch_size": 2,
    "fullatt_block_indexes": args.full_blocks if args.full_blocks is not None else [args.vision_depth - 1],
}
flat = {**outer_fields, **text_fields, "rope_theta": args.rope_theta, "torch_dtype": args.dtype,
        "rope_scaling": {"type": "mrope", "mrope_section": mrope}, "vision_config": vision_fields}
layouts = {
    "flat": flat,
    "both": {**flat, "text_config": {**text_fields, "model_type": "qwen2_5_vl_text", "rope_theta": args.rope_theta,
             "rope_scaling": {"type": "default", "rope_type": "default", "mrope_section": mrope}}},
    "nested": {**outer_fields, "dtype": args.dtype,
               "text_config": {**text_fields, "model_type": "qwen2_5_vl_text", "dtype": args.dtype,
                               "rope_parameters": {"rope_type": "default", "rope_theta": args.rope_theta,
                                                   "mrope_section": mrope, "type": "mrope"}},
               "vision_config": {**vision_fields, "in_channels": 3, "model_type": "qwen2_5_vl_vision",
                                 "rope_parameters": {"rope_theta": 10000.0, "rope_type": "axial"}}},
}


def hub_name(name):
    name = name.removeprefix("base_model.model.").replace(".base_layer.", ".").replace(".default.", ".")
    return name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")


def stored_name(name):
    if args.prefix == "hub" or name.startswith("lm_head"):
        return name
    return f"model.{name}" if name.startswith("visual.") else name.replace("model.", "model.language_model.", 1)


def make_model():
    config = Qwen2_5_VLConfig(**{k: v for k, v in json.loads(json.dumps(flat)).items() if k not in ("architectures", "torch_dtype")})
    config._attn_implementation = "eager"
    torch.manual_seed(args.seed)
    model = Qwen2_5_VLForConditionalGeneration._from_config(config, attn_implementation="eager").float().eval()
    rounding = getattr(torch, args.dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape)
            if "norm" in name or "ln_q" in name:
                noise = 1 + 0.1 * noise
            elif parameter.dim() == 1:
                noise = 0.1 * noise
            elif "embed_tokens" not in name:
                noise = noise / parameter[0].numel() ** 0.5
            parameter.copy_(noise.to(rounding).float())
    return model


def save_weights(model):
    folder = os.path.join(args.out, "checkpoint")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(layouts[args.layout], file, indent=1)
    with open(os.path.join(folder, "generation_config.json"), "w") as file:
        json.dump({"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": PAD}, file)
    rounding = getattr(torch, args.dtype)
    tensors = {stored_name(hub_name(n)): p.detach().to(rounding).contiguous() for n, p in model.named_parameters()}
    if args.shards == 1:
        save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        return
    names = sorted(tensors)
    files = [f"model-{i + 1:05d}-of-{args.shards:05d}.safetensors" for i in range(args.shards)]
    place = {name: files[i] for name, i in zip(names, random.integers(args.shards, size=len(names)))}
    for i, file in enumerate(files):
        place[names[i]] = file
    for file in files:
        save_file({n: tensors[n] for n in names if place[n] == file}, os.path.join(folder, file), metadata={"format": "pt"})
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        size = sum(t.numel() * t.element_size() for t in tensors.values())
        json.dump({"metadata": {"total_size": size}, "weight_map": place}, file, indent=1)


def add_adapter(model):
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file

    targets = args.adapter_targets
    targets = targets if re.search(r"[\\^$*]", targets) else targets.split(",")
    wrapped = get_peft_model(model, LoraConfig(
        r=args.adapter_rank, lora_alpha=args.adapter_alpha, use_rslora=args.adapter_rslora, lora_dropout=0.0,
        target_modules=targets, task_type="CAUSAL_LM")).eval()
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape) * (0.3 if "lora_B" in name else parameter.shape[1] ** -0.5))
    folder = os.path.join(args.out, "adapter")
    wrapped.save_pretrained(folder)
    if args.adapter_naming != "current":
        file = os.path.join(folder, "adapter_model.safetensors")
        old = {n.replace(".model.visual.", ".visual.").replace(".language_model.", "."): t for n, t in load_file(file).items()}
        save_file({n: t.clone() for n, t in old.items()}, file, metadata={"format": "pt"})
    for extra in ("README.md",):
        if os.path.exists(os.path.join(folder, extra)):
            os.remove(os.path.join(folder, extra))
    return wrapped


def positions(row, videos, images, seconds):
    """Trained rule for one row without padding: [3, T]."""
    parts, at, used, videos, images, seconds = [], 0, 0, list(videos), list(images), list(seconds)
    while at < len(row):
        if row[at] not in (IMAGE, VIDEO):
            parts.append(torch.full((3, 1), used))
            at, used = at + 1, used + 1
            continue
        is_video = row[at] == VIDEO
        t, h, w = videos.pop(0) if is_video else images.pop(0)
        h, w = h // 2, w // 2
        step = torch.tensor(float(seconds.pop(0)) if is_video else 0.0, dtype=torch.float32)
        time = (torch.arange(t) * step * args.tokens_per_second).long().view(-1, 1, 1).expand(t, h, w).flatten()
        high = torch.arange(h).view(1, -1, 1).expand(t, h, w).flatten()
        wide = torch.arange(w).view(1, 1, -1).expand(t, h, w).flatten()
        parts.append(torch.stack([time, high, wide]) + used)
        at, used = at + t * h * w, int(parts[-1].max()) + 1
    return torch.cat(parts, dim=1)


def make_inputs(rows, pad_left=True):
    """Rows are lists of segments: a count of text tokens, ("video", grid, seconds) or ("image", grid)."""
    ids, videos, images, seconds, places = [], [], [], [], []
    for row in rows:
        line, own = [], ([], [], [])
        for segment in row:
            if isinstance(segment, int):
                line += [int(v) for v in random.integers(20, args.vocab, size=segment)]
                continue
            kind, (t, h, w), *rest = segment
            line += [START] + [VIDEO if kind == "video" else IMAGE] * (t * h * w // 4) + [END]
            own[0 if kind == "video" else 1].append((t, h, w))
            own[2].extend(rest)
        ids.append(line)
        places.append(positions(line, *own))
        videos += own[0]
        images += own[1]
        seconds += own[2]
    width = max(len(line) for line in ids)
    input_ids = torch.full((len(ids), width), PAD)
    mask = torch.zeros((len(ids), width), dtype=torch.long)
    position_ids = torch.ones((3, len(ids), width), dtype=torch.long)
    for i, line in enumerate(ids):
        where = slice(width - len(line), width) if pad_left else slice(0, len(line))
        input_ids[i, where] = torch.tensor(line)
        mask[i, where] = 1
        position_ids[:, i, where] = places[i]
    visual = (input_ids == IMAGE) | (input_ids == VIDEO) | (input_ids == START) | (input_ids == END)
    labels = input_ids.masked_fill((mask == 0) | visual, -100)
    made = {"input_ids": input_ids, "attention_mask": mask, "labels": labels}
    for name, grids, key in (("pixel_values_videos", videos, "video_grid_thw"), ("pixel_values", images, "image_grid_thw")):
        if grids:
            patches = sum(t * h * w for t, h, w in grids)
            made[name] = torch.tensor(random.standard_normal((patches, 1176)), dtype=torch.float32)
            made[key] = torch.tensor(grids)
    if videos:
        made["second_per_grid_ts"] = torch.tensor(seconds, dtype=torch.float32)
    return made, position_ids


def parts_of(model):
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    language = core.model if LEGACY else core.model.language_model
    return language, core.visual if LEGACY else core.model.visual


def forward(model, inputs, position_ids):
    language, visual = parts_of(model)
    states, seen, hooks = {}, [], []
    first = lambda out: out[0] if isinstance(out, tuple) else out
    for block, layer in enumerate(language.layers):
        hooks.append(layer.register_forward_hook(lambda _m, _i, out, b=block + 1: states.__setitem__(b, first(out))))
    hooks.append(visual.register_forward_hook(
        lambda _m, _i, out: seen.append(out if torch.is_tensor(out) else out.pooler_output)))
    passed = {k: v for k, v in inputs.items() if k != "labels"}
    logits = model(**passed, position_ids=position_ids, use_cache=False).logits.float()
    for hook in hooks:
        hook.remove()
    logprobs = torch.log_softmax(logits[:, :-1], dim=-1).gather(2, inputs["input_ids"][:, 1:, None])[..., 0]
    names = [n for n, key in (("vision.images", "pixel_values"), ("vision.videos", "pixel_values_videos")) if key in inputs]
    return logits, logprobs, states, dict(zip(names, seen))


ROWS = {
    "text": [[17], [11]],
    "video": [[5, ("video", (4, 8, 6), 0.5), 12]],
    "padded": [[3, ("video", (2, 6, 10), 1.0), 9], [4, ("video", (3, 4, 6), 0.37), 6]],
    "mixed": [[4, ("image", (1, 6, 10)), 3, ("video", (3, 6, 10), 1.5), 2, ("video", (5, 4, 6), 0.25), 8]],
    "cotangents": [[6, ("video", (2, 8, 8), 0.4), 10], [8, ("video", (4, 4, 6), 2.0), 5]],
    "greedy": [[6, ("video", (3, 4, 8), 0.5), 7]],
    "long": [[5, ("video", (20, 4, 6), 0.5), 30]],
}
WITHOUT_GRADIENT = {"video", "greedy", "long"} if args.adapter_rank == 0 else {"greedy", "long"}


def make_case(model, name, tensors):
    inputs, position_ids = make_inputs(ROWS[name], pad_left=name != "cotangents")
    if LEGACY:
        rope = {k: inputs.get(k) for k in ("image_grid_thw", "video_grid_thw", "second_per_grid_ts")}
        own, _ = model.get_rope_index(inputs["input_ids"], attention_mask=inputs["attention_mask"], **rope)
        assert torch.equal(own, position_ids), f"{name}: positions differ from those of transformers 4.49"
    case = {"name": name, "gradientOf": "cotangents" if name == "cotangents" else "loss"}
    if name == "cotangents":
        del inputs["labels"]
    model.zero_grad(set_to_none=True)
    logits, logprobs, states, vision = forward(model, inputs, position_ids)
    expected = {"position_ids": position_ids, "logits": logits, "token_logprobs": logprobs, **vision,
                **{f"hidden.{b}": s for b, s in states.items()}}
    given = dict(inputs)
    if name == "cotangents":
        mask = inputs["attention_mask"].float()
        given["cotangent.token_logprobs"] = torch.randn(logprobs.shape) * mask[:, :-1] * mask[:, 1:]
        objective = (given["cotangent.token_logprobs"] * logprobs).sum()
        for block in sorted({1, max(1, args.layers - 1)}):
            cotangent = torch.randn(states[block].shape) * 0.1 * mask[..., None]
            given[f"cotangent.hidden.{block}"] = cotangent
            objective = objective + (cotangent * states[block]).sum()
    else:
        kept = inputs["labels"][:, 1:] != -100
        objective = -logprobs[kept].mean()
        expected["loss"] = objective.reshape(1)
    if name not in WITHOUT_GRADIENT:
        objective.backward()
        for parameter_name, parameter in model.named_parameters():
            if parameter.grad is not None:
                expected[f"grad.{hub_name(parameter_name)}"] = parameter.grad
    if name == "greedy":
        case["newTokens"] = 24
        expected["greedy"] = greedy(model, inputs, position_ids, case["newTokens"])
    case["inputs"], case["expected"] = sorted(given), sorted(expected)
    for key, value in {**given, **expected}.items():
        tensors[f"{name}/{key}"] = value.detach().clone().contiguous()
    return case


def greedy(model, inputs, position_ids, count):
    """One token at a time, each from a whole forward pass, so that no cache can differ."""
    inputs, made = dict(inputs), []
    with torch.no_grad():
        for _ in range(count):
            token = int(forward(model, inputs, position_ids)[0][0, -1].argmax())
            made.append(token)
            inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([[token]])], dim=1)
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
            position_ids = torch.cat([position_ids, (position_ids.max() + 1).expand(3, 1, 1)], dim=2)
    return torch.tensor([made])


def main():
    os.makedirs(args.out, exist_ok=True)
    model = make_model()
    save_weights(model)
    if args.adapter_rank:
        model = add_adapter(model)
    tensors = {}
    cases = [make_case(model, name, tensors) for name in args.cases]
    save_file(tensors, os.path.join(args.out, "tensors.safetensors"))
    fixture = {
        "schema": "videoperceiver/fixture@1", "family": "qwen2_5_vl",
        **({"adapter": "adapter"} if args.adapter_rank else {}),
        "made": {"by": f"transformers {transformers.__version__}, torch {torch.__version__}, float32, eager attention",
                 "weights": f"random, seed {args.seed}, rounded to {args.dtype} before use",
                 "positions": "trained rule (transformers 4.49)"},
        "tolerances": {"relativeToMax": 1e-4, "exact": ["position_ids", "greedy"]}, "cases": cases,
    }
    with open(os.path.join(args.out, "fixture.json"), "w") as file:
        json.dump(fixture, file, indent=1)
    print(json.dumps({"folder": args.out, "cases": [case["name"] for case in cases], "tensors": len(tensors)}))


main()

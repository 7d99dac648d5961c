"""Makes a parity fixture (docs of `videoperceiver verify`) with transformers from a random-weight Qwen2.5-VL or Qwen2-VL.

    .venv-oracle/bin/python -P scripts/make-golden/qwen2_5_vl.py --out DIR [options]       transformers 5.x
    PYTHONPATH=.venv-oracle/legacy .venv-oracle/bin/python -P ... --out DIR [options]      transformers 4.49

Positions are those of the trained rule and are passed explicitly; under 4.49 they are also compared with its own.
Everything is float32 (or --precision) with eager attention; weights are rounded to --dtype before use. Any 4.5x and 5.x works too.
"""

import argparse
import copy
import json
import os
import re

import numpy as np
import torch
import transformers
from safetensors.torch import save_file

LEGACY = transformers.__version__.startswith("4.49")
PAD, IMAGE, VIDEO, START, END = 0, 10, 11, 12, 13

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--out", required=True)
parser.add_argument("--family", choices=["qwen2_5_vl", "qwen2_vl"], default="qwen2_5_vl")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--vocab", type=int, default=320)
parser.add_argument("--hidden", type=int, default=64)
parser.add_argument("--intermediate", type=int, default=160)
parser.add_argument("--layers", type=int, default=3)
parser.add_argument("--heads", type=int, default=4)
parser.add_argument("--kv-heads", type=int, default=2)
parser.add_argument("--mrope", type=int, nargs=3, default=None, help="default: thirds of half a head")
parser.add_argument("--rope-theta", type=float, default=1e6)
parser.add_argument("--rms-eps", type=float, default=1e-6)
parser.add_argument("--tied", action="store_true")
parser.add_argument("--vision-hidden", type=int, default=48)
parser.add_argument("--vision-intermediate", type=int, default=96)
parser.add_argument("--mlp-ratio", type=float, default=2, help="qwen2_vl, instead of --vision-intermediate")
parser.add_argument("--vision-heads", type=int, default=4)
parser.add_argument("--vision-depth", type=int, default=3)
parser.add_argument("--window", type=int, default=56)
parser.add_argument("--patch", type=int, default=14)
parser.add_argument("--merge", type=int, default=2)
parser.add_argument("--temporal", type=int, default=2)
parser.add_argument("--channels", type=int, default=3)
parser.add_argument("--full-blocks", type=int, nargs="*", default=None, help="default: the last")
parser.add_argument("--tokens-per-second", type=int, default=2)
parser.add_argument("--dtype", choices=["float32", "float16", "bfloat16", "mixed"], default="float32")
parser.add_argument("--layout", choices=["flat", "both", "nested", "own"], default="flat",
                    help="own: folder and names as save_pretrained of the running transformers writes them")
parser.add_argument("--store-head", action="store_true", help="store lm_head of a tied model too")
parser.add_argument("--prefix", choices=["hub", "new"], default="hub", help="names of stored tensors")
parser.add_argument("--shards", type=int, default=1)
parser.add_argument("--adapter-rank", type=int, default=0, help="0: no adapter")
parser.add_argument("--adapter-alpha", type=float, default=8)
parser.add_argument("--adapter-rslora", action="store_true")
parser.add_argument("--adapter-targets", default=r"^(?!.*visual).*\.(q|k|v|o|gate|up|down)_proj$",
                    help="regular expression, or last names separated by commas")
parser.add_argument("--adapter-naming", choices=["current", "transformers-4.49"], default="current",
                    help="names of stored tensors; under 4.49 they are the older ones anyway")
parser.add_argument("--adapter-rank-pattern", type=json.loads, default={}, help="JSON")
parser.add_argument("--adapter-alpha-pattern", type=json.loads, default={}, help="JSON")
parser.add_argument("--adapter-layers", type=int, nargs="*", default=None, help="layers_to_transform")
parser.add_argument("--adapter-saves", nargs="*", default=None, help="modules_to_save")
parser.add_argument("--adapter-dtype", choices=["float32", "float16", "bfloat16"], default="float32")
parser.add_argument("--precision", choices=["float32", "float64"], default="float32",
                    help="float64: expected values without the reference's own rounding, stored as float32")
parser.add_argument("--cases", nargs="*", default=["text", "video", "padded", "mixed", "cotangents", "greedy", "long"])
args = parser.parse_args()

IS_25 = args.family == "qwen2_5_vl"
NAME = "Qwen2_5_VL" if IS_25 else "Qwen2VL"
Config = getattr(transformers, f"{NAME}Config")
Model = getattr(transformers, f"{NAME}ForConditionalGeneration")
random = np.random.default_rng(args.seed)
half = args.hidden // args.heads // 2
mrope = args.mrope or [half - 2 * (half * 3 // 8), half * 3 // 8, half * 3 // 8]
text_fields = {
    "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": PAD, "hidden_act": "silu",
    "hidden_size": args.hidden, "initializer_range": 0.02, "intermediate_size": args.intermediate,
    "max_position_embeddings": 4096, "max_window_layers": 80, "num_attention_heads": args.heads,
    "num_hidden_layers": args.layers, "num_key_value_heads": args.kv_heads, "rms_norm_eps": args.rms_eps,
    "sliding_window": 4096, "use_cache": True, "use_sliding_window": False, "vocab_size": args.vocab,
}
outer_fields = {
    "architectures": [f"{NAME}ForConditionalGeneration"], "model_type": args.family, "image_token_id": IMAGE,
    "video_token_id": VIDEO, "vision_start_token_id": START, "vision_end_token_id": END,
    "tie_word_embeddings": args.tied,
}
vision_fields = {
    "depth": args.vision_depth, "num_heads": args.vision_heads,
    "in_chans": args.channels, **({} if args.channels == 3 else {"in_channels": args.channels}),
    "patch_size": args.patch, "spatial_merge_size": args.merge, "spatial_patch_size": args.patch,
    "temporal_patch_size": args.temporal,
    **({
        "hidden_act": "silu", "hidden_size": args.vision_hidden, "intermediate_size": args.vision_intermediate,
        "out_hidden_size": args.hidden, "window_size": args.window, "tokens_per_second": args.tokens_per_second,
        "fullatt_block_indexes": args.full_blocks if args.full_blocks is not None else [args.vision_depth - 1],
    } if IS_25 else {
        "hidden_act": "quick_gelu", "embed_dim": args.vision_hidden, "hidden_size": args.hidden,
        "mlp_ratio": int(args.mlp_ratio) if args.mlp_ratio == int(args.mlp_ratio) else args.mlp_ratio,
    }),
}
storage = "bfloat16" if args.dtype == "mixed" else args.dtype
flat = {**outer_fields, **text_fields, "rope_theta": args.rope_theta, "torch_dtype": storage,
        "rope_scaling": {"type": "mrope", "mrope_section": mrope}, "vision_config": vision_fields}
layouts = {
    "flat": flat,
    "both": {**flat, "text_config": {**text_fields, "model_type": f"{args.family}_text", "rope_theta": args.rope_theta,
             "rope_scaling": {"type": "default", "rope_type": "default", "mrope_section": mrope}}},
    "nested": {**outer_fields, "dtype": storage,
               "text_config": {**text_fields, "model_type": f"{args.family}_text", "dtype": storage,
                               "rope_parameters": {"rope_type": "default", "rope_theta": args.rope_theta,
                                                   "mrope_section": mrope, "type": "mrope"}},
               "vision_config": {**vision_fields, "in_channels": args.channels, "model_type": f"{args.family}_vision",
                                 "rope_parameters": {"rope_theta": 10000.0, "rope_type": "axial"}}},
}


def hub_name(name):
    name = name.removeprefix("base_model.model.").replace(".base_layer.", ".").replace(".default.", ".")
    return name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")


def stored_name(name):
    if args.prefix == "hub" or name.startswith("lm_head"):
        return name
    return f"model.{name}" if name.startswith("visual.") else name.replace("model.", "model.language_model.", 1)


def rounding_of(name):
    """The storage type of one parameter; mixed: one of the three by its name."""
    if args.dtype != "mixed":
        return getattr(torch, args.dtype)
    return (torch.float32, torch.float16, torch.bfloat16)[sum(hub_name(name).encode()) % 3]


def make_model():
    config = Config(**{k: v for k, v in json.loads(json.dumps(flat)).items() if k not in ("architectures", "torch_dtype")})
    config._attn_implementation = "eager"
    torch.manual_seed(args.seed)
    model = Model._from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape)
            if ("norm" in name or "ln_q" in name) and name.endswith("weight"):
                noise = 1 + 0.1 * noise
            elif parameter.dim() == 1:
                noise = 0.1 * noise
            elif "embed_tokens" not in name:
                noise = noise / parameter[0].numel() ** 0.5
            parameter.copy_(noise.to(rounding_of(name)).float())
    return model


def save_weights(model):
    folder = os.path.join(args.out, "checkpoint")
    if args.layout == "own":
        copy.deepcopy(model).to(getattr(torch, storage)).save_pretrained(folder, **({"max_shard_size": "300KB"} if args.shards > 1 else {}))
        return
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(layouts[args.layout], file, indent=1)
    with open(os.path.join(folder, "generation_config.json"), "w") as file:
        json.dump({"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": PAD}, file)
    tensors = {stored_name(hub_name(n)): p.detach().to(rounding_of(n)).contiguous() for n, p in model.named_parameters()}
    if args.store_head:
        tensors["lm_head.weight"] = tensors[stored_name("model.embed_tokens.weight")].clone()
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
    is_text = targets == "all-linear" or re.search(r"[\\^$*]", targets)
    targets = targets if is_text else targets.split(",")
    wrapped = get_peft_model(model, LoraConfig(
        r=args.adapter_rank, lora_alpha=args.adapter_alpha, use_rslora=args.adapter_rslora, lora_dropout=0.0,
        rank_pattern=args.adapter_rank_pattern, alpha_pattern=args.adapter_alpha_pattern,
        layers_to_transform=args.adapter_layers, modules_to_save=args.adapter_saves,
        target_modules=targets, task_type="CAUSAL_LM")).eval()
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_" in name:
                noise = torch.randn(parameter.shape) * (0.1 if "lora_B" in name else parameter.shape[1] ** -0.5)
                parameter.copy_(noise.to(getattr(torch, args.adapter_dtype)).float())
            elif "modules_to_save" in name:
                parameter.mul_(1.25)
    folder = os.path.join(args.out, "adapter")
    wrapped.save_pretrained(folder)
    file = os.path.join(folder, "adapter_model.safetensors")
    stored = {name: tensor.clone().to(getattr(torch, args.adapter_dtype)) for name, tensor in load_file(file).items()}
    if args.adapter_naming != "current":
        stored = {n.replace(".model.visual.", ".visual.").replace(".language_model.", "."): t for n, t in stored.items()}
    save_file(stored, file, metadata={"format": "pt"})
    if os.path.exists(os.path.join(folder, "README.md")):
        os.remove(os.path.join(folder, "README.md"))
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
        h, w = h // args.merge, w // args.merge
        step = torch.tensor(float(seconds.pop(0)) if is_video else 0.0, dtype=torch.float32)
        steps = torch.arange(t) * step * args.tokens_per_second if IS_25 else torch.arange(t)
        time = steps.long().view(-1, 1, 1).expand(t, h, w).flatten()
        high = torch.arange(h).view(1, -1, 1).expand(t, h, w).flatten()
        wide = torch.arange(w).view(1, 1, -1).expand(t, h, w).flatten()
        parts.append(torch.stack([time, high, wide]) + used)
        at, used = at + t * h * w, int(parts[-1].max()) + 1
    return torch.cat(parts, dim=1)


def make_inputs(rows, pad_left=True):
    """Rows are lists of segments: a count of text tokens, ("video", grid, seconds) or ("image", grid).

    Grids are in merged units: a row or column of 3 is 3 * --merge patches.
    """
    ids, videos, images, seconds, places = [], [], [], [], []
    for row in rows:
        line, own = [], ([], [], [])
        for segment in row:
            if isinstance(segment, int):
                line += [int(v) for v in random.integers(20, args.vocab, size=segment)]
                continue
            kind, (t, h, w), *rest = segment
            line += [START] + [VIDEO if kind == "video" else IMAGE] * (t * h * w) + [END]
            own[0 if kind == "video" else 1].append((t, h * args.merge, w * args.merge))
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
            width = args.channels * args.temporal * args.patch**2
            made[name] = torch.tensor(random.standard_normal((patches, width)), dtype=torch.float32)
            made[key] = torch.tensor(grids)
    if videos:
        made["second_per_grid_ts"] = torch.tensor(seconds, dtype=torch.float32)
    return made, position_ids


def parts_of(model):
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    return (core.model, core.visual) if LEGACY else (core.model.language_model, core.model.visual)


def forward(model, inputs, position_ids):
    language, visual = parts_of(model)
    states, seen, hooks = {}, [], []
    first = lambda out: out[0] if isinstance(out, tuple) else out
    for block, layer in enumerate(language.layers):
        hooks.append(layer.register_forward_hook(lambda _m, _i, out, b=block + 1: states.__setitem__(b, first(out))))
    hooks.append(visual.register_forward_hook(
        lambda _m, _i, out: seen.append(out if torch.is_tensor(out) else out.pooler_output)))
    exact = getattr(torch, args.precision)
    left_out = {"labels"} if IS_25 else {"labels", "second_per_grid_ts"}
    passed = {k: v.to(exact) if v.is_floating_point() else v for k, v in inputs.items() if k not in left_out}
    logits = model(**passed, position_ids=position_ids, use_cache=False).logits
    for hook in hooks:
        hook.remove()
    logprobs = torch.log_softmax(logits[:, :-1], dim=-1).gather(2, inputs["input_ids"][:, 1:, None])[..., 0]
    names = [n for n, key in (("vision.images", "pixel_values"), ("vision.videos", "pixel_values_videos")) if key in inputs]
    return logits, logprobs, states, dict(zip(names, seen))


ROWS = {
    "text": [[17], [11]],
    "video": [[5, ("video", (4, 4, 3), 0.5), 12]],
    "padded": [[3, ("video", (2, 3, 5), 1.0), 9], [4, ("video", (3, 2, 3), 0.37), 6]],
    "mixed": [[4, ("image", (1, 3, 5)), 3, ("video", (3, 3, 5), 1.5), 2, ("video", (5, 2, 3), 0.25), 8]],
    "cotangents": [[6, ("video", (2, 4, 4), 0.4), 10], [8, ("video", (4, 2, 3), 2.0), 5]],
    "greedy": [[6, ("video", (3, 2, 4), 0.5), 7]],
    "long": [[5, ("video", (20, 2, 3), 0.5), 30]],
    "images": [[2, ("image", (1, 5, 2)), 3, ("image", (1, 1, 7)), 5], [9, ("image", (1, 4, 4)), 2]],
    "right": [[3, ("video", (5, 1, 6), 2 / 3), 9], [2, ("video", (1, 7, 3), 0.37), 1, ("image", (1, 2, 2)), 4], [8]],
    "blind row": [[12], [4, ("video", (2, 3, 3), 1.1), 3, ("video", (3, 3, 2), 1 / 3), 2], [1, ("image", (1, 3, 3)), 6]],
    "left": [[9], [4, ("video", (5, 3, 5), 0.5), 20]],
    "few labels": [[7, ("video", (3, 5, 5), 0.8), 9], [5, ("video", (2, 2, 7), 0.1), 14]],
    "states": [[4, ("video", (3, 3, 4), 0.9), 6]],
    "log-probabilities": [[4, ("image", (1, 3, 4)), 6], [8, ("video", (2, 2, 2), 1.25), 3]],
    "greedy rows": [[6, ("video", (3, 2, 4), 0.6), 7], [5, ("image", (1, 2, 3)), 4], [9]],
}
PAD_RIGHT = {"cotangents", "right", "images", "few labels"}
COTANGENTS = {"cotangents", "states", "log-probabilities"}
GREEDY = {"greedy", "greedy rows"}
WITHOUT_GRADIENT = {"long", *GREEDY} | ({"video"} if args.adapter_rank == 0 else set())


def make_case(model, name, tensors):
    inputs, position_ids = make_inputs(ROWS[name], pad_left=name not in PAD_RIGHT)
    if LEGACY:
        rope = {k: inputs.get(k) for k in ("image_grid_thw", "video_grid_thw", *(["second_per_grid_ts"] if IS_25 else []))}
        own, _ = model.get_rope_index(inputs["input_ids"], attention_mask=inputs["attention_mask"], **rope)
        assert torch.equal(own, position_ids), f"{name}: positions differ from those of transformers 4.49"
    case = {"name": name, "gradientOf": "cotangents" if name in COTANGENTS else "loss"}
    if name in COTANGENTS:
        del inputs["labels"]
    elif name == "few labels":
        inputs["labels"][torch.tensor(random.random(inputs["labels"].shape) < 0.6)] = -100
    model.zero_grad(set_to_none=True)
    logits, logprobs, states, vision = forward(model, inputs, position_ids)
    expected = {"position_ids": position_ids, "logits": logits, "token_logprobs": logprobs, **vision,
                **{f"hidden.{b}": s for b, s in states.items()}}
    given = dict(inputs)
    if name in COTANGENTS:
        mask, objective = inputs["attention_mask"].float(), 0
        if name != "states":
            given["cotangent.token_logprobs"] = torch.randn(logprobs.shape) * mask[:, :-1] * mask[:, 1:]
            objective = (given["cotangent.token_logprobs"] * logprobs).sum()
        tapped = {"states": range(1, args.layers + 1), "log-probabilities": []}.get(name, {1, max(1, args.layers - 1)})
        for block in sorted(tapped):
            cotangent = torch.randn(states[block].shape) * 0.1 * mask[..., None]
            given[f"cotangent.hidden.{block}"] = cotangent
            objective = objective + (cotangent * states[block]).sum()
    else:
        kept = inputs["labels"][:, 1:] != -100
        objective = -logprobs[kept].mean()
        expected["loss"] = objective.reshape(1)
    if name not in WITHOUT_GRADIENT and objective.requires_grad:
        objective.backward()
        for parameter_name, parameter in model.named_parameters():
            if parameter.grad is not None:
                expected[f"grad.{hub_name(parameter_name)}"] = parameter.grad
    if name in GREEDY:
        case["newTokens"] = 24
        expected["greedy"] = greedy(model, inputs, position_ids, case["newTokens"])
    case["inputs"], case["expected"] = sorted(given), sorted(expected)
    for key, value in {**given, **expected}.items():
        value = value.float() if value.is_floating_point() else value
        tensors[f"{name}/{key}"] = value.detach().clone().contiguous()
    return case


def greedy(model, inputs, position_ids, count):
    """One token at a time, each from a whole forward pass, so that no cache can differ. Padding is on the left."""
    inputs, made = dict(inputs), []
    with torch.no_grad():
        for _ in range(count):
            tokens = forward(model, inputs, position_ids)[0][:, -1].argmax(-1, keepdim=True)
            assert not torch.isin(tokens, torch.tensor([IMAGE, VIDEO])).any(), "drew a placeholder; take another --seed"
            made.append(tokens)
            inputs["input_ids"] = torch.cat([inputs["input_ids"], tokens], dim=1)
            inputs["attention_mask"] = torch.cat([inputs["attention_mask"], torch.ones_like(tokens)], dim=1)
            position_ids = torch.cat([position_ids, position_ids.amax(dim=(0, 2))[None, :, None].expand(3, -1, 1) + 1], dim=2)
    return torch.cat(made, dim=1)


def main():
    os.makedirs(args.out, exist_ok=True)
    model = make_model()
    save_weights(model)
    if args.adapter_rank:
        model = add_adapter(model)
    model.to(getattr(torch, args.precision))
    tensors = {}
    cases = [make_case(model, name, tensors) for name in args.cases]
    save_file(tensors, os.path.join(args.out, "tensors.safetensors"))
    fixture = {
        "schema": "videoperceiver/fixture@1", "family": args.family,
        **({"adapter": "adapter"} if args.adapter_rank else {}),
        "made": {"by": f"transformers {transformers.__version__}, torch {torch.__version__}, {args.precision}, eager attention",
                 "weights": f"random, seed {args.seed}, rounded to {args.dtype} before use",
                 "positions": "trained rule (transformers 4.49)"},
        "tolerances": {"relativeToMax": 1e-4, "exact": ["position_ids", "greedy"]}, "cases": cases,
    }
    with open(os.path.join(args.out, "fixture.json"), "w") as file:
        json.dump(fixture, file, indent=1)
    print(json.dumps({"folder": args.out, "cases": [case["name"] for case in cases], "tensors": len(tensors)}))


main()

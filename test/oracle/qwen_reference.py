"""What transformers and peft say; called by qwen-reference.test.ts with a command and JSON on standard input."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import torch
import transformers

transformers.logging.set_verbosity_error()
LEGACY = transformers.__version__.startswith("4.49")


def logits(job):
    """Largest difference of the logits, by the largest expected one, for each case of a fixture."""
    from safetensors.torch import load_file

    family = json.load(open(f"{job['checkpoint']}/config.json"))["model_type"]
    name = {"qwen2_5_vl": "Qwen2_5_VL", "qwen2_vl": "Qwen2VL"}[family]
    Model = getattr(transformers, f"{name}ForConditionalGeneration")
    precision = {"torch_dtype" if LEGACY else "dtype": torch.float32}
    model, report = Model.from_pretrained(
        job["checkpoint"], attn_implementation="eager", output_loading_info=True, **precision)
    if job.get("adapter"):
        from peft import PeftModel
        if job.get("untie"):
            model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
            for config in (model.config, model.config.text_config):
                config.tie_word_embeddings = False
        model = PeftModel.from_pretrained(model, job["adapter"])
        if job.get("merged"):
            model = model.merge_and_unload()
            model.save_pretrained(job["merged"])
    model.eval()
    tensors = load_file(f"{job['fixture']}/tensors.safetensors")
    worst = {}
    for case in json.load(open(f"{job['fixture']}/fixture.json"))["cases"]:
        inputs = {n: tensors[f"{case['name']}/{n}"] for n in case["inputs"] if n != "labels" and "cotangent" not in n}
        if family == "qwen2_vl":
            inputs.pop("second_per_grid_ts", None)
        with torch.no_grad():
            got = model(**inputs, position_ids=tensors[f"{case['name']}/position_ids"], use_cache=False).logits
        expected, mask = tensors[f"{case['name']}/logits"], inputs["attention_mask"].bool()
        worst[case["name"]] = float((got - expected)[mask].abs().max() / expected[mask].abs().max())
    return {"missing": sorted(report["missing_keys"]), "unexpected": sorted(report["unexpected_keys"]), "worst": worst}


def tokens(job):
    """Ids of texts and of a conversation, and texts of ids."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job["folder"])
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in job["texts"]]
    chat = tokenizer.apply_chat_template(job["messages"], tokenize=False, add_generation_prompt=True)
    return {"ids": ids, "texts": [tokenizer.decode(row, clean_up_tokenization_spaces=False) for row in ids], "chat": chat}


def layout(job):
    """Window order and positions of this version for lists of grids."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    config = Qwen2_5_VLConfig.from_pretrained(job["checkpoint"])
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration._from_config(config)
    visual = model.visual if LEGACY else model.model.visual
    made = []
    for case in job["cases"]:
        grids, ids = torch.tensor(case["grids"]), torch.tensor([case["ids"]])
        rope = {"video_grid_thw": grids, "second_per_grid_ts": torch.tensor(case["seconds"], dtype=torch.float32),
                "attention_mask": torch.ones_like(ids)}
        if not LEGACY:
            rope["mm_token_type_ids"] = 2 * (ids == config.video_token_id).int()
        positions, _ = (model if LEGACY else model.model).get_rope_index(ids, **rope)
        row = {"positions": positions.flatten().tolist()}
        if LEGACY:
            index, offsets = visual.get_window_index(grids)
            row |= {"windows": index.tolist(), "offsets": torch.unique_consecutive(torch.tensor(offsets)).tolist()}
        made.append(row)
    return made


json.dump({"logits": logits, "tokens": tokens, "layout": layout}[sys.argv[1]](json.load(sys.stdin)), sys.stdout)

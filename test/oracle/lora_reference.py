"""Logits of a checkpoint, with an adapter if one is given, on the inputs of a fixture; called by lora-training.test.ts.

Standard input: {"checkpoint", "fixture", "adapter" or null, "out"}; writes a safetensors file with one tensor a case.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5_VLForConditionalGeneration

transformers.logging.set_verbosity_error()
job = json.load(sys.stdin)
precision = "torch_dtype" if transformers.__version__.startswith("4.") else "dtype"
model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
    job["checkpoint"], attn_implementation="eager", **{precision: torch.float32})
if job["adapter"]:
    from peft import PeftModel
    model = PeftModel.from_pretrained(model, job["adapter"])
model.eval()
tensors = load_file(f"{job['fixture']}/tensors.safetensors")
logits = {}
for case in json.load(open(f"{job['fixture']}/fixture.json"))["cases"]:
    name = case["name"]
    inputs = {n: tensors[f"{name}/{n}"] for n in case["inputs"] if n != "labels" and "cotangent" not in n}
    with torch.no_grad():
        out = model(**inputs, position_ids=tensors[f"{name}/position_ids"], use_cache=False).logits
    logits[name] = out.float().contiguous()
save_file(logits, job["out"])

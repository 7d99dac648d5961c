"""Tiny CLIP and SigLIP models with random weights in the folder layout of transformers.js, and their scores by
transformers.

    python image_text_models.py make FOLDER          writes FOLDER/clip and FOLDER/siglip
    python image_text_models.py score FOLDER KIND    texts and base64 PNGs from standard input -> {"scores": [...]}
"""

import base64
import io
import json
import sys
import warnings
from pathlib import Path

import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch.onnx._internal.torchscript_exporter import onnx_proto_utils
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

warnings.filterwarnings("ignore")
# The exporter only looks for custom functions here, which these models do not have; spares the package onnx.
onnx_proto_utils._add_onnxscript_fn = lambda model_bytes, _: model_bytes

SENTENCES = """a photo of someone who flips a pancake
a photo of someone who catches the ball and throws it back
a photo of a car that crashes into another car at night
the dog jumps over the fence, barks twice and runs away
she claps her hands, waves and sits down""".split("\n")
SIDE = 32
SMALL = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2)


def clip_tokenizer():
    """Byte-level pairs with word ends, built like CLIP's own tokenizer.json."""
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    split = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("<|startoftext|>", "<|endoftext|>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|startoftext|>",
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        model_max_length=40,
    )


def siglip_tokenizer():
    """Unigram pieces and padding to a fixed length, built like SigLIP's."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(Regex(r"[.,!?]"), "")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=["</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="</s>", unk_token="<unk>", model_max_length=40
    )


class Tower(torch.nn.Module):
    """One tower with the single input and the outputs of the published exports."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def forward(self, value):
        return self.run(value)


def export(path, run, example, names, dynamic):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        Tower(run),
        (example,),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=names[:1],
        output_names=names[1:],
        dynamic_axes={name: dynamic if at == 0 else {0: "batch"} for at, name in enumerate(names)},
    )


def make_clip(folder):
    tokenizer = clip_tokenizer()
    text = dict(
        SMALL,
        vocab_size=len(tokenizer),
        max_position_embeddings=40,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = CLIPConfig(
        text_config=text, vision_config=dict(SMALL, image_size=SIDE, patch_size=8), projection_dim=16
    )
    config._attn_implementation = "eager"
    model = CLIPModel(config).eval().requires_grad_(False)
    processor = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    export(
        folder / "onnx/text_model.onnx",
        lambda ids: model.text_projection(model.text_model(input_ids=ids).pooler_output),
        torch.tensor([[0, 5, 6, 1], [0, 7, 1, 1]]),
        ["input_ids", "text_embeds"],
        {0: "batch", 1: "length"},
    )
    export(
        folder / "onnx/vision_model.onnx",
        lambda pixels: model.visual_projection(model.vision_model(pixels).pooler_output),
        torch.randn(2, 3, SIDE, SIDE),
        ["pixel_values", "image_embeds"],
        {0: "batch"},
    )
    return model, tokenizer, processor


def make_siglip(folder):
    tokenizer = siglip_tokenizer()
    text = dict(SMALL, vocab_size=len(tokenizer), max_position_embeddings=40, pad_token_id=tokenizer.pad_token_id)
    config = SiglipConfig(text_config=text, vision_config=dict(SMALL, image_size=SIDE, patch_size=8))
    config._attn_implementation = "eager"
    model = SiglipModel(config).eval().requires_grad_(False)
    processor = SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}, resample=3)
    export(
        folder / "onnx/text_model.onnx",
        lambda ids: model.text_model(input_ids=ids).pooler_output,
        torch.zeros(2, 40, dtype=torch.long),
        ["input_ids", "pooler_output"],
        {0: "batch", 1: "length"},
    )
    export(
        folder / "onnx/vision_model.onnx",
        lambda pixels: model.vision_model(pixels).pooler_output,
        torch.randn(2, 3, SIDE, SIDE),
        ["pixel_values", "pooler_output"],
        {0: "batch"},
    )
    return model, tokenizer, processor


def make(root):
    for seed, (kind, maker) in enumerate({"clip": make_clip, "siglip": make_siglip}.items()):
        torch.manual_seed(seed)
        folder = root / kind
        model, tokenizer, processor = maker(folder)
        for part in (model, tokenizer, processor):
            part.save_pretrained(folder)
        # The library finds its classes by these names.
        described = json.loads((folder / "preprocessor_config.json").read_text())
        described["image_processor_type"] = "CLIPImageProcessor" if kind == "clip" else "SiglipImageProcessor"
        (folder / "preprocessor_config.json").write_text(json.dumps(described))


def score(folder, kind):
    request = json.loads(sys.stdin.read())
    is_clip = kind == "clip"
    model = (CLIPModel if is_clip else SiglipModel).from_pretrained(folder).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    processor = (CLIPImageProcessorPil if is_clip else SiglipImageProcessorPil).from_pretrained(folder)
    images = [Image.open(io.BytesIO(base64.b64decode(frame))).convert("RGB") for frame in request["frames"]]
    padding = dict(padding=True) if is_clip else dict(padding="max_length")
    ids = tokenizer(request["texts"], truncation=True, return_tensors="pt", **padding).input_ids
    pixels = processor(images, return_tensors="pt").pixel_values
    with torch.inference_mode():
        if is_clip:
            texts = model.text_projection(model.text_model(input_ids=ids).pooler_output)
            frames = model.visual_projection(model.vision_model(pixels).pooler_output)
        else:
            texts = model.text_model(input_ids=ids).pooler_output
            frames = model.vision_model(pixels).pooler_output
    normal = torch.nn.functional.normalize
    keyword = normal(normal(texts, dim=-1).mean(dim=0), dim=-1)
    print(json.dumps({"scores": (normal(frames, dim=-1) @ keyword).tolist(), "ids": ids.tolist()}))


if __name__ == "__main__":
    command, root, *rest = sys.argv[1:]
    if command == "make":
        make(Path(root))
    else:
        score(Path(root) / rest[0], rest[0])

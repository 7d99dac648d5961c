"""A tiny BLIP-2 with random weights, and its scores by transformers' own image-text contrast.

    python blip2_model.py make FOLDER
    python blip2_model.py score FOLDER     {"keyword": ..., "frames": [base64 PNG]} -> {"scores": [...]}
"""

import base64
import io
import json
import sys

import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoProcessor,
    Blip2Config,
    Blip2ForImageTextRetrieval,
    Blip2Processor,
    BlipImageProcessor,
    PreTrainedTokenizerFast,
)

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"flip pancake catch the ball crash car someone".split()]
# Weights large enough for frames and words to differ (the default of the vision part is 1e-10).
SMALL = dict(
    hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, initializer_range=0.3
)


def make(folder):
    torch.manual_seed(0)
    config = Blip2Config(
        vision_config=dict(SMALL, image_size=32, patch_size=8),
        qformer_config=dict(
            SMALL, vocab_size=len(WORDS), encoder_hidden_size=32, max_position_embeddings=32, use_qformer_text_input=True
        ),
        text_config=dict(model_type="opt", hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=16),
        num_query_tokens=4,
        image_text_hidden_size=16,
    )
    model = Blip2ForImageTextRetrieval(config).eval()
    # Freshly made query tokens are all zero: every query would say the same.
    torch.nn.init.normal_(model.query_tokens)
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    images = BlipImageProcessor(size={"height": 32, "width": 32})
    Blip2Processor(images, fast).save_pretrained(folder)


def score(folder):
    request = json.loads(sys.stdin.read())
    model = Blip2ForImageTextRetrieval.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    images = [Image.open(io.BytesIO(base64.b64decode(frame))).convert("RGB") for frame in request["frames"]]
    tokens = processor.tokenizer([request["keyword"]], return_tensors="pt")
    pixels = processor.image_processor(images, return_tensors="pt").pixel_values
    with torch.inference_mode():
        out = model(
            pixel_values=pixels,
            input_ids=tokens.input_ids,
            attention_mask=tokens.attention_mask,
            use_image_text_matching_head=False,
        )
    print(json.dumps({"scores": out.logits_per_image[:, 0].tolist()}))


if __name__ == "__main__":
    {"make": make, "score": score}[sys.argv[1]](sys.argv[2])

"""A tiny classifier of natural language inference with random weights in the folder layout of transformers.js, and its
probabilities by transformers.

    python nli_model.py make FOLDER
    python nli_model.py score FOLDER     [[premise, hypothesis], ...] from standard input -> [probability, ...]
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch.onnx._internal.torchscript_exporter import onnx_proto_utils
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

warnings.filterwarnings("ignore")
# The exporter only looks for custom functions here, which this model does not have; spares the package onnx.
onnx_proto_utils._add_onnxscript_fn = lambda model_bytes, _: model_bytes

SENTENCES = ["the red disc hops once", "nothing happens to the blue square", "a green ring flashes twice and stays"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def tokenizer():
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=120, special_tokens=SPECIAL, show_progress=False))
    ends = [(name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends)
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
                                   sep_token="[SEP]", model_max_length=48,
                                   model_input_names=["input_ids", "token_type_ids", "attention_mask"])


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits


def make(folder):
    torch.manual_seed(5)
    words = tokenizer()
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, initializer_range=0.4, attn_implementation="eager",
        id2label={0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"})
    model = BertForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = words("the red disc hops", "the disc hops", return_tensors="pt")
    torch.onnx.export(Logits(model), tuple(example[name] for name in names), str(folder / "onnx" / "model.onnx"),
                      dynamo=False, opset_version=17, input_names=names, output_names=["logits"],
                      dynamic_axes={name: {0: "batch", 1: "length"} for name in names})


@torch.no_grad()
def score(folder):
    words = PreTrainedTokenizerFast.from_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    pairs = json.load(sys.stdin)
    chances = [model(**words(a, b, truncation=True, return_tensors="pt")).logits.softmax(-1)[0, 2] for a, b in pairs]
    print(json.dumps([float(chance) for chance in chances]))


{"make": make, "score": score}[sys.argv[1]](Path(sys.argv[2]))

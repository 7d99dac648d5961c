"""Makes a processor fixture (docs of `videoperceiver verify`) with qwen-vl-utils and the processor of transformers 4.49.

    PYTHONPATH=.venv-oracle/legacy .venv-oracle/bin/python -P scripts/make-golden/qwen_processor.py \\
        --processor FOLDER --out DIR [--seed N] [--cases N] [--min-pixels N] [--max-pixels N]

FOLDER has tokenizer, chat template and preprocessor configuration of Qwen2.5-VL. Pictures are drawn. A clip goes
through `fetch_video` of qwen-vl-utils as a file does: its reader is replaced by one that takes the drawn frames at the
indices that qwen-vl-utils chooses, and the fixture's part gets the resulting `sample_fps`. Images are brought to the
size of `fetch_image` by torchvision, as frames are; qwen-vl-utils itself uses Pillow for them, which rounds between its
two passes and near hard edges is up to 4 of 255 away. Small budgets end below (or above) the processor's own
limits; then it resizes once more, and `resized.N` are the frames before that. Where torch has fused multiply-adds (AVX2
and later) everything is to be equal; elsewhere torch's resize is a level away in single values, which the second resize
may make two. What is not made: lists of frames, which
0.0.14 resizes twice (to multiples of 56, then of 28); user text that names special tokens, which the reference reads as
such tokens and we as text.
"""

import argparse
import json
import os
import random
import shutil
import sys

import numpy as np
import torch
from PIL import Image
from qwen_vl_utils import vision_process
from safetensors.torch import save_file
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize
from transformers import AutoTokenizer, Qwen2VLImageProcessor, Qwen2_5_VLProcessor

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--processor", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--cases", type=int, default=6)
parser.add_argument("--min-pixels", type=int, help="limits of the processor instead of the folder's own")
parser.add_argument("--max-pixels", type=int)
args = parser.parse_args()
chance, noise = random.Random(args.seed), np.random.default_rng(args.seed)

TEXTS = [
    "How many times does he wave?", "  leading and trailing  ", "Line one\nline two\n\n\tindented", "été 你好 😀 👩‍👩‍👧‍👦",
    "3.14159 1234567 0x1F", "don't I'LL we've IT'S", "مرحبا بالعالم", "नमस्ते दुनिया", "e\u0301 vs \u00e9, ﬁ, Å",
    "def f(x):\n    return x ** 2  # square", "a" * 70, "?!...---***", "\u00a0\u2003wide\u3000spaces", "", "<b>&amp;</b> {x} [y]",
    "A. once\r\nB. twice\r\n", "한국어와 日本語", "x\u200dy\ufe0f", "<|not_a_token|> <| im_start |>",
]


def draw(frames, height, width):
    """Smooth shapes that move, with noise: uint8 [T, H, W, 3]."""
    y, x = np.mgrid[0:height, 0:width]
    pictures = []
    for t in range(frames):
        waves = [128 + 100 * np.sin((x * (c + 1) + t * 9) / 17 + c) * np.cos((y - t * 5) / (11 + 4 * c)) for c in range(3)]
        pictures.append(np.stack(waves, -1) + noise.normal(0, 12, (height, width, 3)))
    return np.clip(np.stack(pictures), 0, 255).astype(np.uint8)


def side():
    return chance.choice([chance.randint(30, 90), chance.randint(90, 330), 28 * chance.randint(2, 8), 224])


def size():
    height, width = side(), side()
    return (height, width) if chance.random() < 0.8 else chance.choice([(32, 400), (400, 32), (56, 57)])


def limits(part):
    kind = chance.random()
    if kind < 0.6:
        part["min_pixels"] = chance.choice([784, 1568, 3136, 6272, 12544])
        part["max_pixels"] = part["min_pixels"] * chance.choice([2, 3, 8])
    elif kind < 0.75:
        part["max_pixels"] = 120_000
    elif kind < 0.85:
        part["resized_height"], part["resized_width"] = 28 * chance.randint(2, 6) + 9, 28 * chance.randint(2, 6)
    return part


def video_part():
    part = limits({"type": "video"})
    total, fps = chance.randint(8, 24), chance.choice([2.0, 4.0, 8.0, 12.5, 23.976, 29.97])
    if chance.random() < 0.3:
        part["nframes"] = chance.choice([2, 3, 4, 6])
    elif chance.random() < 0.7:
        part["fps"] = chance.choice([1, 2.0, 3.7, 8, 0.5])
    if chance.random() < 0.3:
        part["video_start"], part["video_end"] = round(total / fps * 0.1, 3), round(total / fps * 0.9, 3)
    if chance.random() < 0.3:
        part["total_pixels"] = chance.choice([20_000, 60_000])
    return part, total, fps


def reader(frames, fps):
    """What replaces a file's reader: as `_read_video_torchcodec` chooses and reports."""

    def read(part):
        first, last, count = vision_process.calculate_video_frame_range(part, len(frames), fps)
        kept = vision_process.smart_nframes(part, total_frames=count, video_fps=fps)
        at = torch.linspace(first, last, kept).round().long().tolist()
        reader.chosen = frames[at]
        return torch.tensor(reader.chosen).permute(0, 3, 1, 2), {}, kept / max(count, 1e-6) * fps

    return read


def limited_processor():
    """The folder itself, or a copy with other limits beside the fixture."""
    if args.min_pixels is None and args.max_pixels is None:
        return args.processor
    folder = os.path.join(args.out, "processor")
    os.makedirs(folder, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.json"):
        shutil.copy(os.path.join(args.processor, name), folder)
    fields = json.load(open(os.path.join(args.processor, "preprocessor_config.json")))
    fields |= {k: v for k, v in (("min_pixels", args.min_pixels), ("max_pixels", args.max_pixels)) if v is not None}
    with open(os.path.join(folder, "preprocessor_config.json"), "w") as file:
        json.dump(fields, file)
    return folder


def processor():
    template = json.load(open(os.path.join(args.processor, "chat_template.json")))["chat_template"]
    return Qwen2_5_VLProcessor(image_processor=Qwen2VLImageProcessor.from_pretrained(args.processor),
                               tokenizer=AutoTokenizer.from_pretrained(args.processor), chat_template=template)


def media(number, tensors, name):
    """A part of the fixture, and what the processor takes: a clip with its rate, or a picture."""
    where = f"frames.{number}"
    if chance.random() < 0.3:
        part = limits({"type": "image", "image": where})
        frames = draw(1, *size())
        width, height = vision_process.fetch_image({**part, "image": Image.fromarray(frames[0])}).size
        made = resize(torch.tensor(frames).permute(0, 3, 1, 2), [height, width], InterpolationMode.BICUBIC, antialias=True)
        resized, rate = made.permute(0, 2, 3, 1).numpy(), None
        made = Image.fromarray(resized[0])
    else:
        part, total, fps = video_part()
        vision_process.VIDEO_READER_BACKENDS["torchvision"] = reader(draw(total, *size()), fps)
        made, rate = vision_process.fetch_video({**part, "video": "drawn"}, return_video_sample_fps=True)
        part |= {"video": where, "sample_fps": rate}
        frames, resized = reader.chosen, made.permute(0, 2, 3, 1).round().to(torch.uint8).numpy()
    tensors[f"{name}/{where}"] = torch.tensor(frames)
    tensors[f"{name}/resized.{number}"] = torch.tensor(resized)
    return part, made, rate


def make_case(name, whole, tensors):
    """Draws again where qwen-vl-utils refuses."""
    while True:
        kept = {}
        try:
            return try_case(name, whole, kept), tensors.update(kept)
        except (ValueError, AssertionError, RuntimeError) as error:
            print(f"{name}: drawn again: {error}", file=sys.stderr)


def try_case(name, whole, tensors):
    messages, pictures, clips, rates, number = [], [], [], [], 0
    if chance.random() < 0.4:
        messages.append({"role": "system", "content": [{"type": "text", "text": chance.choice(TEXTS)}]})
    turns = chance.choice([1, 1, 1, 2])
    for turn in range(turns):
        content = []
        for _ in range(chance.choice([0, 1, 1, 1, 2])):
            part, made, rate = media(number, tensors, name)
            number += 1
            (pictures if rate is None else clips).append(made)
            rates += [] if rate is None else [rate]
            content.append(part)
            if chance.random() < 0.4:
                content.append({"type": "text", "text": chance.choice(TEXTS)})
        content.append({"type": "text", "text": chance.choice(TEXTS)})
        if chance.random() < 0.3:
            content.sort(key=lambda part: part["type"] != "text")
        messages.append({"role": "user", "content": content})
        if turn + 1 < turns or chance.random() < 0.2:
            messages.append({"role": "assistant", "content": [{"type": "text", "text": chance.choice(TEXTS)}]})
    prompt = messages[-1]["role"] == "user"
    text = whole.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
    made = whole(text=[text], images=pictures or None, videos=clips or None, return_tensors="pt",
                 **({"fps": rates} if rates else {}))
    for key, value in made.items():
        value = value if torch.is_tensor(value) else torch.tensor(value)
        tensors[f"{name}/{key}"] = value.float() if value.is_floating_point() else value
    return {"name": name, "messages": messages, "addGenerationPrompt": prompt, "text": text}


def main():
    os.makedirs(args.out, exist_ok=True)
    args.processor = limited_processor()
    whole, tensors = processor(), {}
    cases = [make_case(f"case {at}", whole, tensors)[0] for at in range(args.cases)]
    save_file({name: value.contiguous() for name, value in tensors.items()}, os.path.join(args.out, "tensors.safetensors"))
    fused = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
    fixture = {
        "schema": "videoperceiver/fixture@1", "family": "qwen2_5_vl", "kind": "processor",
        "processor": os.path.relpath(args.processor, args.out),
        "made": {"by": "transformers 4.49.0, qwen-vl-utils 0.0.14", "pictures": f"drawn, seed {args.seed}"},
        "tolerances": {"exact": ["input_ids", "attention_mask", "video_grid_thw", "image_grid_thw", "second_per_grid_ts"],
                       "resizedMaxStep": 0 if fused else 1, "pixelValuesAbsolute": 1e-6 if fused else 0.031},
        "cases": cases,
    }
    with open(os.path.join(args.out, "fixture.json"), "w") as file:
        json.dump(fixture, file, indent=1, ensure_ascii=False)
    print(json.dumps({"folder": args.out, "cases": len(cases), "tensors": len(tensors)}))


main()

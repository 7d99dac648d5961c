"""Frame counts, frame indices and resized sizes of qwen-vl-utils 0.0.14, for test/golden/qwen-frames.test.ts.

    PYTHONPATH=.venv-oracle/legacy .venv-oracle/bin/python -P scripts/make-golden/qwen_frames.py > test/golden/expected/qwen-vl-utils.json

-P, because other scripts of this folder are called as modules of Python are. Needs torch, torchvision, numpy, Pillow,
requests and packaging. A null result means that the reference refused.
"""

import json
import random

import torch
import qwen_vl_utils.vision_process as reference

random.seed(7)


def choose_frames(request, total, fps):
    try:
        first, last, frames = reference.calculate_video_frame_range(request, total, fps)
        count = reference.smart_nframes(request, total_frames=frames, video_fps=fps)
    except (ValueError, AssertionError):
        return None
    indices = torch.linspace(first, last, count).round().long().tolist()
    return {"sampleFps": count / max(frames, 1e-6) * fps, "indices": indices}


def resize(height, width, min_pixels, max_pixels):
    try:
        return list(reference.smart_resize(height, width, 28, min_pixels, max_pixels))
    except (ValueError, AssertionError):
        return None


choices = [
    ({}, 90, 30.0), ({}, 300, 30.0), ({}, 3000, 30.0), ({}, 15000, 30.0), ({}, 47, 25.0), ({}, 1, 30.0),
]
for _ in range(60):
    total, fps = random.randint(2, 6000), random.choice([23.976, 24.0, 25.0, 29.97, 30.0, 12.5, 60.0])
    request = {}
    kind = random.random()
    if kind < 0.4:
        request["fps"] = random.choice([0.5, 1, 2, 4, 8.5])
    elif kind < 0.6:
        request["nframes"] = random.randint(2, 40)
    if random.random() < 0.4 and total > 60:
        request["video_start"] = round(random.random() * total / fps / 2, 3)
        if random.random() < 0.7:
            request["video_end"] = round(total / fps * (0.6 + random.random() * 0.6), 3)
    choices.append((request, total, fps))

sizes = []
for _ in range(150):
    sizes.append((random.randint(1, 2200), random.randint(1, 2200), random.choice([784, 3136, 100352]),
                  random.choice([6272, 200704, 602112, 12845056])))
for half in range(1, 40):  # sides that lie exactly between two multiples
    sizes.append((14 * (2 * half + 1), 14 * (2 * half + 3), 784, 12845056))

rows = [{"request": r, "total": t, "fps": f, "result": choose_frames(dict(r), t, f)} for r, t, f in choices]
made = [{"height": h, "width": w, "minPixels": a, "maxPixels": b, "result": resize(h, w, a, b)} for h, w, a, b in sizes]
print(json.dumps({"madeBy": f"qwen-vl-utils 0.0.14, torch {torch.__version__}", "choices": rows, "sizes": made}))

"""Golden hashes for src/video/pillow-bicubic.ts, from Pillow itself.

    python -m venv .venv-oracle && .venv-oracle/bin/pip install pillow
    .venv-oracle/bin/python scripts/make-golden/pillow_bicubic.py > test/golden/expected/pillow-13.json

and once more with pillow==12.2.0 into pillow-12.json: the two differ in the order of passes.

The pictures come from a 32-bit linear congruential generator (Numerical Recipes), of which the test has a copy.
"""

import hashlib
import json
import sys

import PIL
from PIL import Image

SIZES = [
    (64, 48, 28, 28), (64, 48, 128, 100), (1, 1, 5, 7), (5, 7, 1, 1), (640, 360, 224, 140), (33, 57, 57, 33),
    (100, 100, 100, 30), (100, 100, 30, 100), (100, 100, 100, 100), (1920, 1080, 448, 448), (17, 13, 640, 1), (300, 2, 7, 200),
    (199, 201, 198, 202), (640, 480, 84, 56),
]


def picture(width: int, height: int, seed: int, extreme: bool) -> bytes:
    state, out = seed, bytearray(width * height * 3)
    for i in range(len(out)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        value = state >> 24
        out[i] = (255 if value & 128 else 0) if extreme else value
    return bytes(out)


cases = []
for number, (width, height, to_width, to_height) in enumerate(SIZES):
    for extreme in (False, True):
        image = Image.frombytes("RGB", (width, height), picture(width, height, number + 1, extreme))
        resized = image.resize((to_width, to_height), Image.Resampling.BICUBIC).tobytes()
        cases.append({
            "size": [width, height], "to": [to_width, to_height], "seed": number + 1, "extreme": extreme,
            "sha256": hashlib.sha256(resized).hexdigest(), "head": list(resized[:12]),
        })
json.dump({"pillow": PIL.__version__, "cases": cases}, sys.stdout, indent=1)
print()

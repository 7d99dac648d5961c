"""The same pairs the straightforward way: PyAV decodes, NumPy scores (the motion curve of src/selection/motion), PyAV
encodes both clips. The anchor of `npm run bench -- absent-pairs` and `absent-pairs-virtual`.

    python scripts/anchors/absent_pairs.py OUT CLIP...     answers one round per line on standard input
"""

import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))
from answer_rounds import answer_rounds  # noqa: E402

FPS, REACH, SIDE, BLOCKS, STRONGEST, COLOUR, SMOOTH, CAMERA = 8, 1.0, 96, 8, 16, 0.5, 0.25, 0.09


def decode(path):
    frames, times = [], []
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            frames.append(frame.to_ndarray(format="rgb24"))
            times.append(frame.time)
    return frames, [time - times[0] for time in times]


def sampled_positions(times):
    positions, k = [], 0
    while k / FPS <= times[-1] + 1e-6:
        position = int(np.searchsorted(times, k / FPS + 1e-6, side="right")) - 1
        if not positions or position != positions[-1]:
            positions.append(position)
        k += 1
    return positions


def planes(frame):
    height, width = frame.shape[:2]
    scale = min(1, 192 / max(width, height))
    picture = np.asarray(Image.fromarray(frame).resize((round(width * scale), round(height * scale)), Image.BICUBIC))
    height, width = picture.shape[:2]
    scale = min(1, SIDE / max(width, height))
    rows, columns = round(height * scale), round(width * scale)
    top = (np.arange(rows) * height) // rows
    left = (np.arange(columns) * width) // columns
    sums = np.add.reduceat(np.add.reduceat(picture.astype(np.float64), top, axis=0), left, axis=1)
    areas = np.outer(np.diff(np.append(top, height)), np.diff(np.append(left, width)))
    r, g, b = np.moveaxis(sums / areas[..., None], -1, 0)
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([luma, 0.564 * (b - luma), 0.713 * (r - luma)]).astype(np.float32)


def overlap(a, b, dx, dy):
    height, width = a.shape[-2:]
    top, bottom, left, right = max(0, -dy), min(height, height - dy), max(0, -dx), min(width, width - dx)
    return a[..., top:bottom, left:right], b[..., top + dy : bottom + dy, left + dx : right + dx], top, left


def shift_between(a, b):
    height, width = a.shape[-2:]
    offset = a[0].mean(dtype=np.float64) - b[0].mean(dtype=np.float64)
    reach_x, reach_y = int(width * CAMERA / 2) * 2, int(height * CAMERA / 2) * 2

    def cost(dx, dy, step):
        here, there, _, _ = overlap(a[0], b[0], dx, dy)
        return np.abs(here[::step, ::step] - there[::step, ::step] - offset).mean() + 0.02 * (abs(dx) + abs(dy))

    coarse = [(0, 0)] + [(x, y) for y in range(-reach_y, reach_y + 1, 2) for x in range(-reach_x, reach_x + 1, 2)]
    cx, cy = min(coarse, key=lambda s: cost(*s, 3))
    near = [(cx, cy)] + [(cx + x, cy + y) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min((s for s in near if abs(s[0]) <= reach_x and abs(s[1]) <= reach_y), key=lambda s: cost(*s, 2))


def block_change(a, b):
    dx, dy = shift_between(a, b)
    here, there, top, left = overlap(a, b, dx, dy)
    difference = here.astype(np.float64) - there
    difference[0] -= difference[0].mean()
    change = np.abs(difference[0]) + COLOUR * (np.abs(difference[1]) + np.abs(difference[2]))
    height, width = a.shape[-2:]
    out = np.zeros((BLOCKS, BLOCKS))
    for row in range(BLOCKS):
        for column in range(BLOCKS):
            y0, y1 = row * height // BLOCKS, (row + 1) * height // BLOCKS
            x0, x1 = column * width // BLOCKS, (column + 1) * width // BLOCKS
            part = change[max(0, y0 - top) : max(0, y1 - top), max(0, x0 - left) : max(0, x1 - left)]
            if part.size * 4 >= (y1 - y0) * (x1 - x0):
                out[row, column] = part.mean()
    return out


def motion_scores(pictures, times):
    times = np.asarray(times)
    raw = np.zeros(len(times))
    for i in range(len(times)):
        before = max(0, int(np.searchsorted(times, times[i] - REACH + 5e-4, side="right")) - 1)
        after = min(len(times) - 1, int(np.searchsorted(times, times[i] + REACH - 5e-4)))
        if before == i or after == i:
            continue
        smaller = np.minimum(block_change(pictures[i], pictures[before]), block_change(pictures[i], pictures[after]))
        raw[i] = np.sort(smaller.ravel())[-STRONGEST:].mean()
    distance = times[:, None] - times[None, :]
    weights = np.where(np.abs(distance) <= 3 * SMOOTH, np.exp(-0.5 * (distance / SMOOTH) ** 2), 0)
    curve = weights @ raw / weights.sum(axis=1)
    centred = curve - np.median(curve)
    return centred / (1.4826 * np.median(np.abs(centred)))


def key_frames(scores):
    least = 0.2 * (scores.max() - scores.min())
    found = []
    for i, score in enumerate(scores):
        if (i > 0 and scores[i - 1] >= score) or (i + 1 < len(scores) and scores[i + 1] >= score):
            continue
        valleys = []
        for side in (scores[:i][::-1], scores[i + 1 :]):
            higher = np.flatnonzero(side > score)
            part = side[: higher[0]] if len(higher) else side
            if len(part):
                valleys.append(part.min())
        if valleys and score - max(valleys) >= least:
            found.append(i)
    return found


def encode(path, frames, times):
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "18"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.thread_type = "AUTO"
        stream.codec_context.time_base = Fraction(1, 90000)
        for frame, when in zip(frames, times):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = round(when * 90000), Fraction(1, 90000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def make_pair(path, out):
    frames, times = decode(path)
    positions = sampled_positions(times)
    scores = motion_scores([planes(frames[p]) for p in positions], [times[p] for p in positions])
    absent = list(frames)
    for key in key_frames(scores):
        if key > 0:
            end = positions[key + 1] if key + 1 < len(positions) else len(frames)
            for index in range(positions[key], end):
                absent[index] = frames[positions[key - 1]]
    encode(str(out / (Path(path).stem + "-complete.mp4")), frames, times)
    encode(str(out / (Path(path).stem + "-absent.mp4")), absent, times)
    return scores / scores.max()


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    clips = sys.argv[2:]

    def one_round(_):
        start = time.perf_counter()
        scores = np.concatenate([make_pair(clip, out) for clip in clips])
        return {"value": 60 * len(clips) / (time.perf_counter() - start), "result": scores.tolist()}

    answer_rounds(one_round)


if __name__ == "__main__":
    main()

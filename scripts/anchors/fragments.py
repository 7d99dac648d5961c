"""The data set that `fragments` makes of clips, the straightforward way: PyAV decodes, Pillow makes pictures small and
encodes them, NumPy compares, one JSON line a question. No page, no resume, no check of what else is in the set. The anchor
of `npm run bench -- fragments`.

    python scripts/anchors/fragments.py OUT CLIP...     answers one round per line on standard input
    python scripts/anchors/fragments.py --once OUT CLIP...     makes them once and ends
"""

import hashlib
import io
import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np
from absent_pairs import answer_rounds, decode
from PIL import Image

LOOKED_AT, PIXELS, SIDE, BLOCKS, STRONGEST, PER_CLIP, ATTEMPTS = 48, 336, 64, 12, 7, 3, 16
ORDERED = ("disorder", "rearrangement")


def fitted(frame):
    height, width = frame.shape[:2]
    scale = min(1, PIXELS / max(width, height))
    return np.asarray(Image.fromarray(frame).resize((round(width * scale), round(height * scale)), Image.BICUBIC))


def without_bars(pictures):
    levels = pictures.max(axis=3)
    rows = (levels.mean(axis=2).max(axis=0) > 20) | (levels.max(axis=(0, 2)) > 56)
    columns = (levels.mean(axis=1).max(axis=0) > 20) | (levels.max(axis=(0, 1)) > 56)
    if not rows.any() or not columns.any():
        return pictures
    top, bottom = np.flatnonzero(rows)[[0, -1]]
    left, right = np.flatnonzero(columns)[[0, -1]]
    return pictures[:, top : bottom + 1, left : right + 1]


def planes(picture):
    height, width = picture.shape[:2]
    scale = min(1, SIDE / max(width, height))
    rows, columns = round(height * scale), round(width * scale)
    top, left = np.arange(rows) * height // rows, np.arange(columns) * width // columns
    sums = np.add.reduceat(np.add.reduceat(picture.astype(np.float64), top, axis=0), left, axis=1)
    areas = np.outer(np.diff(np.append(top, height)), np.diff(np.append(left, width)))
    r, g, b = np.moveaxis(sums / areas[..., None], -1, 0)
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([luma, 0.564 * (b - luma), 0.713 * (r - luma)]).astype(np.float32)


def distances(small):
    """Of every picture to all later ones: mean of the most different blocks; of the next one, of all blocks."""
    count, _, height, width = small.shape
    between, overall = np.zeros((count, count)), np.zeros(count)
    top, left = np.arange(BLOCKS) * height // BLOCKS, np.arange(BLOCKS) * width // BLOCKS
    areas = np.outer(np.diff(np.append(top, height)), np.diff(np.append(left, width)))
    for a in range(count - 1):
        difference = small[a] - small[a + 1 :]
        difference[:, 0] -= difference[:, 0].mean(axis=(1, 2), keepdims=True)
        change = np.abs(difference)
        change = change[:, 0] + 0.5 * (change[:, 1] + change[:, 2])
        blocks = np.add.reduceat(np.add.reduceat(change, top, axis=1), left, axis=2) / areas
        blocks = blocks.reshape(len(blocks), -1)
        between[a, a + 1 :] = between[a + 1 :, a] = np.partition(blocks, -STRONGEST)[:, -STRONGEST:].mean(axis=1)
        overall[a + 1] = blocks[0].mean()
    return between, overall


def shots(overall):
    cuts = []
    for at in range(1, len(overall)):
        around = [at + step for step in (-3, -2, -1, 1, 2, 3) if 0 < at + step < len(overall)]
        if overall[at] > 14 and overall[at] > 3.5 * np.median(overall[around]):
            cuts.append(at)
    return list(zip([0, *cuts], [*cuts, len(overall)]))


def has_order(between):
    count = len(between)
    lags = np.array([np.diagonal(between, lag).mean() for lag in range(count)])
    period, highest = np.inf, 0
    for lag in range(1, int(0.6 * count) + 1):
        if lag >= 3 and highest > 3:
            period = min(period, lags[lag] / highest)
        highest = max(highest, lags[lag])
    mirror = np.inf
    for twice in range(int(np.ceil(0.7 * count)), int(1.3 * count) + 1):
        pairs = [(a, twice - a) for a in range(count) if a + 2 < twice - a < count]
        usual = sum(lags[b - a] for a, b in pairs)
        if usual > 0:
            mirror = min(mirror, sum(between[a, b] for a, b in pairs) / usual)
    return period >= 0.3 and mirror >= 0.3


def motion_guided(between, places, wanted, random):
    steps = np.array([0] + [between[a, b] for a, b in zip(places, places[1:])])
    curve = np.cumsum(steps**0.5)
    if curve[-1] == 0:
        return sorted(random.choice(places, wanted, replace=False).tolist())
    curve /= curve[-1]
    chosen = {places[int(np.searchsorted(curve, (part + random.random()) / wanted))] for part in range(wanted)}
    return sorted(chosen)


def draw(between, places, wanted, random):
    least = max(3, 0.1 * between.max())
    for attempt in range(ATTEMPTS):
        length = min(len(places), max(wanted, round(max(0.4, 1 - 0.05 * attempt) * len(places))))
        start = int(random.integers(len(places) - length + 1))
        chosen = motion_guided(between, places[start : start + length], wanted, random)
        if len(chosen) == wanted and all(between[a, b] >= least for a in chosen for b in chosen if a < b):
            return chosen
    return None


def levels_of(picture):
    values = picture.astype(np.float32).ravel()
    mean = values.mean()
    return np.array([mean, np.sqrt(max(0, values @ values / values.size - mean**2))])


def towards(own, levels):
    """Contrast and offset that bring a picture's mean and spread to others'."""
    contrast = min(2, levels[1] / max(own[1], 1e-9))
    return contrast, levels[0] - contrast * own[0]


def light_along(length, edge):
    light = ((2 * np.arange(length, dtype=np.float32) + 1) / length - 1) ** 2
    return edge * (light - light.mean())


def rendered_anew(picture, own, levels, random):
    height, width = picture.shape[:2]
    cut_y, cut_x = round(0.03 * height), round(0.03 * width)
    top, left = random.integers(cut_y + 1), random.integers(cut_x + 1)
    part = picture[top : top + height - cut_y, left : left + width - cut_x]
    drawn = levels[0] + random.uniform(-12, 12), levels[1] * random.uniform(0.75, 1.25)
    contrast, offset = towards(own, drawn)
    edge = random.uniform(-14, 14)
    more = (random.random(part.shape[:2], np.float32) - np.float32(0.5)) * np.float32(2 * random.uniform(2, 14))
    more += light_along(part.shape[0], edge)[:, None] + light_along(part.shape[1], edge)[None]
    changed = (part * np.float32(contrast) + (offset + random.uniform(-5, 5, 3)).astype(np.float32)) + more[..., None]
    return np.rint(np.clip(changed, 0, 255, out=changed), out=changed).astype(np.uint8)


def shown(task, frames, random):
    """The pictures of a question, rendered anew from the same levels where one could be told by them or comes twice."""
    if task == "counting":
        return frames
    own = [levels_of(frame) for frame in frames]
    levels = np.mean(own, axis=0)
    return [rendered_anew(frame, one, levels, random) for frame, one in zip(frames, own)]


def files_of(pictures):
    """JPEG files of one length: comments behind the first marker."""
    files = []
    for picture in pictures:
        bytes_ = io.BytesIO()
        Image.fromarray(picture).save(bytes_, "JPEG", quality=92)
        files.append(bytes_.getvalue())
    length = -(-(max(map(len, files)) + 4) // 1024) * 1024
    return [file[:2] + comment(length - len(file)) + file[2:] for file in files]


def comment(length):
    take = min(length, 65537)
    if 0 < length - take < 4:
        take -= 4
    segment = b"\xff\xfe" + (take - 2).to_bytes(2, "big") + b" " * (take - 4) if take else b""
    return segment + (comment(length - take) if length > take else b"")


def question(task, between, places, random):
    """The places that are shown, and the answer; None when frames look alike."""
    if task == "counting":
        count = int(random.integers(2, 9))
        return random.permutation(sorted(random.choice(places, count, replace=False))).tolist(), str(count)
    if task == "consistency":
        chosen = draw(between, places, 2, random)
        if chosen is None:
            return None
        same = random.random() < 0.5
        return ([chosen[0], chosen[0]], "yes") if same else (random.permutation(chosen).tolist(), "no")
    count = int(random.integers(3, 6))
    chosen = draw(between, places, count + (task == "localization"), random)
    if chosen is None:
        return None
    if task == "localization":
        missing, *among = random.permutation(chosen).tolist()
        place = int(random.integers(count + 1))
        return [missing if place == count else among[place], *among], "none" if place == count else str(place + 1)
    order = list(range(count))
    while order == sorted(order):
        order = random.permutation(count).tolist()
    if task == "disorder" and random.random() < 0.5:
        return chosen, "no"
    answer = "yes" if task == "disorder" else ",".join(str(order.index(at) + 1) for at in range(count))
    return [chosen[at] for at in order], answer


def fragments(path, number, out, lines):
    frames, times = decode(path)
    picked = np.unique(np.linspace(0, len(frames) - 1, LOOKED_AT).round().astype(int))[1:-1]
    pictures = without_bars(np.stack([fitted(frames[at]) for at in picked]))
    between, overall = distances(np.stack([planes(picture) for picture in pictures]))
    sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    parts = [(start, end) for start, end in shots(overall) if end - start >= 8]
    asked, told = 0, set()
    for sequence in range(PER_CLIP if parts else 0):
        start, end = parts[sequence % len(parts)]
        ordered = has_order(between[start:end, start:end])
        random = np.random.default_rng([11, number, sequence])
        for task in ("consistency", "counting", "disorder", "localization", "rearrangement"):
            places = list(range(start, end))
            if task in ORDERED:
                least = max(3, 0.1 * between.max())
                places = [at for at in places if all(at != one and between[at, one] >= least for one in told)]
                if not ordered or len(places) < 5:
                    continue
            drawn = question(task, between, places, random)
            if drawn is None:
                continue
            chosen, answer = drawn
            if task in ORDERED:
                told.update(chosen)
            names = []
            for file in files_of(shown(task, [pictures[at] for at in chosen], random)):
                name = f"pictures/{hashlib.sha256(file).hexdigest()[:32]}.jpg"
                (out / name).write_bytes(file)
                names.append(name)
            row = {
                "id": f"{Path(path).stem}/{sequence + 1}/{task}",
                "images": names,
                "question": task,
                "answer": answer,
                "provenance": {"sha256": sha256, "frames": [int(picked[at]) for at in chosen], "times": times},
            }
            lines.write(json.dumps(row) + "\n")
            asked += 1
    return asked


def make_all(out, clips):
    (out / "pictures").mkdir(parents=True)
    with open(out / "samples.jsonl", "w") as lines:
        return [fragments(clip, number, out, lines) for number, clip in enumerate(clips)]


def main():
    once = sys.argv[1] == "--once"
    out, clips = Path(sys.argv[2 if once else 1]), sys.argv[3 if once else 2 :]
    if len(clips) == 1 and Path(clips[0]).is_dir():
        clips = sorted(str(file) for file in Path(clips[0]).iterdir())
    shutil.rmtree(out, ignore_errors=True)
    if once:
        print(sum(make_all(out, clips)), "questions")
        return

    def one_round(number):
        start = time.perf_counter()
        # A folder of its own each round: ext4 looks long for room for new files where as many were just removed.
        asked = make_all(out / str(number), clips)
        return {"value": 60 * len(clips) / (time.perf_counter() - start), "result": asked}

    answer_rounds(one_round)


if __name__ == "__main__":
    main()

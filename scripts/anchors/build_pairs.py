"""The data set that `build` makes of clips, the straightforward way: PyAV decodes, NumPy scores, one JSON line a pair.
Nothing is encoded and nothing is drawn. The anchor of `npm run bench -- build-pairs`.

    python scripts/anchors/build_pairs.py OUT CLIP...     answers one round per line on standard input
"""

import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
from absent_pairs import answer_rounds, decode, key_frames, motion_scores, planes, sampled_positions


def pair(path):
    frames, times = decode(path)
    positions = sampled_positions(times)
    scores = motion_scores([planes(frames[p]) for p in positions], [times[p] for p in positions])
    keys, replacements = key_frames(scores), []
    for key in keys:
        if key > 0:
            end = positions[key + 1] if key + 1 < len(positions) else len(frames)
            replacements += [{"index": i, "from": positions[key - 1]} for i in range(positions[key], end)]
    row = {
        "id": Path(path).name,
        "clip": {"file": path, "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(), "timeline": times},
        "absent": {"keyFrames": [positions[key] for key in keys], "replacements": replacements},
        "messages": [{"role": "user", "content": "What happens in the video?"}],
        "answer": Path(path).stem,
    }
    return row, scores / scores.max()


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    clips = sys.argv[2:]

    def one_round(_):
        start = time.perf_counter()
        scores = []
        with open(out / "samples.jsonl", "w") as lines:
            for clip in clips:
                row, own = pair(clip)
                scores.append(own)
                lines.write(json.dumps(row) + "\n")
        return {"value": 60 * len(clips) / (time.perf_counter() - start), "result": np.concatenate(scores).tolist()}

    answer_rounds(one_round)


if __name__ == "__main__":
    main()

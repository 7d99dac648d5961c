"""Frames at the middles of equal spans, 448x448 rgb24, with PyAV. The anchor of `npm run bench -- decode-*`.

    python scripts/anchors/decode_frames.py MODE FILE COUNT SIDE    answers one round per line on standard input
    python scripts/anchors/decode_frames.py loop FILE TIMES OUT     copies a clip's packets several times over

MODE: linear     decode everything from the start
      keyframes  list the key packets first, seek only where that skips one
      seek       seek before every frame
"""

import bisect
import sys
import time
from pathlib import Path

import av

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))
from answer_rounds import answer_rounds  # noqa: E402


def picture(frame, side):
    return frame.to_ndarray(format="rgb24", width=side, height=side, interpolation="BICUBIC")


def packet_times(container, stream):
    times, keys = [], []
    for packet in container.demux(stream):
        if packet.pts is not None:
            times.append(packet.pts)
            if packet.is_keyframe:
                keys.append(packet.pts)
    return sorted(times), sorted(keys)


def decode(path, count, side, mode):
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        times, keys = packet_times(container, stream)
        end = times[-1] + (times[-1] - times[-2]) - times[0]
        tolerance = 1e-6 / float(stream.time_base)
        wanted = []
        for k in range(count):
            at = times[0] + (k + 0.5) * end / count + tolerance
            wanted.append(times[bisect.bisect_right(times, at) - 1])
        pictures, found = [], []
        if mode == "linear":
            container.seek(times[0], stream=stream)
            remaining = set(wanted)
            for frame in container.decode(stream):
                if frame.pts in remaining:
                    pictures.append(picture(frame, side))
                    found.append(frame.pts)
                    remaining.discard(frame.pts)
                    if not remaining:
                        break
        else:
            frames, reached = None, None
            for target in wanted:
                key = keys[bisect.bisect_right(keys, target) - 1]
                if frames is None or mode == "seek" or (reached is not None and key > reached):
                    container.seek(key, stream=stream)
                    frames = container.decode(stream)
                for frame in frames:
                    reached = frame.pts
                    if frame.pts == target:
                        pictures.append(picture(frame, side))
                        found.append(frame.pts)
                        break
        base = float(stream.time_base)
        return pictures, [(pts - times[0]) * base for pts in found]


def loop(path, times, out):
    with av.open(path) as source, av.open(out, "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        shift = 0
        for _ in range(times):
            source.seek(0)
            end = 0
            for packet in source.demux(stream):
                if packet.dts is None:
                    continue
                end = max(end, packet.pts + packet.duration)
                packet.pts += shift
                packet.dts += shift
                packet.stream = copy
                target.mux(packet)
            shift += end


def main():
    if sys.argv[1] == "loop":
        loop(sys.argv[2], int(sys.argv[3]), sys.argv[4])
        return
    mode, path, count, side = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

    def run(_):
        started = time.perf_counter()
        pictures, times = decode(path, count, side, mode)
        assert len(pictures) == count
        return {"value": (time.perf_counter() - started) * 1000, "result": times}

    answer_rounds(run)


main()

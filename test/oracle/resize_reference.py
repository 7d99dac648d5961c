"""torchvision's `resize` of uint8 pictures, bicubic with antialias, as qwen-vl-utils calls it.

The job on standard input: `file` of pictures one after the other, uint8 [height, width, 3]; `sizes` of each,
[height, width, to height, to width]; `out`, the file to write; `capability`, for ATEN_CPU_CAPABILITY, in a process of
its own because torch reads it once. Prints torch's name of the capability.
"""

import json
import os
import subprocess
import sys

job = json.load(sys.stdin)
capability = job.pop("capability", None)
if capability is not None:
    env = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    done = subprocess.run([sys.executable, "-P", __file__], input=json.dumps(job), text=True, env=env, check=True,
                          stdout=subprocess.PIPE)
    print(done.stdout.strip())
    sys.exit(0)

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize

values, at = np.fromfile(job["file"], np.uint8), 0
with open(job["out"], "wb") as out:
    for height, width, *to in job["sizes"]:
        picture = torch.tensor(values[at : at + height * width * 3].reshape(1, height, width, 3)).permute(0, 3, 1, 2)
        at += height * width * 3
        made = resize(picture, to, InterpolationMode.BICUBIC, antialias=True)
        out.write(made.permute(0, 2, 3, 1).contiguous().numpy().tobytes())
print(torch.backends.cpu.get_cpu_capability())

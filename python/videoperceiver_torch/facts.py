"""What an interpreter has, as one line of JSON; needs nothing but Python itself."""

import json
import platform
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

if __name__ == "__main__":
    # Null: a package that is not there.
    packages: dict[str, Any] = dict.fromkeys(sys.argv[1:])
    for name in packages:
        with suppress(PackageNotFoundError):
            packages[name] = version(name)
    devices: list[str] = []
    with suppress(ImportError):
        import torch

        cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        devices = cuda or [f"cpu, {torch.get_num_threads()} threads"]
    print(json.dumps({"python": platform.python_version(), "packages": packages, "devices": devices}))

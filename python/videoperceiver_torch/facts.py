"""What an interpreter has, as one line of JSON; needs nothing but Python itself."""

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _devices() -> list[str]:
    try:
        import torch  # noqa: PLC0415
    except ImportError:
        return []
    cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return cuda or [f"cpu, {torch.get_num_threads()} threads"]


def main(packages: list[str]) -> None:
    """Prints Python's version, those of packages (null: not there), and the devices that would compute."""
    told = {"python": platform.python_version(), "packages": {name: _version(name) for name in packages}}
    print(json.dumps({**told, "devices": _devices()}))


if __name__ == "__main__":
    main(sys.argv[1:])

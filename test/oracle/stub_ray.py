"""Asks for ranks from a cluster that is none: `stub_ray.py GPUS RANKS` runs ours under a Ray that only counts.

Prints what every rank would be given, where it comes to that.
"""

import json
import runpy
import sys
from types import ModuleType, SimpleNamespace

gpus, ranks = sys.argv[1:]


class Group:
    """A placement group for which there is never room."""

    def wait(self, seconds: float) -> bool:  # noqa: ARG002, D102
        return False


def placement_group(needs: list[dict], strategy: str) -> Group:  # noqa: ARG001
    """Says what is asked for."""
    print(json.dumps(needs), flush=True)
    return Group()


ray = ModuleType("ray")
ray.init = lambda *_, **__: None
ray.cluster_resources = lambda: {"CPU": 64.0, **({"GPU": float(gpus)} if gpus != "0" else {})}
ray.available_resources = ray.cluster_resources
ray.util = ModuleType("ray.util")
modules = {
    "ray": ray,
    "ray.util": ray.util,
    "ray.util.placement_group": SimpleNamespace(placement_group=placement_group),
    "ray.util.scheduling_strategies": SimpleNamespace(PlacementGroupSchedulingStrategy=object),
}
sys.modules.update(modules)
sys.argv = ["ray_launch", "ray://127.0.0.1:1", ranks, "1"]
runpy.run_module("videoperceiver_torch.ray_launch", run_name="__main__")

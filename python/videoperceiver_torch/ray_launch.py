"""Ranks as actors of Ray: `python -m videoperceiver_torch.ray_launch ray://HOST:PORT RANKS SECONDS`.

Ray only places them and says when one has ended; it ends with who started it, and ranks with their connection.
"""

from .parent import die_with_parent

if __name__ == "__main__":
    # Before Ray is imported, which takes seconds.
    die_with_parent()

import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

try:
    import ray
except ImportError:
    sys.exit('Ray is not there: pip install "ray[default]==2.60.0" into the environment of this Python')
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from .worker import HOST, PORT, TOKEN
from .worker import main as serve

# What ranks are told besides: of this process's environment.
_PASSED = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "OMP_NUM_THREADS", "HF_HUB_OFFLINE", "TRANSFORMERS_VERBOSITY")


class Rank:
    """One process of the group."""

    def place(self) -> dict[str, Any]:
        """Where it is, and a port that is free there."""
        with socket.create_server(("", 0)) as free:
            port = free.getsockname()[1]
        return {"host": ray.util.get_node_ip_address(), "port": port, "process": os.getpid()}

    def run(self, environment: dict[str, str]) -> None:
        """Computes until the controller's connection ends, and this process with it."""
        os.environ.update(environment)
        serve()


def _environment(rank: int, places: list[dict[str, Any]], on_gpu: bool) -> dict[str, str]:
    first = places[0]
    group = {"RANK": rank, "WORLD_SIZE": len(places), "LOCAL_RANK": 0, "MASTER_PORT": first["port"]}
    told = {name: os.environ[name] for name in (HOST, PORT, TOKEN)} | ({} if on_gpu else {"CUDA_VISIBLE_DEVICES": ""})
    # One machine: nobody else is to listen, and its name need not be known.
    is_alone = len({place["host"] for place in places}) == 1
    told["MASTER_ADDR"] = "127.0.0.1" if is_alone else first["host"]
    told |= {"GLOO_SOCKET_IFNAME": "lo"} if is_alone and sys.platform == "linux" else {}
    return told | {name: str(value) for name, value in group.items()}


def _connect(address: str) -> None:
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    for left in (2, 1, 0):
        try:
            ray.init(address, runtime_env={"env_vars": passed}, log_to_driver=False, logging_level=logging.ERROR)
            return
        except Exception:
            # A cluster that has just been started may still refuse.
            if left == 0:
                raise
            time.sleep(2)


def _wait(address: str, count: int, seconds: float, stop: threading.Event) -> str:
    """Starts the ranks and waits until one has ended. Gives what is known of that."""
    _connect(address)
    gpus = int(ray.cluster_resources().get("GPU", 0))
    if 0 < gpus < count:
        # Ranks on CPUs beside idle GPUs are nobody's wish, and nothing else would say it.
        said = f"Ray has fewer GPUs than there are ranks; expected {count} or more, or none at all; got {gpus}"
        return f"{said}; choose --ranks {gpus}, or a cluster whose machines were started with --num-gpus 0"
    needs = {"CPU": 1.0, **({"GPU": 1.0} if gpus > 0 else {})}
    group = placement_group([needs] * count, strategy="PACK")
    if not group.wait(seconds):
        return f"Ray has no room; expected {count} times {needs}; got {ray.available_resources()}"
    options = {"num_cpus": 1, "num_gpus": needs.get("GPU", 0), "max_restarts": 0}
    at = [PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=i) for i in range(count)]
    ranks = [ray.remote(Rank).options(scheduling_strategy=place, **options).remote() for place in at]
    try:
        places = ray.get([rank.place.remote() for rank in ranks])
        running = [rank.run.remote(_environment(i, places, gpus > 0)) for i, rank in enumerate(ranks)]
        ended: list[Any] = []
        while not ended and not stop.is_set():
            ended, _ = ray.wait(running, num_returns=1, timeout=0.5)
        if not ended:
            return "asked to end"
        rank = running.index(ended[0])
        try:
            ray.get(ended[0])
            why = "it returned"
        except Exception as error:
            why = " ".join(str(error).split())[:300]
        return f"Ray: rank {rank} ended (pid: {places[rank]['process']}): {why}"
    finally:
        # One that is stopped does not see its connection end.
        for rank in ranks:
            ray.kill(rank)


if __name__ == "__main__":
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Why the group is over.
    print(_wait(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), stop), file=sys.stderr, flush=True)
    # What Ray would still tidy up ends with this process.
    os._exit(1)

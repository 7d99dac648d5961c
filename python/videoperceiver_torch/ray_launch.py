"""Ranks as actors of Ray: `python -m videoperceiver_torch.ray_launch ray://HOST:PORT RANKS SECONDS`.

Ray only places them and says when one has ended; it ends with who started it, and ranks with their connection.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

from .parent import die_with_parent
from .worker import HOST, PORT, TOKEN

# What ranks are told besides: of this process's environment.
_PASSED = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "OMP_NUM_THREADS", "HF_HUB_OFFLINE", "TRANSFORMERS_VERBOSITY")


class Rank:
    """One process of the group."""

    def place(self) -> dict[str, Any]:
        """Where it is, and a port that is free there."""
        import ray  # noqa: PLC0415

        with socket.socket() as free:
            free.bind(("", 0))
            port = free.getsockname()[1]
        return {"host": ray.util.get_node_ip_address(), "port": port, "process": os.getpid()}

    def run(self, environment: dict[str, str]) -> None:
        """Computes until the controller's connection ends, and this process with it."""
        os.environ.update(environment)
        from .worker import main as serve  # noqa: PLC0415

        serve()


def _environment(rank: int, places: list[dict[str, Any]]) -> dict[str, str]:
    first = places[0]
    group = {"RANK": rank, "WORLD_SIZE": len(places), "LOCAL_RANK": 0, "MASTER_PORT": first["port"]}
    told = {name: os.environ[name] for name in (HOST, PORT, TOKEN)}
    if len({place["host"] for place in places}) > 1:
        told["MASTER_ADDR"] = first["host"]
    else:
        # One machine: nobody else is to listen, and its name need not be known.
        told["MASTER_ADDR"] = "127.0.0.1"
        told |= {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    return told | {name: str(value) for name, value in group.items()}


def _connect(address: str) -> None:
    import ray  # noqa: PLC0415

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


def _start(count: int, needs: dict[str, float], group: Any) -> list[Any]:
    import ray  # noqa: PLC0415
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy  # noqa: PLC0415

    options = {"num_cpus": 1, "num_gpus": needs.get("GPU", 0), "max_restarts": 0}
    places = [PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=i) for i in range(count)]
    return [ray.remote(Rank).options(scheduling_strategy=place, **options).remote() for place in places]


def _wait(address: str, count: int, seconds: float, stop: threading.Event) -> str:
    """Starts the ranks and waits until one has ended. Gives what is known of that."""
    import ray  # noqa: PLC0415
    from ray.util.placement_group import placement_group  # noqa: PLC0415

    _connect(address)
    needs = {"CPU": 1.0, **({"GPU": 1.0} if ray.cluster_resources().get("GPU", 0) >= count else {})}
    group = placement_group([needs] * count, strategy="PACK")
    if not group.wait(seconds):
        return f"Ray has no room; expected {count} times {needs}; got {ray.available_resources()}"
    ranks = _start(count, needs, group)
    try:
        places = ray.get([rank.place.remote() for rank in ranks])
        running = [rank.run.remote(_environment(i, places)) for i, rank in enumerate(ranks)]
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


def main(address: str, count: str, seconds: str) -> None:
    """Prints why the group is over."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print(_wait(address, int(count), float(seconds), stop), file=sys.stderr, flush=True)
    # What Ray would still tidy up ends with this process.
    os._exit(1)


if __name__ == "__main__":
    die_with_parent()
    main(*sys.argv[1:])

"""How to reach a cluster, and Parsl's configuration for it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.section import RecipeSection
from graphlearn.base.workers.pool import THREAD_VARIABLES


class Cluster(RecipeSection):
    """How to reach a cluster; the file of ``--cluster``.

    The folder that is written must be visible under the same path on all nodes.
    """

    provider: Literal["local", "slurm", "pbs", "kubernetes"] = "local"
    workers_per_node: int = Field(1, ge=1, description="jobs at a time on a node, one core each")
    nodes_per_block: int = Field(1, ge=1, description="nodes of one batch job")
    max_blocks: int = Field(1, ge=1, description="batch jobs (pods) at a time")
    walltime: str = Field("24:00:00", pattern=r"^\d+:\d\d:\d\d$", description="of one batch job; slurm and pbs")
    worker_init: str = Field("", description="shell commands to run first, such as 'source venv/bin/activate'")
    memory_gb_per_worker: float | None = Field(None, gt=0, description="larger jobs fail by name")
    orphan_seconds: float = Field(
        180.0, gt=0, description="processes on the cluster end when the run on this machine is gone for so long"
    )
    address: str | None = Field(None, description="of this machine as the nodes see it; found out by default")
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="further arguments of Parsl's provider, such as partition, account or image",
    )

    def idle(self) -> Mapping[str, str]:
        """The wall time, where there is no batch queue."""
        if self.provider in ("slurm", "pbs"):
            return {}
        return {"walltime": f"provider {self.provider} has no batch queue"}

    @property
    def workers(self) -> int:
        """Jobs at a time when all blocks run."""
        return self.workers_per_node * self.nodes_per_block * self.max_blocks

    @property
    def memory_bytes(self) -> float | None:
        """What a worker may use; None for no limit."""
        return None if self.memory_gb_per_worker is None else self.memory_gb_per_worker * 1e9


def parsl_config(cluster: Cluster, run_file: Path) -> Any:
    """Parsl's configuration: one high-throughput executor on the provider that is asked for, all of it under guard.

    Args:
        cluster: Where to run.
        run_file: State file of the run (:mod:`graphlearn.base.workers.orphan_guard`); Parsl's own files go to
            ``cluster/`` beside it.

    Returns:
        A ``parsl.config.Config``.

    Raises:
        InputError: if the provider does not take its options.
    """
    from parsl.addresses import address_by_hostname
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD

    local = cluster.provider == "local"
    run_file = run_file.resolve()
    guard = ["-m", "graphlearn.base.workers.orphan_guard", str(run_file), str(cluster.orphan_seconds)]
    interchange = str(Path(sys.executable).with_name("interchange.py"))
    executor = HighThroughputExecutor(
        label="workers",
        address=cluster.address or ("127.0.0.1" if local else address_by_hostname()),
        max_workers_per_node=cluster.workers_per_node,
        cores_per_worker=1e-6 if local else 1.0,  # here the number of workers is what the user says
        provider=_provider(cluster),
        launch_cmd=f"{shlex.join(['python', *guard])} {DEFAULT_LAUNCH_CMD}",
        interchange_launch_cmd=[sys.executable, *guard, sys.executable, interchange],
    )
    return Config([executor], run_dir=str(run_file.parent / "cluster"), initialize_logging=False)


def _provider(cluster: Cluster) -> Any:
    from parsl import providers
    from parsl.launchers import MpiExecLauncher, SimpleLauncher, SrunLauncher

    classes = {
        "local": providers.LocalProvider, "slurm": providers.SlurmProvider, "pbs": providers.PBSProProvider,
        "kubernetes": providers.KubernetesProvider,
    }  # fmt: skip
    threads = "; ".join(f"export {name}=1" for name in THREAD_VARIABLES)
    path = f'export PATH="{Path(sys.executable).parent}:$PATH"' if cluster.provider == "local" else ""
    settings: dict[str, Any] = {
        "nodes_per_block": cluster.nodes_per_block,
        "init_blocks": 1,
        "max_blocks": cluster.max_blocks,
        "worker_init": "; ".join(filter(None, (cluster.worker_init.strip().rstrip(";"), path, threads))),
    }
    if cluster.provider in ("slurm", "pbs"):
        several = SrunLauncher() if cluster.provider == "slurm" else MpiExecLauncher()
        settings |= {
            "walltime": cluster.walltime,
            "launcher": several if cluster.nodes_per_block > 1 else SimpleLauncher(),
        }
    try:
        return classes[cluster.provider](**(settings | cluster.options))
    except Exception as error:  # a wrong argument, its wrong type, or a missing client library
        raise InputError(f"cluster: {cluster.provider} does not take these options ({error})") from None

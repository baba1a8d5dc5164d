"""Runs a module (the job) with FSDP on processors, where accelerate would quietly leave it out.

accelerate puts its FSDP plugin to use on GPUs and their kin alone (``AcceleratorState``); PyTorch's
``fully_shard`` itself works on processors as well. Here the plugin is put to use, and nothing else
is changed: a try of the configuration and of all that the job does with a model that is spread.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType

_before = AcceleratorState.__init__


def _init(self: Any, *args: Any, fsdp_plugin: Any = None, **more: Any) -> None:
    _before(self, *args, fsdp_plugin=fsdp_plugin, **more)
    plugin = fsdp_plugin or self.__dict__.get("fsdp_plugin")  # each call begins it anew
    if plugin is not None and self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.FSDP
        self.fsdp_plugin = plugin


if __name__ == "__main__":
    AcceleratorState.__init__ = _init  # type: ignore[method-assign]
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__")

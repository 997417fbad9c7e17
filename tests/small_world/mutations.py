"""Each rule of the protocol, removed once: the smallest world that misses it must find it missing.

Law: a rule is removed in the real code, by compiling its module with one text replaced and lending the functions their
new bodies; nothing is written to disk, and the bodies come back.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.small_world.explorer import Explored, Explorer
from tests.small_world.rules import Mutation


@contextlib.contextmanager
def without(mutation: Mutation) -> Iterator[None]:
    """The real code without one rule."""
    module = importlib.import_module(mutation.module)
    source = inspect.getsource(module)
    if source.count(mutation.old) != 1:
        raise ValueError(f"{mutation.rule}: its text stands {source.count(mutation.old)} times in {mutation.module}")
    made: dict[str, Any] = {"__name__": module.__name__}
    exec(compile(source.replace(mutation.old, mutation.new), mutation.module, "exec"), made)
    kept: list[tuple[FunctionType, CodeType]] = []
    for real, other in _functions(module, made):
        if real.__code__ != other.__code__:
            kept.append((real, real.__code__))
            real.__code__ = other.__code__
    try:
        yield
    finally:
        for real, code in kept:
            real.__code__ = code


def _functions(module: ModuleType, made: dict[str, Any]) -> Iterator[tuple[FunctionType, FunctionType]]:
    for name, real in vars(module).items():
        other = made.get(name)
        if isinstance(real, FunctionType) and real.__module__ == module.__name__:
            yield real, other
        elif inspect.isclass(real) and real.__module__ == module.__name__:
            for inner, method in vars(real).items():
                if isinstance(method, FunctionType) and isinstance(vars(other).get(inner), FunctionType):
                    yield method, vars(other)[inner]


def missing(mutation: Mutation) -> Explored:
    """What the world says without the rule."""
    with without(mutation):
        return Explorer(mutation.world).explore()

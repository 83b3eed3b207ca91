"""DVC's run cache, for persistent outputs.

DVC remembers in its run cache which outputs a stage had for which parameters and inputs, and gives them back when
these return. It leaves out stages with persistent outputs, whose results may depend on what lay there before. Ours do
not: a result is made anew, or is today's. So the stage itself saves to the run cache and restores from it.
"""

import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any


def restored(targets: Sequence[str]) -> bool:
    """Check out the outputs that the running DVC stage, which makes `targets`, once had for today's study and inputs.

    What `dvc.lock` says of the stage is saved first, so that it can be restored after it is replaced now. Returns False
    where DVC has no such outputs, and outside a stage.
    """
    return _in_stage(targets, _restore)


def save(targets: Sequence[str]) -> None:
    """Save which outputs the running DVC stage, which makes `targets`, has for today's study and inputs."""
    _in_stage(targets, _save)


def _in_stage(targets: Sequence[str], use: Callable[[Any], bool]) -> bool:
    """Return what `use` returns for the running DVC stage; False outside a stage, and where DVC fails."""
    name = os.environ.get("DVC_STAGE")
    if name is None:
        return False
    from dvc.exceptions import DvcException  # takes a second
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            (stage,) = repo.stage.collect(name)
            # `dvc repro` in a folder below the root names its stages as if they were those of the root
            if shlex.split(stage.cmd)[-len(targets) :] != list(targets):
                return False
            for out in stage.outs:
                out.persist = False  # in this process only
            return use(stage)
    except DvcException:
        return False


def _restore(stage: Any) -> bool:
    """Do what `StageCache.restore` does, which would wait for a lock that the running stage itself holds."""
    cache = stage.repo.stage_cache
    if all(out.hash_info for out in stage.outs):
        cache.save(stage)
    stage.save_deps()
    entry = cache._load(stage)
    if entry is None:
        return False
    outs = cache._create_stage(entry, wdir=stage.wdir).outs
    if any(out.changed_cache() for out in outs):
        return False
    for out in outs:
        out.checkout(force=True)
    return True


def _save(stage: Any) -> bool:
    stage.save_deps()
    for out in stage.outs:
        out.save()
    stage.repo.stage_cache.save(stage)
    return True

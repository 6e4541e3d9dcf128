"""Writing a plan into a throw-away tree: no journal, no originals, no flushing. Used to prove a landing candidate."""
from __future__ import annotations

import os

from .disk import write_new
from .errors import stale
from .plan import Target
from .tree import REGULAR, Tree


def remake(tree: Tree, targets: list[Target]) -> None:
    """If it fails half-way the tree is worthless, which is why this is only for trees that nobody keeps."""
    removals = [target for target in targets if target.new is None]
    for target in removals:
        fd, name = tree.file_name(target.path)
        os.unlink(name, dir_fd=fd)
    for target in removals:
        tree.prune(target.path)
    for target in targets:
        if target.new is None:
            continue
        fd, name = tree.file_name(target.path)
        if target.old.kind == REGULAR:
            # A new file, not new content in the old one: other hard links to it keep what they have.
            os.unlink(name, dir_fd=fd)
        try:
            write_new(fd, name, target.new.data, target.new.permissions)
        except FileExistsError:
            raise stale(f'Something else is at {target.path!r}.', path=target.path) from None

"""Which paths a patch may name. Textual rules only; what lies on the disk is checked by `tree`."""
from __future__ import annotations

from .errors import policy

MAX_SEGMENTS = 128
MAX_SEGMENT_BYTES = 255

# HFS+ ignores these inside names, so `.g<U+200C>it` opens `.git` there.
_IGNORED = {
    point: None
    for span in ((0x200C, 0x200F), (0x202A, 0x202E), (0x206A, 0x206F), (0xFEFF, 0xFEFF))
    for point in range(span[0], span[1] + 1)
}


def is_git_name(segment: str) -> bool:
    """True when some file system takes the name for `.git`: case, NTFS short name, trailing dots, streams, HFS+."""
    if segment.isascii():
        if 'git' not in segment.lower():
            return False
    else:
        segment = segment.translate(_IGNORED)
    return segment.split(':', 1)[0].rstrip(' .').lower() in ('.git', 'git~1')


def check_path(path: str) -> None:
    """Raises PATCH_POLICY for a path that is not a plain POSIX path inside the root."""
    shown = ascii(path[:200])
    segments = path.split('/')
    # Where a backslash separates, it could lead out or into .git; such names are judged by both readings.
    both = path.replace('\\', '/').split('/')
    if path.startswith(('/', '\\')) or (path[1:2] == ':' and path[:1].isascii() and path[:1].isalpha() and path[2:3] in ('\\', '/')):
        raise policy('path-absolute', f'The path {shown} is absolute. Name files relative to the root.', path=shown)
    if '..' in both:
        raise policy('path-escape', f'The path {shown} leaves the root.', path=shown)
    if '.' in segments:
        raise policy('path-dot-segment', f'The path {shown} has a "." segment. Write it without.', path=shown)
    if '' in segments:
        raise policy('path-empty-segment', f'The path {shown} has an empty segment. Write it without.', path=shown)
    try:
        sizes = [len(segment.encode()) for segment in segments]
    except UnicodeEncodeError:
        raise policy('path-encoding', f'The path {shown} is not valid Unicode.', path=shown) from None
    if '\0' in path:
        raise policy('path-encoding', f'The path {shown} has a NUL.', path=shown)
    if any(is_git_name(segment) for segment in both):
        raise policy('path-git-directory', f'The path {shown} is inside a git directory.', path=shown)
    if len(segments) > MAX_SEGMENTS or max(sizes) > MAX_SEGMENT_BYTES:
        raise policy('path-too-long', f'The path {shown} is too deep or has a name over 255 bytes.', path=shown)


def ancestors(path: str) -> list[str]:
    """The directories above a path, nearest last: 'a/b/c' gives ['a', 'a/b']."""
    found: list[str] = []
    at = path.find('/')
    while at >= 0:
        found.append(path[:at])
        at = path.find('/', at + 1)
    return found

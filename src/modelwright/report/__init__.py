"""What a person looks at: one page that opens offline, tells how good a model is and shows where it errs. Verb: write."""

from __future__ import annotations

from pathlib import Path

from modelwright.report.story import Shown, Story

__all__ = ["Shown", "Story", "write"]


def write(path: Path, story: Story) -> None:
    """Commits the page to `path`, or to report.html in it where it is a folder. Refused where the disk will not have it."""
    from modelwright import vault
    from modelwright.report.page import page

    vault.put_file(path / "report.html" if path.is_dir() else path, page(story).encode())

"""What a person looks at: one page that opens offline, tells how good a model is and shows where it errs. Verb: write."""

from __future__ import annotations

from pathlib import Path

from modelwright.report.story import Reason, Shown, Story

__all__ = ["Reason", "Shown", "Story", "write", "write_reason"]


def write(path: Path, story: Story) -> None:
    """Commits the page to `path`, or to report.html in it where it is a folder. Refused where the disk will not have it."""
    from modelwright import vault
    from modelwright.report.page import page

    vault.put_file(path / "report.html" if path.is_dir() else path, page(story).encode())


def write_reason(path: Path, reason: Reason) -> None:
    """Commits one explanation as a page of its own."""
    from modelwright import vault
    from modelwright.report.page import reason_page

    vault.put_file(path, reason_page(reason).encode())

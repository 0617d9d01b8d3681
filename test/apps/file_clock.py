"""The clock of files moves in ticks: what was written in the same tick as another file is not older."""

from support import wait_until


def wait_past(*paths):
    """Until a new file is newer than these."""
    newest = max(path.stat().st_ctime_ns for path in paths)
    probe = paths[0].parent / "probe"

    def is_past():
        probe.write_text("")
        return probe.stat().st_ctime_ns > newest
    wait_until(is_past, "the next tick of the clock of files")
    probe.unlink()

from medcnn.runtime.bar import Bar
from medcnn.runtime.showing import Shown, elapsed

DVC = """\
WARNING: No file hash info found for '/p/data/raw/skin'. It won't be created.
Running stage 'download@skin':
> python -m stages.download skin
skin: folder.zip, 12 bytes
Updating lock file 'dvc.lock'

Stage 'weights@lite0' didn't change, skipping
Running stage 'train@skin-lite0':
> python -m stages.train skin lite0
error: the disk is full
ERROR: failed to reproduce 'train@skin-lite0': failed to run: python -m stages.train
To track the changes with git, run:
\tgit add dvc.lock
"""


def test_stages_are_numbered_and_timed_and_no_error_is_hidden() -> None:
    lines: list[str] = []
    seconds = iter([0.0, 1.0, 41.9])
    shown = Shown(
        ("download@skin", "weights@lite0", "train@skin-lite0", "report"), Bar(lines.append), lambda: next(seconds)
    )
    for line in DVC.splitlines():
        shown.line(line)
    assert lines == [
        "stage 1 of 4: download skin, 00:01",
        "  skin: folder.zip, 12 bytes",
        "stage 3 of 4: train skin lite0, 00:41",
        "  error: the disk is full",
        "  ERROR: failed to reproduce 'train@skin-lite0': failed to run: python -m stages.train",
    ]
    assert shown.ran == ["download@skin", "train@skin-lite0"]


def test_elapsed() -> None:
    assert [elapsed(seconds) for seconds in (0.4, 61, 3723)] == ["00:00", "01:01", "1:02:03"]


def test_what_is_left_is_said_where_an_earlier_run_knows_every_item() -> None:
    lines: list[str] = []
    seconds = iter([0.0, 1.0, 5.0])
    order = ("download@skin", "train@skin-lite0")
    shown = Shown(order, Bar(lines.append), lambda: next(seconds), {"download@skin": 9.0, "train@skin-lite0": 60.0})
    for name in order:
        shown.line(f"Running stage '{name}':")
    assert [line.partition(", at most about ")[2] for line in lines] == ["01:09 left", "01:00 left"]
    assert shown.seconds == {"download@skin": 4.0, "train@skin-lite0": 60.0}

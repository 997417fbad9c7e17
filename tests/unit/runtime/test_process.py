"""Documents that processes leave for each other, and the end of a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.process import read_document, run_document_path, up_document_path, write_document
from runtime.settings import Settings


def test_a_document_is_read_as_it_was_written_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "run" / "fold.json"
    write_document(path, {"pid": 1})
    write_document(path, {"pid": 2})
    assert read_document(path) == {"pid": 2}
    assert list(path.parent.iterdir()) == [path]


def test_a_draft_that_cannot_be_written_leaves_the_old_document(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_document(path, {"pid": 1})
    with pytest.raises(TypeError):
        write_document(path, {"pid": object()})
    assert read_document(path) == {"pid": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]"])
def test_what_is_no_document_reads_as_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    assert read_document(path) is None


def test_documents_live_in_the_data_directory() -> None:
    settings = Settings.load({"FRIENDSTREAM_DATA_DIR": "/data"})
    assert run_document_path(settings, "fold") == Path("/data/run/fold.json")
    assert up_document_path(settings) == Path("/data/run.json")


def test_die_ends_at_once_with_code_and_line_even_when_stderr_is_redirected() -> None:
    program = "import io, sys, atexit; from runtime.process import die; sys.stderr = io.StringIO()\n"
    program += "atexit.register(print, 'finaliser'); die(70, 'an agent raised')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.returncode == 70
    assert done.stderr == "FATAL an agent raised\n"
    assert done.stdout == ""

"""The Corefiles under examples/ are good ones."""
import subprocess
from pathlib import Path

import harness

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_examples_pass_the_check():
    corefiles = sorted(EXAMPLES.glob("*/Corefile"))
    assert len(corefiles) >= 4
    for corefile in corefiles:
        done = subprocess.run([harness.BINARY, "check", "Corefile"], cwd=corefile.parent, capture_output=True, text=True)
        assert done.returncode == 0, f"{corefile}:\n{done.stdout}{done.stderr}"
        assert "0 warnings" in done.stdout + done.stderr, f"{corefile}:\n{done.stdout}{done.stderr}"


def test_examples_are_in_the_canonical_layout():
    for corefile in sorted(EXAMPLES.glob("*/Corefile")):
        done = subprocess.run([harness.BINARY, "fmt", "-d", "Corefile"], cwd=corefile.parent, capture_output=True, text=True)
        assert not done.stdout, f"{corefile}:\n{done.stdout}"


harness.main(globals())

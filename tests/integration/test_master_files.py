"""Master files as BIND reads and prints them: every type that it has, both ways."""
import shutil
import subprocess
import tempfile
from pathlib import Path

import harness

ZONE = Path(__file__).with_name("every-type.zone")
ORIGIN = "example.org."


def ours(path):
    """The records of a file as we print them."""
    printer = Path(harness.BINARY).resolve().parents[2] / "tests/print_records"
    done = subprocess.run([printer, path, ORIGIN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def binds(path):
    """The same as BIND prints them."""
    out = Path(tempfile.mkdtemp(prefix="isthmus-test-")) / "out"
    done = subprocess.run(["named-compilezone", "-i", "none", "-k", "ignore", "-n", "ignore", "-m", "ignore", "-r", "ignore",
                           "-S", "ignore", "-s", "full", "-o", out, ORIGIN, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return out.read_text()


def write(text):
    path = Path(tempfile.mkdtemp(prefix="isthmus-test-")) / "zone"
    path.write_text(text)
    return path


def lines(text):
    """Without BIND's notes, in which is the time."""
    return sorted(line for line in text.splitlines() if not line.startswith(";"))


def differences(a, b):
    return "\n".join(f"{x}\n  is now\n{y}" for x, y in zip(a, b) if x != y)


def lowered(text):
    """BIND gives all records of a name the case of one of them."""
    return sorted(line.split("\t", 1)[0].lower() + "\t" + line.split("\t", 1)[1] for line in text.splitlines())


def test_bind_reads_what_we_print_as_the_same():
    a, b = lines(binds(ZONE)), lines(binds(write(ours(ZONE))))
    assert a == b, differences(a, b)


def test_we_read_what_bind_prints_as_the_same():
    a, b = lowered(ours(ZONE)), lowered(ours(write(binds(ZONE))))
    assert a == b, differences(a, b)


def test_all_types_of_the_file_are_there():
    types = {line.split("\t")[3] for line in ours(ZONE).splitlines()}
    assert len(types) > 60 and {"SVCB", "HIP", "LOC", "APL", "AMTRELAY", "NSEC3", "TYPE65280"} <= types, types


if __name__ == "__main__":
    if shutil.which("named-compilezone"):
        harness.main(globals())
    else:
        print("0 passed, 0 failed")

"""The command line: flags, exit codes, check, fmt, plugins, and that docs/plugins is what the tables say."""
import os
import re
import resource
import subprocess
import tempfile
from pathlib import Path

import harness

ROOT = Path(__file__).resolve().parents[2]
GOOD = ".:0 {\n    bind 127.0.0.1\n    whoami\n}\n"


def run(*args, files=None, stdin=None, timeout=10, env=None):
    """Exit code, standard output, standard error, and the folder, of the program in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="isthmus-test-"))
    for name, text in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    done = subprocess.run([harness.BINARY, *args], cwd=folder, capture_output=True, text=True, timeout=timeout,
                          input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL, env=dict(os.environ, **(env or {})))
    return done.returncode, done.stdout, done.stderr, folder


def expect(got, want):
    assert got == want, f"got {got!r}, wanted {want!r}"


def test_help_and_wrong_flags():
    code, out, err, _ = run("-h")
    expect((code, out), (0, ""))
    assert err.startswith(f"Usage of {harness.BINARY}:\n  -admin string\n    \tPath of the socket by which `explain` asks the running server\n"), err
    expect(run("--help")[0], 0)
    for args, first in ((["-foo"], "flag provided but not defined: -foo"),
                        (["-conf"], "flag needs an argument: -conf"),
                        (["-quiet=maybe"], 'invalid boolean value "maybe" for -quiet: parse error'),
                        (["---x"], "bad flag syntax: ---x"),
                        (["-workers", "0"], 'invalid value "0" for flag -workers: a number from 1 to 1024 is expected'),
                        (["-versoin"], "flag provided but not defined: -versoin (did you mean -version?)")):
        code, out, err, _ = run(*args)
        expect((code, out, err.splitlines()[0]), (2, "", first))


def test_words_left_over():
    code, out, err, _ = run("-quiet", "a", "b")
    expect((code, out), (1, ""))
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d extra command line arguments: \[a b\]\n", err), err
    assert "did you mean the command 'check'?" in run("chek")[2]


def test_version_wins_over_plugins():
    code, out, err, _ = run("-plugins", "-version")
    expect((code, err), (0, ""))
    assert re.fullmatch(r"Isthmus-\S+\nlinux/\S+, .*\n", out), out
    expect(run("version")[1], out)


def test_plugins_are_listed_by_name():
    code, out, _, _ = run("--plugins")
    names = out.split()
    expect(code, 0)
    others = [n for n in names if n != "on"]
    expect(others, sorted(others))
    assert "whoami" in names and (names[-1] == "on" or "on" not in names)


def test_a_start_that_fails():
    for corefile, first in ((". {\n    whoamx\n}\n", "Corefile:2 - Error during parsing: Unknown directive 'whoamx'"),
                            (". {\n    whoami\n", "Corefile:2 - Syntax error: Unexpected token 'whoami', expecting '}'"),
                            (".{\n}\n", "error inspecting server blocks: zone is not a valid domain name: .{"),
                            ("a. a. {\n    whoami\n}\n", "cannot serve dns://a.:53 - it is already defined"),
                            (". {\n    bufsize ten\n}\n", "plugin/bufsize: ")):
        code, _, err, _ = run("-conf", "Corefile", files={"Corefile": corefile})
        expect(code, 1)
        assert err.startswith(first), err
    code, _, err, _ = run("-conf", "none")
    expect((code, err), (1, "loading Caddyfile via flag: open none: no such file or directory\n"))


def test_stdin_is_a_corefile():
    code, _, err, _ = run("-conf", "stdin", stdin=". {\n    whoamx\n}\n")
    expect(code, 1)
    assert err.startswith("/dev/stdin:2 - Error during parsing: Unknown directive 'whoamx'"), err


def test_check_finds_everything_and_opens_nothing():
    broken = "a. {\n    whoamx\n    bufsize ten\n}\na..b {\n    import none\n    cahce\n}\n"
    code, out, err, folder = run("check", files={"Corefile": broken})
    expect((code, out), (1, ""))
    for line, what in ((2, "Unknown directive 'whoamx' (did you mean 'whoami'?)"), (5, "zone is not a valid domain name: a..b"),
                       (6, "File to import not found: none"), (7, "Unknown directive 'cahce' (did you mean 'cache'?)")):
        assert any(f"Corefile:{line}" in found and what in found for found in err.splitlines()), (what, err)
    assert err.splitlines()[-1].startswith("Corefile: 4 errors"), err
    code, out, err, _ = run("check", "Corefile", files={"Corefile": ". {\n    bufsize ten\n    root a b\n}\n"})
    expect(code, 1)
    assert "Corefile:2" in err and "Corefile:3" in err, err

    code, out, err, folder = run("check", "sub/Other", files={"sub/Other": GOOD})
    expect((code, out, err), (0, "sub/Other: good, 0 warnings\n", ""))
    expect(sorted(os.listdir(folder)), ["sub"])
    expect(run("check", "-quiet", "Corefile", files={"Corefile": GOOD})[1], "")
    expect(run("check", "-conf", "stdin", stdin=GOOD)[0], 0)


def test_check_warns_of_what_is_surely_unmeant():
    corefile = """example.org {
    whoami
    erratic
    bufsize 1232
    bufsize 1232
}
tls://a. {
    whoami
}
b.{
    whoami
}
c. {
    import none/*.conf
    minimal
}
"""
    _, out, err, _ = run("check", files={"Corefile": corefile})
    for warning in ("Corefile:2: warning: 'whoami' is never reached: 'erratic' in line 3 answers everything before it",
                    "Corefile:5: warning: 'bufsize' stands twice in this block, first in line 4",
                    "Corefile:7: warning: tls:// without `tls` in the block is not encrypted",
                    "Corefile:10: warning: 'b.{' is served as a zone: a blank is missing before '{'",
                    "Corefile:13: warning: no plugin of the block of 'c.' answers anything",
                    "Corefile:14: warning: No files matching import glob pattern: none/*.conf"):
        assert warning in (out + err).splitlines(), (warning, out, err)


def test_fmt():
    rough, smooth = ". {\nlog   x # y\n\n\n}\n", ". {\n    log x # y\n}\n"
    expect(run("fmt", files={"Corefile": rough})[:3], (0, smooth, ""))
    expect(run("fmt", "-", stdin=rough)[:3], (0, smooth, ""))
    code, out, _, _ = run("fmt", "-d", "F", files={"F": rough})
    expect((code, out), (1, "--- F\n+++ F (formatted)\n@@ -1,5 +1,3 @@\n . {\n-log   x # y\n-\n-\n+    log x # y\n }\n"))
    expect(run("fmt", "-d", "F", files={"F": smooth})[:3], (0, "", ""))
    code, _, err, folder = run("fmt", "-w", "F", files={"F": rough})
    expect((code, err, (folder / "F").read_text(), os.listdir(folder)), (0, "", smooth, ["F"]))
    code, out, err, folder = run("fmt", "-w", "F", files={"F": ". {\n"})
    expect((code, out, err), (1, "", "F:1 - Syntax error: the '{' in this line is not closed\n"))
    expect((folder / "F").read_text(), ". {\n")
    expect(run("fmt", "none")[2], "open none: no such file or directory\n")
    expect(run("fmt", "-w", "-", stdin=rough)[0], 2)


def test_fmt_keeps_mode_and_follows_links():
    folder = Path(tempfile.mkdtemp(prefix="isthmus-test-"))
    (folder / "real").write_text(".{\n}\n. {\nlog\n}\n")
    (folder / "real").chmod(0o640)
    (folder / "link").symlink_to("real")
    expect(subprocess.run([harness.BINARY, "fmt", "-w", folder / "link"]).returncode, 0)
    assert (folder / "link").is_symlink()
    expect(((folder / "real").stat().st_mode & 0o777), 0o640)
    expect((folder / "real").read_text(), ".{\n}\n\n. {\n    log\n}\n")


def test_plugins_explains():
    code, out, _, _ = run("plugins", "bufsize")
    expect(code, 0)
    assert out.startswith("bufsize - "), out
    code, _, err, _ = run("plugins", "bufzise")
    expect((code, err), (1, "no directive is called 'bufzise' (did you mean 'bufsize'?)\n"))
    assert re.search(r"^whoami +\S", run("plugins")[1], re.M)


def test_pages_of_plugins_are_current():
    """`make docs` writes them."""
    names = run("-plugins")[1].split()
    pages = {p.name: p.read_text() for p in (ROOT / "docs/plugins").glob("*.md")}
    expect(sorted(pages), sorted([f"{n}.md" for n in names] + ["README.md"]))
    expect(pages["README.md"], run("plugins", "-markdown")[1])
    for name in names:
        assert pages[f"{name}.md"] == run("plugins", "-markdown", name)[1], f"docs/plugins/{name}.md is not current: make docs"


def cpu_of_children():
    """Seconds: what a machine that is busy otherwise does not change."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_ten_thousand_blocks_start_in_under_a_second():
    text = "(common) {\n    whoami\n}\n" + "".join(f"zone{i}.example.org {{\n    import common\n    bufsize 1232\n}}\n" for i in range(10000))
    began = cpu_of_children()
    code, out, err, _ = run("check", files={"Corefile": text})
    took = cpu_of_children() - began
    expect((code, out, err), (0, "Corefile: good, 0 warnings\n", ""))
    slower = 8 if "asan" in harness.BINARY or "tsan" in harness.BINARY else 1
    assert took < slower, f"{took:.2f} s"


if __name__ == "__main__":
    harness.main(globals())

"""Regular expressions, expressions and templates in the running server: what a Corefile may ask of it, and what it must not cost."""
import signal
import time

import harness
from harness import Server, addresses, eventually

PLAIN = ".:@PORT@ {\n    bind 127.0.0.1\n    whoami\n}\n"

PATTERN = r"""
.:@PORT@ {
    bind 127.0.0.1
    template IN A . {
        match ^re([0-9]+)\.
        answer "{{ .Name }} 60 IN A 192.0.2.{{ index .Match 1 }}"
        fallthrough
    }
    whoami
}
"""


def test_a_reload_may_bring_in_the_first_pattern():
    """The engine is a module that is loaded with the first pattern: from inside of the sandbox here."""
    with Server(PLAIN) as s:
        s.write("Corefile", PATTERN)
        s.signal(signal.SIGUSR1)
        assert eventually(lambda: addresses(s.ask("re7.example.", "A")) == ["192.0.2.7"]), s.log()


def test_a_broken_pattern_leaves_the_server_running():
    with Server(PATTERN) as s:
        s.write("Corefile", PATTERN.replace("([0-9]+)", "([0-9]+"))
        s.signal(signal.SIGUSR1)
        assert eventually(lambda: s.logged(r"could not parse regex: .*missing closing \)")), s.log()
        assert addresses(s.ask("re7.example.", "A")) == ["192.0.2.7"]


LOOPS = """
.:@PORT@ {
    bind 127.0.0.1
    prometheus 127.0.0.1:@PROM@
    template IN A loop.test {
%s    }
    whoami
}
""" % "".join('        answer "{{ .Name }} 60 IN CNAME x%d.{{ .Name }}"\n' % n for n in range(10))


def test_aliases_that_branch_and_loop_cost_little():
    """Ten aliases a template, each of which leads back into it: ten to the power of the depth, without a limit on the whole."""
    with Server(LOOPS) as s:
        began = time.monotonic()
        s.ask("loop.test.", "A")
        assert time.monotonic() - began < 1, s.log()
        assert s.metric("^isthmus_lookups_refused_total") > 0
        assert s.ask("other.test.", "A").rcode() == 0


harness.main(globals())

"""The page that tries a model, as text; ``tests/demo`` opens it in a browser."""

from __future__ import annotations

import re

from medcnn.report import trying


def test_the_policy_and_every_address_stay_with_the_server():
    html = trying.render()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["connect-src"] == "'self'"
    assert {source for sources in directives.values() for source in sources.split()} <= {
        "'none'",
        "'self'",
        "'unsafe-inline'",
        "'wasm-unsafe-eval'",
        "data:",
    }
    assert "'unsafe-inline'" not in directives["script-src"]
    assert "//" not in re.sub(r"/\*.*?\*/", "", html, flags=re.DOTALL)


def test_it_says_once_what_it_is_not_and_that_nothing_leaves_the_machine():
    html = trying.render()
    assert html.count("not a medical device") == 1
    assert html.count("Nothing leaves this machine") == 1

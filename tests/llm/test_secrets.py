"""Keys are found in whatever form a server sends them back, and nothing else is taken for one."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.llm.secrets import KNOWN_BY, SHORTEST, without

PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)
KEYS = st.text(PRINTABLE, min_size=SHORTEST, max_size=60)
FORMS = {
    "plain": str,
    "in a URL": lambda key: quote(key, safe=""),
    "in a path": quote,
    "in small letters": lambda key: re.sub("%..", lambda found: found.group().lower(), quote(key, safe="")),
    "in HTML": html.escape,
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in PHP's JSON": lambda key: key.replace("/", "\\/"),
    "base64": lambda key: b64encode(key.encode()).decode(),
    "of a header": lambda key: b64encode(f"Bearer {key}".encode()).decode(),
    "of a user": lambda key: b64encode(f"ab:{key}:".encode()).decode(),
    "base64 for URLs": lambda key: urlsafe_b64encode(f"a{key}".encode()).decode(),
}


@pytest.mark.parametrize("form", ["plain", "in a URL", "in a path", "in HTML", "in JSON", "in PHP's JSON", "base64"])
@given(key=KEYS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_key_is_taken_out_of_any_text(form, key, before, after):
    written = FORMS[form](key)
    assert written not in without([key])(f"{before} {written} {after}").replace("[key]", "")


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_key_is_left(form):
    key = "sk-proj/01+ab<=>&cdefghijklmnop"
    text = without(["another-key-0123", key, None])(f"x {FORMS[form](key)} y")
    assert text.startswith("x ")
    assert text.endswith("[key] y")
    assert len(text) <= len("x QWJjIH[key] y") + 6  # base64 begins with what stands before the key


@pytest.mark.parametrize("length", range(KNOWN_BY, 31))
def test_a_key_cut_short_is_one_still(length):
    key = "sk-0123456789abcdefghijklmnopqr"
    assert without([key])(f"no good: '{key[:length]}'") == "no good: '[key]'"


@pytest.mark.parametrize("keys", [[], [None], ["none"], ["1"], ["EMPTY", ""]])
def test_what_keeps_nobody_out_is_no_key(keys):
    reply = 'none EMPTY {"iv":1,"vp":1}'
    assert without(keys)(reply) == reply

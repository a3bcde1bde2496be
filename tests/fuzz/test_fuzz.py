"""The fuzz targets, over their corpus, what was found before, and small changes of their seeds.

`make hostile` lets a coverage-guided fuzzer loose on the same targets.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reporter.casefile import attest
from reporter.sources.read import read
from tests.casefile.test_attest import nobody, pem
from tests.fuzz import casefiles, printout
from tests.fuzz.targets import CORPUS, TARGETS, TOKENS, seeds

FOUND = Path(__file__).parent / "found"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_keep_the_promises(target: str) -> None:
    for data in seeds(target):
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_keeps_the_promises(target: str) -> None:
    for path in sorted((CORPUS / target).glob("*")):
        TARGETS[target](path.read_bytes())


def test_the_corpus_stays_small() -> None:
    sizes = [path.stat().st_size for path in CORPUS.glob("*/*")]
    assert sum(sizes) < 300_000


@pytest.mark.parametrize("path", sorted(FOUND.glob("*/*")), ids=lambda path: path.name)
def test_what_was_found_stays_mended(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_changed_seeds_keep_the_promises(target: str, data: st.DataObject) -> None:
    made = bytearray(data.draw(st.sampled_from(list(seeds(target)))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(made)))
        gone = data.draw(st.integers(0, 12))
        made[at : at + gone] = data.draw(st.sampled_from(TOKENS) | st.binary(max_size=6))
    TARGETS[target](bytes(made))


def test_what_the_targets_change_holds_before_it_is_changed() -> None:
    """Else nothing that they find out would mean anything."""
    whole = casefiles._whole()
    assert casefiles._changed(b"plain\n") == casefiles._changed(b"sealed\n") == whole
    found = casefiles._verified(whole, casefiles._GIVEN)
    assert found is not None
    assert found.exit_code == 0
    signed = attest.sign(casefiles._of_the_page(), pem(casefiles._KEY), "key.pem", nobody)
    assert casefiles._beside(signed) == "holds"
    for form in ("java", "go", "curl", "python-sdk", "log-java", "log-json", "curl-v", "list"):
        assert read(printout.FORMS[form](printout._base()).encode()).task.kind == "PreCheckTask"

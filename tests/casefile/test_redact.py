"""Redacted: no value is left in any format, in any spelling, and the rest is as it was."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import subprocess
import time
import tracemalloc
import unicodedata
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote

import pikepdf
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reporter import output
from reporter.casefile import archive, bundle
from reporter.casefile.redact import BY_START, PROFILES, Redactor, _small, chosen, key_id
from reporter.casefile.verify import Given, verify
from reporter.errors import PolicyError
from reporter.output import WRITERS, Options
from reporter.policy.load import Policy
from reporter.record.explanation import Explanation
from reporter.record.model import Verdict
from reporter.sources.read import read
from tests.examples import examples

from .build import Case, judge, sample

KEY = b"0123456789abcdef0123456789abcdef"
CLUSTER = "7a1bd2c3-c4f7-11f1-9c46-0255ac10d5d6"
UIDS = ["0f3a5c1e-aaaa-4bbb-8ccc-1234567890ab", "1f3a5c1e-aaaa-4bbb-8ccc-1234567890cd"]
NAMES = ["prodshop-eu-7.internal", "prodshop-eu-70.internal"]
QUIET = "quietnode-passes-everything"
AGENT = "shopctl/9.81 (builder@laptop)"
ADDRESS, ADDRESS6, DASHED = "10.84.3.77", "2001:db8::beef", "10-84-3-77"
OTHER_UID = "9d3a5c1e-dead-4bbb-8ccc-1234567890ef"
RAW = [CLUSTER, *UIDS, *NAMES, QUIET, AGENT, ADDRESS, ADDRESS6, DASHED, OTHER_UID, "shop-cluster"]


def item(name: str, message: str, phase: str = "Failed", kind: str = "Risk", **risk: Any) -> Any:
    return {
        "name": name,
        "kind": kind,
        "group": "LimitCheck",
        "level": "Warning",
        "phase": phase,
        "message": message,
        "riskSource": risk,
    }


def response() -> bytes:
    """A check whose every text tells something."""
    escaped = NAMES[0].replace("-", "\\u002d")
    hidden = base64.b64encode(f'{{"node": "{NAMES[0]}"}}'.encode()).decode()
    message = (
        f"pods on {NAMES[0]}, {NAMES[1].upper()} and [{QUIET}] at {ADDRESS}:10250 or [{ADDRESS6}]; "
        f"failed.{ADDRESS6} refused.{ADDRESS} harbor.{ADDRESS}.nip.io "
        f"see https://{CLUSTER.upper()}.example/{quote(NAMES[0], safe='').replace('-', '%2D')}"
        f"?q={quote(quote(NAMES[1].replace('-', '%2d')))} {escaped} "
        f"{html.escape(AGENT)} ip-{DASHED}.ec2 {OTHER_UID} {hidden} x{NAMES[0]}y"
    )
    stages = [
        {
            "nodeInfo": {"uid": uid, "name": name, "status": "Active", "nodeType": "node"},
            "itemsStatus": [
                item("SampleRuntime", f"{message} long " + "pad " * 60 + NAMES[0]),
                item("SampleFatal", f"{'z' * 189} {name}", kind="Exception"),
            ],
        }
        for uid, name in zip(UIDS, NAMES, strict=True)
    ]
    quiet = {
        "nodeInfo": {"uid": OTHER_UID, "name": QUIET, "status": "Active", "nodeType": "node"},
        "itemsStatus": [item("SampleRuntime", "check item succeed", "Success")],
    }
    api = {"deprecatedAPIRisks": [{"url": f"/apis/x/{NAMES[0]}", "userAgent": AGENT}]}
    nodes = {"nodeRisks": [{"NodeID": uid} for uid in UIDS]}
    risks: dict[str, Any] = {**api, **nodes}
    status = {"phase": "Failed", "itemsStatus": [item("SampleApi", message, **risks)]}
    task = {
        "kind": "PreCheckTask",
        "apiVersion": "v3",
        "metadata": {
            "uid": OTHER_UID,
            "creationTimestamp": "2026-03-01 10:00:00 +0000 UTC",
            "updateTimestamp": "2026-03-01 10:05:00 +0000 UTC",
        },
        "spec": {
            "clusterID": CLUSTER,
            "clusterVersion": "v1.29.1-r0",
            "targetVersion": "v1.31.4-r2",
            "skippedCheckItemList": [
                {
                    "name": "SampleSkipped",
                    "resourceSelector": {"key": "node.uid", "operator": "In", "values": UIDS},
                }
            ],
        },
        "status": {
            "phase": "Failed",
            "message": f"failed on {NAMES[0]}",
            "expireTimeStamp": "2026-03-02 10:05:00 +0000 UTC",
            "clusterCheckStatus": status,
            "addonCheckStatus": {"phase": "Success", "itemsStatus": []},
            "nodeCheckStatus": {"phase": "Failed", "nodeStageStatus": [*stages, quiet]},
            NAMES[0]: "a field nobody documents",
        },
    }
    return json.dumps(task, ensure_ascii=False).encode()


POLICY = f"""
apiVersion: precheck.policy/v1
kind: Policy
metadata: {{name: p}}
applies_to: {{cluster: "{CLUSTER[:8]}*"}}
rules:
  - id: told
    title: Never on {NAMES[0]}
    match: {{kind: Exception}}
    effect: fail
    message: "{{check}} on {{node.name}} of {{cluster}}"
    remediation: Drain {NAMES[1]}
waivers:
  - id: w-{UIDS[0]}
    check: SampleRuntime
    node: {{name: "prodshop-eu-7.*"}}
    reason: Known on {NAMES[0]}
    starts: 2026-01-01
    expires: 2026-12-31
  - id: w-2
    check: SampleRuntime
    node: {{uid: {{equals: {UIDS[1]}}}}}
    cluster: {CLUSTER}
    reason: Over
    starts: 2026-01-01
    expires: 2026-02-01
"""


def told() -> Case:
    found = read(response(), name=f"archive/{CLUSTER}/{NAMES[0]}.json", expect_cluster=CLUSTER)
    return judge(
        found,
        Policy.parse(POLICY.encode()),
        expect_cluster=CLUSTER,
        cluster_name="shop-cluster",
        cluster_type="standard",
    )


def redactor(case: Case, profiles: Any = PROFILES, key: bytes = KEY) -> Redactor:
    return Redactor(case.verdict, profiles, key, case.response.task)


def opened(data: bytes, name: str) -> list[str]:
    """A report as it stands, with everything in it unpacked and decoded."""
    if data.startswith(b"%PDF"):
        return opened_pdf(data)
    text = data.decode()
    texts = [text, html.unescape(text), unquote(text)]
    if name.endswith("json"):
        texts.append(json.dumps(json.loads(text), ensure_ascii=False))
    for found in re.findall(r"base64,([A-Za-z0-9+/=]+)", text):
        inside = base64.b64decode(found)
        inside = gzip.decompress(inside) if inside.startswith(b"\x1f\x8b") else inside
        texts += [inside.decode(), json.dumps(json.loads(inside), ensure_ascii=False)]
    return texts


def opened_pdf(data: bytes) -> list[str]:
    shown = subprocess.run(
        ["pdftotext", "-raw", "-", "-"], input=data, capture_output=True, check=True
    ).stdout.decode()
    texts = [data.decode("latin-1"), shown, shown.replace("\n", ""), shown.replace("\u200b", "")]
    with pikepdf.open(BytesIO(data)) as pdf:
        for part in pdf.objects:
            if isinstance(part, pikepdf.Stream):
                texts.append(part.read_bytes().decode("latin-1"))
            else:
                texts.append(repr(part))
        texts += [spec.get_file().read_bytes().decode() for spec in pdf.attachments.values()]
    return texts


def left_in(texts: list[str]) -> set[str]:
    whole = "\n".join(texts).lower()
    return {value for value in RAW if value.lower() in whole}


def test_what_rules_ask_of_nodes_is_told_by_pseudonyms() -> None:
    """Conditions name it where it is met by nothing; a part of a name tells whose it is."""
    asked = ["^prodshop-eu-", "staging|canary", "^Sample"]
    written = yaml.safe_dump(
        {
            **yaml.safe_load(POLICY),
            "defaults": {"unmatched": "warn"},
            "rules": [
                {
                    "id": "nearly",
                    "effect": "fail",
                    "match": {"node": {"name": {"regex": asked[0]}}},
                },
                {
                    "id": "absent",
                    "effect": "fail",
                    "match": {"node": {"name": {"regex": asked[1]}}},
                },
                {"id": "check", "effect": "fail", "match": {"check": {"regex": asked[2]}}},
            ],
        }
    )
    case = judge(read(response()), Policy.parse(written.encode()), cluster_type="standard")
    plain = [case.verdict.model_dump_json()]
    assert all(any(text in whole for text in asked) for whole in plain)
    whole = output.render(redactor(case).record(), "json").decode()
    assert [text in whole for text in asked] == [False, False, True]
    kept = output.render(redactor(case, ["uids", "cluster"]).record(), "json").decode()
    assert [text in kept for text in asked] == [True, True, True]


# No value is left -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def case() -> Case:
    return told()


@pytest.fixture(scope="module")
def redacted(case: Case) -> Verdict:
    return redactor(case).record()


def test_the_case_tells_all_of_it(case: Case) -> None:
    # Otherwise the tests below would hold for nothing.
    text = output.render(case.verdict, "json").decode()
    assert left_in([text]) == set(RAW)


FORMS = [form for form in WRITERS if not form.startswith("skip-list")]


@pytest.mark.parametrize("form", FORMS)
def test_no_format_tells_a_value(form: str, redacted: Verdict) -> None:
    data = output.render(redacted, form)
    assert left_in(opened(data, form)) == set()


def test_no_member_of_a_case_file_tells_a_value(redacted: Verdict) -> None:
    data = bundle.write(redacted, [], options=Options(), forms=("html", "junit"))
    for name, part in archive.unpack(data, "case.zip").members.items():
        assert left_in(opened(part, name)) == set(), name
        assert left_in([name]) == set()


def test_the_summary_and_the_page_say_so(redacted: Verdict) -> None:
    said = "Redacted: pseudonyms stand for values (nodes, uids, cluster, ips, user-agents)"
    from reporter.output import text

    assert said in " ".join(text.write(redacted, width=200).split())
    for form in ("html", "markdown", "junit", "sarif", "csv", "json"):
        data = output.render(redacted, form).decode()
        assert "edacted" in data, form
    assert redacted.redaction is not None
    assert redacted.redaction.key_id == key_id(KEY)


def test_a_text_cut_short_does_not_end_in_the_start_of_a_value(redacted: Verdict) -> None:
    text = redacted.model_dump_json()
    assert "…" in text
    assert "prodshop" not in text.lower()


def test_a_value_of_any_length_takes_memory_of_its_length() -> None:
    """The uid of a node is a stranger's: all its beginnings would be the square of it."""
    value = json.loads(response())
    value["status"]["nodeCheckStatus"]["nodeStageStatus"][0]["nodeInfo"]["uid"] = "n" * 20_000
    case = judge(read(json.dumps(value).encode()), Policy.load("builtin:recommended"))
    tracemalloc.start()
    try:
        redactor = Redactor(case.verdict, ["uids"], KEY, case.response.task)
        assert redactor.text("cut: nnnn…") == "cut: …"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_what_a_user_says_of_a_check_is_rewritten_too(case: Case) -> None:
    said = Explanation(
        name="SampleApi",
        certainty="user",
        as_of="2026-01-01",
        fix=f"ssh {NAMES[0]}",
        runbook=f"https://wiki.example/{CLUSTER}",
        own=frozenset({"fix", "runbook"}),
    )
    made = redactor(case)
    options = Options(own=made.own({"SampleApi": said}))
    data = output.render(made.record(), "html", (), None, options)
    assert left_in(opened(data, "html")) == set()
    assert b"ssh node-" in data


NAME = st.from_regex(r"[a-z][a-z0-9]{5,11}(-[a-z0-9]{2,8}){1,3}", fullmatch=True)
WRITTEN = st.sampled_from(
    [
        lambda name: name,
        lambda name: name.upper(),
        lambda name: quote(name, safe="").replace("-", "%2D"),
        lambda name: "".join(f"%{ord(sign):02x}" for sign in name),
        lambda name: "".join(f"\\u{ord(sign):04x}" for sign in name),
        lambda name: "".join(f"&#{ord(sign)};" for sign in name),
        lambda name: base64.b64encode(name.encode()).decode(),
        lambda name: quote(quote(name.replace("-", "%2d"))),
        lambda name: name.replace("-", "_"),
        lambda name: name.replace("-", "\u2011").upper(),
        lambda name: "\u200b".join(name),
        lambda name: f"{name[:3]}\u00ad{name[3:5]}\ufeff{name[5:]}",
        lambda name: "".join(chr(ord(sign) + 0xFEE0) for sign in name),
        lambda name: f"label_{base64.b64encode(name.encode()).decode()}",
        lambda name: f"/a/{base64.urlsafe_b64encode(name.encode()).decode()}/b",
        lambda name: name.encode().hex(),
        lambda name: quote("\u200b".join(name)),
    ]
)


@settings(max_examples=examples(30), deadline=None)
@given(name=NAME, write=WRITTEN, around=st.text(max_size=20), behind=st.text(max_size=20))
def test_however_a_name_is_spelled_it_is_replaced(
    name: str, write: Any, around: str, behind: str
) -> None:
    base = sample("failed-addon").verdict
    subject = base.subject.model_copy(update={"cluster_name": name})
    made = Redactor(base.model_copy(update={"subject": subject}), ["cluster"], KEY)
    text = made.text(f"{around} {write(name)} {behind}")
    for _ in range(4):
        seen = re.sub("[\u200b\u00ad\ufeff]", "", unicodedata.normalize("NFKC", text))
        assert name not in re.sub("[_\u2010]", "-", seen.lower())
        assert name.encode().hex() not in text
        text = html.unescape(unquote(text))
    packed = [part for part in re.findall(r"[A-Za-z0-9+/]{8,}={0,2}", text) if len(part) % 4 == 0]
    assert not any(name.encode() in base64.b64decode(part).lower() for part in packed)


# Some change their length or their neighbours with their case, others are part of a spelling.
SIGNS = st.sampled_from(
    "\u0130\u0131\u00df\u1e9e\ufb01\u03a3\u03c3\u03c2\u017f\u212a\u0345\u0301\u0307\u200b\U0001f642-_.%\\&\u2026:aS4"
)
ANY_NAME = st.one_of(
    st.text(min_size=5),
    st.text(SIGNS, min_size=5),
    st.builds(lambda one, many: one * many, st.text(SIGNS, min_size=5), st.integers(60, 900)),
)


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts_in(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts_in(part)]
    return [value] if isinstance(value, str) else []


def naming(names: list[str], messages: list[str]) -> Verdict:
    """A record of one check, with nodes of these names, that says this of them."""
    base = sample("standard-40-nodes").verdict
    check, entry, place = next(
        (check, entry, place)
        for check in base.checks
        for entry in check.entries
        for place in entry.places
        if place.nodes
    )
    nodes = [place.nodes[0].model_copy(update={"name": name}) for name in names]
    places = [place.model_copy(update={"nodes": nodes})]
    entries = [entry.model_copy(update={"message": m, "places": places}) for m in messages]
    return base.model_copy(update={"checks": [check.model_copy(update={"entries": entries})]})


@settings(max_examples=examples(30), deadline=None)
@given(name=ANY_NAME, other=ANY_NAME, before=st.text(max_size=9), behind=st.text(max_size=9))
def test_a_name_of_any_signs_is_found_as_it_stands(
    name: str, other: str, before: str, behind: str
) -> None:
    assume(name.strip())
    around = f"{before}{name}{behind}"
    messages = [
        name,
        around,
        f"{around}\u2026",
        f"\U0001f642 {name[:-1]}\u2026",
        f"{other} {name} {other}{name}",
    ]
    assume(not any(name in text for text in texts_in(naming(["n"], ["n"]).model_dump())))
    made = Redactor(naming([name, other], messages), ["nodes", "ips", "uids"], KEY)
    left = texts_in(made.record().model_dump())
    assert not [text for text in left if name in text]
    assert not [text for text in left if name[:-1] in text and len(name) > 9]


def test_small_letters_stand_where_the_letters_stood() -> None:
    """Otherwise a text could hold a name, and in small letters not hold it."""
    letters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    small = [_small(letter) for letter in letters]
    assert {len(letter) for letter in small} == {1}
    assert _small("".join(letters)) == "".join(small)
    assert _small("".join(reversed(letters))) == "".join(reversed(small))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("\u0130zmir-pool", "\u0130zmir-pool i\u0307zmir-pool \u0130ZMIR-POOL izmir-pool"),
        ("stra\u00dfe-7", "STRASSE-7 STRA\u1e9eE-7 stra\u00dfe_7"),
        ("\ufb01le-pool", "\ufb01le-pool file-pool FILE-POOL"),
        ("\u03bf\u03b4\u03bf\u03c2", "\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03bf\u03c3"),
        ("cafe\u0301-pool", "caf\u00e9-pool CAFE\u0301-POOL CAF\u00c9-POOL"),
        ("pool%41bc", "pool%41bc poolAbc pool%2541bc"),
        ("beef1-x", "at ::beef1-x 999.1.1.1::beef1-x"),
    ],
)
def test_a_name_is_found_in_capitals_and_decoded(name: str, said: str) -> None:
    made = Redactor(naming([name], [said]), PROFILES, KEY)
    pseudonym = made.text(name)
    assert re.fullmatch("node-[0-9a-f]{10}", pseudonym)
    assert re.sub("at |999.1.1.1|::", " ", made.text(said)).split() == [pseudonym] * len(
        re.sub("at |999.1.1.1|::", " ", said).split()
    )


@pytest.mark.parametrize("length", [40, 255, 256, 300, 301, 400, 4_096, 4_097, 9_000])
def test_a_start_of_a_name_of_any_length_is_cut_off(length: int) -> None:
    name = "secretpool-" + "Ab.\u0130" * (length // 4)
    made = Redactor(naming([name, "x" * 301], ["m"]), ["nodes"], KEY)
    for kept in (3, 20, len(name) // 2, len(name) - 1):
        assert made.text(f"node {name[:kept]}\u2026") == "node \u2026"
    assert made.text(f"node {name}\u2026") == "node \u2026"
    # Of what is longer than any name no more than a start is compared.
    whole = f"{made.text(name)} is bad: \u2026"
    assert made.text(f"{name} is bad: \u2026") == (whole if len(name) < BY_START else "\u2026")


# What is left is as it was ---------------------------------------------------------------------


def test_counts_outcomes_and_reasons_are_what_they_were(case: Case, redacted: Verdict) -> None:
    before, after = case.verdict, redacted
    assert (after.outcome, after.exit_code, after.counts) == (
        before.outcome,
        before.exit_code,
        before.counts,
    )
    assert after.contradiction() is None
    assert [check.findings for check in after.checks] == [c.findings for c in before.checks]
    assert [part.what.code for part in after.reasons] == [p.what.code for p in before.reasons]
    assert after.exhibits[0].sha256 == before.exhibits[0].sha256
    assert Verdict.model_validate_json(after.model_dump_json()) == after


def test_one_value_has_one_pseudonym_and_another_key_another(case: Case) -> None:
    def names(key: bytes) -> list[str | None]:
        made = redactor(case, key=key).record()
        check = next(part for part in made.checks if part.name == "SampleFatal")
        return [
            node.name for entry in check.entries for place in entry.places for node in place.nodes
        ]

    assert names(KEY) == names(KEY)
    assert len(set(names(KEY))) == 2
    assert not set(names(KEY)) & set(names(b"another key of 32 bytes ........"))
    assert all(re.fullmatch(r"node-[0-9a-f]{10}", name or "") for name in names(KEY))


def test_a_profile_hides_its_own_and_no_more(case: Case) -> None:
    nodes = redactor(case, ["nodes"]).record().model_dump_json()
    assert not left_in([nodes]) & {*NAMES, QUIET}
    assert left_in([nodes]) >= {CLUSTER, *UIDS, ADDRESS, AGENT}
    uids = redactor(case, ["uids"]).record().model_dump_json()
    assert not left_in([uids]) & {*UIDS, OTHER_UID}
    assert left_in([uids]) >= {CLUSTER, *NAMES}
    ips = redactor(case, ["ips"]).record()
    assert not left_in([ips.model_dump_json()]) & {ADDRESS, ADDRESS6, DASHED}
    assert ips.subject.target_version == "v1.31.4-r2"
    agents = redactor(case, ["user-agents"]).record().model_dump_json()
    assert AGENT not in agents
    assert re.search(r"agent-[0-9a-f]{10}", agents)


def test_a_uid_has_one_pseudonym_however_its_parts_are_joined(case: Case) -> None:
    made = redactor(case, ["uids"])
    uid = UIDS[0]
    (name,) = {
        made.text(text)
        for text in (
            uid,
            uid.upper(),
            uid.replace("-", "_"),
            uid.replace("-", ""),
            "\u00ad".join(uid),
            quote(uid.replace("-", "%2D")),
        )
    }
    assert re.fullmatch(r"uid-[0-9a-f]{10}", name)


@pytest.mark.parametrize("word", ["fail", "node", "en", "pass", "cluster", "a", "1"])
def test_a_node_called_like_a_word_of_the_record_breaks_nothing(word: str) -> None:
    data = response().replace(QUIET.encode(), word.encode())
    case = judge(read(data), Policy.parse(POLICY.encode()))
    made = redactor(case).record()
    assert made.contradiction() is None
    Verdict.model_validate_json(made.model_dump_json())
    assert output.render(made, "html")


def failing(node: str, *names: str) -> Verdict:
    """The record of a response whose one node, called so, fails checks of these names."""
    value = json.loads(response())
    sections = value["status"]
    sections["clusterCheckStatus"]["itemsStatus"] = []
    info = {"uid": UIDS[0], "name": node, "status": "Active", "nodeType": "node"}
    items = [item(name, f"{name} on {node}") for name in names]
    items.append(item("SampleFatal", "m", kind="Exception") | {"level": "Fatal"})
    sections["nodeCheckStatus"]["nodeStageStatus"] = [{"nodeInfo": info, "itemsStatus": items}]
    case = judge(read(json.dumps(value).encode()), Policy.parse(POLICY.encode()))
    return redactor(case).record()


@pytest.mark.parametrize(
    "node",
    [
        *("Fatal", "Warning", "Exception", "Risk", "LimitCheck", "Failed", "Active", "node"),
        *("NodeReady", "DeprecatedApiCheck", "ready", "check", "level", "equals", "status"),
    ],
)
def test_a_node_hides_neither_which_check_fails_nor_how_badly(node: str) -> None:
    names = ["DeprecatedApiCheck", "NodeReady", "Sample2Check"]
    made = failing(node, *names)
    assert sorted(part.name or "" for part in made.checks) == sorted([*names, "SampleFatal"])
    assert sorted(part.check or "" for part in made.reasons if part.scope == "node") == sorted(
        [*names, "SampleFatal"]
    )
    assert {part.what.text for part in made.reasons} >= {
        f"{name} fails on 1 of 1 nodes" for name in names
    }
    assert "DeprecatedApiCheck" in made.catalogue
    for check in made.checks:
        (entry,) = check.entries
        kind, level = ("Exception", "Fatal") if check.name == "SampleFatal" else ("Risk", "Warning")
        assert (entry.kind, entry.level, entry.group, entry.phase) == (
            *(kind, level),
            *("LimitCheck", "Failed"),
        )
        assert (check.kinds, check.levels) == ([kind], [level])
        (place,) = entry.places
        assert place.pointer.startswith("/status/nodeCheckStatus/nodeStageStatus/0/itemsStatus/")
        (told,) = place.nodes
        assert (told.status, told.type) == ("Active", "node")
        assert re.fullmatch("node-[0-9a-f]{10}", told.name or "")
        assert node not in (entry.message or "").split()
        if entry.waiver_stub is not None:
            (waiver,) = yaml.safe_load(entry.waiver_stub)
            assert waiver["check"] == {"equals": check.name}
            assert re.fullmatch("uid-[0-9a-f]{10}", waiver["node"]["uid"]["equals"])
    written = output.render(made, "junit").decode()
    assert "Exception Fatal" in written
    assert [use.match for use in made.waivers if use.id == "w-2"] == [
        {
            "check": "SampleRuntime",
            "node": {"uid": {"equals": made.waivers[-1].match["node"]["uid"]["equals"]}},
            "cluster": made.waivers[-1].match["cluster"],
        }
    ]


@pytest.mark.parametrize(
    ("node", "check"),
    [
        ("prod-node-1", "prod-node-1"),
        ("prod-node-1", "CheckOf-prod-node-1"),
        ("prodnode7", "ProdNode7Check"),
        ("secretive", "secretive"),
        ("Secretive", "Secretive"),
        ("prod-node-1", "Sample-" + b"prod-node-1".hex()),
        ("ProdNode", base64.b64encode(b"ProdNode").decode().rstrip("=")),
    ],
)
def test_a_check_that_is_called_like_a_node_tells_none(node: str, check: str) -> None:
    made = failing(node, check).model_dump_json()
    assert node.lower() not in made.lower()
    assert check not in made


def test_what_is_no_address_stays() -> None:
    made = Redactor(sample("failed-addon").verdict, ["ips"], KEY)
    for text in (
        "v1.31.4-r2",
        "999.1.1.1",
        "1.10.0.0.1",
        "x.1.2.3.4.5",
        "v1.4:80:90",
        "10:30:00",
        "a::b::c",
        "::error",
        "1.2.3",
        "std::vec",
    ):
        assert made.text(text) == text
    for text in ("10-20-30-44", "ip_10_20_30_44_x", "１０.0.0.1", "10.0\u200b.0.1", "10%2e0.0.1"):
        assert re.search(r"ip-[0-9a-f]{10}", made.text(text)), text
    assert made.text("10_0_0_1") == made.text("10.0.0.1")
    for text in ("at 10.0.0.1.", "10.0.0.1/24", "[fe80::1]:80", "ip-10-0-0-1", "::ffff:10.0.0.1"):
        assert re.search(r"ip-[0-9a-f]{10}", made.text(text)), text
    address = made.text("10.0.0.16")
    for text in ("harbor.10.0.0.16.nip.io", "refused.10.0.0.16 gone", "...10.0.0.16", "v10.0.0.16"):
        assert made.text(text) == text.replace("10.0.0.16", address)
    for text in (
        "registry1.10.0.0.16.nip.io",
        "h-23.10.0.0.16",
        "eth0.10.0.0.16",
        "10.0.0.16.8x8.vc",
    ):
        assert made.text(text) == text.replace("10.0.0.16", address)
    for text in ("app1-10-0-0-16.nip.io", "if0_10_0_0_16"):
        assert made.text(text) == re.sub("10.0.0.16", address, text)
    assert "db8" not in made.text("v6:2001:db8:0:0:0:0:0:77")
    for text in ("failed.2001:db8::16", "ip6.2001:db8::16.", "...::1", "at ::ffff:10.0.0.1.x"):
        assert re.search(r"\bip-[0-9a-f]{10}", made.text(text)), text
        assert not re.search(r"::(16|1|ffff)", made.text(text)), text
    assert made.text("10.0.0.1 10.0.0.1") == " ".join([made.text("10.0.0.1")] * 2)


def test_what_begins_like_many_addresses_is_looked_through_once() -> None:
    """By the square of its length this took twelve seconds a piece."""
    made = Redactor(sample("failed-addon").verdict, ["ips"], KEY)
    for piece in ("a:.", "1.", "a1-", "f0:1."):
        started = time.process_time()
        made.text(piece * (160_000 // len(piece)) + "…")
        assert time.process_time() - started < 3, piece


def test_a_thousand_nodes_are_rewritten_in_a_moment() -> None:
    import time

    verdict = sample("standard-40-nodes").verdict
    made = Redactor(verdict, PROFILES, KEY, sample("standard-40-nodes").response.task)
    made._kinds.update({f"pool-{number}-{number * 7919}": "nodes" for number in range(5_000)})
    made._lower.update({value: value for value in made._kinds})
    made._pattern = made._compiled()
    start = time.process_time()
    made.record()
    assert time.process_time() - start < 5


def with_names(names: list[str]) -> Redactor:
    """A redactor of a check whose nodes have these names."""
    value = json.loads(response())
    stages = value["status"]["nodeCheckStatus"]["nodeStageStatus"]
    (first, *_) = stages
    stages += [{**first, "nodeInfo": {**first["nodeInfo"], "name": name}} for name in names]
    case = judge(read(json.dumps(value).encode()), Policy.load("builtin:recommended"))
    return Redactor(case.verdict, ["nodes"], KEY, case.response.task)


@pytest.mark.parametrize("ending", ["", "b"])
def test_names_that_begin_like_each_other_are_replaced_each_by_its_own(ending: str) -> None:
    """Nested as deeply as they are many, no pattern could be made of them."""
    names = ["a" * length + ending for length in range(5, 1_000)]
    made = with_names(names)
    shown = [made.text(f"<{name}>") for name in names]
    assert all(re.fullmatch("<node-[0-9a-f]{10}>", text) for text in shown)
    assert len(set(shown)) == len(names)


def test_a_long_name_is_looked_for_in_time_that_grows_with_the_text() -> None:
    """It took 20 seconds when a pattern began to compare it at every letter of the text."""
    import time

    name = "A" * 40_000 + ".x_b"
    made = with_names([name])
    start = time.process_time()
    assert made.text("a" * 80_000) == "a" * 80_000
    assert time.process_time() - start < 5
    shown = made.text(f"İ {name.lower()}, {name.replace('.', '-')} {NAMES[0]}")
    assert re.fullmatch(r"İ (node-[0-9a-f]{10}), \1 node-[0-9a-f]{10}", shown)


def test_many_long_names_are_looked_for_in_time_that_grows_with_the_text() -> None:
    """Sought one by one, 4,000 took 18 seconds, and twice as many four times that."""
    import time

    alike = "n" * 300
    names = [f"{number:06}{alike}" for number in range(2_500)]
    names += [f"{alike}{number:06}" for number in range(2_500)]
    names += [alike + "m" * number for number in range(1_000)]
    made = Redactor(naming(names, ["m"]), ["nodes"], KEY)
    start = time.process_time()
    shown = [made.text(f"on {name}, {number}") for number, name in enumerate(names)]
    assert time.process_time() - start < 6
    assert len({text.split(",")[0] for text in shown}) == len(names)
    assert all(re.fullmatch(r"on node-[0-9a-f]{10}, \d+", text) for text in shown)


# Keys and profiles ----------------------------------------------------------------------------


def test_wrong_use_is_told() -> None:
    case = sample("failed-addon")
    with pytest.raises(PolicyError, match="needs 16 bytes, this has 5"):
        Redactor(case.verdict, PROFILES, b"short")
    with pytest.raises(PolicyError, match="is redacted already"):
        Redactor(Redactor(case.verdict, PROFILES, KEY).record(), PROFILES, KEY)
    with pytest.raises(PolicyError, match='"node" is none of its profiles'):
        chosen("node")
    assert chosen("all") == list(PROFILES)
    assert chosen("ips, nodes") == ["nodes", "ips"]


# Checked again --------------------------------------------------------------------------------


def test_verify_says_what_it_can_not_check_and_checks_the_rest(
    case: Case, redacted: Verdict
) -> None:
    data = bundle.write(redacted, [], options=Options(), forms=("html", "junit"))
    found = verify(data, "case.zip")
    states = {one.subject: one.state for one in found.lines}
    assert states.pop("re-judged") == "unchecked"
    assert states.pop("signature") == "absent"
    assert set(states.values()) == {"holds"}
    assert found.exit_code == 3
    page = output.render(redacted, "html")
    assert verify(page, "page.html").exit_code == 3
    assert verify(page.replace(b"Failed", b"Passed", 1), "page.html").exit_code == 1


def test_who_has_evidence_and_key_judges_a_redacted_one_again(
    case: Case, redacted: Verdict
) -> None:
    data = bundle.write(redacted, [], options=Options(), forms=("html", "junit"))
    brought = Given(exhibits=case.exhibits, redact_key=KEY)
    assert verify(data, "case.zip", brought).exit_code == 0
    other = Given(exhibits=case.exhibits, redact_key=b"another key of 32 bytes ........")
    assert verify(data, "case.zip", other).exit_code == 3
    assert verify(data, "case.zip", Given(exhibits=case.exhibits)).exit_code == 3
    forged = redacted.model_copy(
        update={"subject": redacted.subject.model_copy(update={"cluster_id": "cluster-0000000000"})}
    )
    data = bundle.write(forged, [], options=Options(), forms=("html",))
    assert verify(data, "case.zip", brought).exit_code == 1


@pytest.mark.parametrize("name", ["runtime", "Runtime Is", "a b c (runtime", "no-such-cluster"])
@pytest.mark.parametrize(
    "written",
    ["the runtime, is old", "(runtime is) old", "a b c (runtime is) https://runtime.example/x",
     "runtime's age", "集群runtime过期"],
)  # fmt: skip
def test_a_name_that_was_given_for_a_cluster_may_stand_in_a_text_too(
    name: str, written: str
) -> None:
    """No evidence tells what its pseudonym stands for; the text does."""
    task = json.loads(sample("failed-addon").response.source.data)
    task["status"]["addonCheckStatus"]["itemsStatus"][0]["message"] = written
    judged = judge(
        read(json.dumps(task).encode()), Policy.load("builtin:strict"), cluster_name=name
    )
    made = redactor(judged).record()
    assert name not in made.model_dump_json()
    data = bundle.write(made, [], options=Options(), forms=("html",))
    assert verify(data, "c.zip", Given(exhibits=judged.exhibits, redact_key=KEY)).exit_code == 0


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("生产集群", "升级生产集群前检查"),
        ("生产集群", "升级生产集群前检查生产集群。"),
        ("One Two Three Four Five Six", "about One Two Three Four Five Six now"),
        ("eu.prod", "see eu.prod.example.com"),
        ("prod/eu", "https://x/prod/eu/now"),
        ("prod:eu", "svc=prod:eu,x"),
    ],
)
def test_a_name_within_a_text_is_found_by_what_stands_around_it(name: str, written: str) -> None:
    test_a_name_that_was_given_for_a_cluster_may_stand_in_a_text_too(name, written)


def test_raw_files_can_not_be_put_into_a_redacted_case_file(case: Case, redacted: Verdict) -> None:
    with pytest.raises(ValueError, match="nothing raw"):
        bundle.write(redacted, case.exhibits, options=Options())


@pytest.mark.parametrize(
    "said",
    ["ip:fd00:dead::51", "IP:2001:db8::7 x", "inet6:fd00:dead::53", "xfd00:dead::53", "[fd00::9]"],
)
def test_an_address_behind_a_label_is_an_address(said: str) -> None:
    verdict = sample("failed-addon").verdict
    entry = verdict.checks[0].entries[0].model_copy(update={"message": said})
    check = verdict.checks[0].model_copy(update={"entries": [entry]})
    verdict = verdict.model_copy(update={"checks": [check]})
    written = Redactor(verdict, ["ips"], KEY).record().model_dump_json()
    assert "ip-" in written
    assert "fd00" not in written
    assert "2001:db8" not in written

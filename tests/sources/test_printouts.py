"""What SDKs and tools print is read as what they printed; what has two readings is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.errors import InputError
from reporter.precheck.model import PrecheckTask
from reporter.sources.read import Unreadable, read, read_responses
from tests.sources import printers

DATA = Path(__file__).parent.parent / "data" / "printouts"
SHOW: dict[str, Any] = json.loads((DATA / "show.json").read_text(encoding="utf-8"))


def _task(value: Any) -> PrecheckTask:
    return PrecheckTask.model_validate_json(json.dumps(value))


def _refused(data: bytes | str) -> str:
    with pytest.raises(InputError) as caught:
        read(data.encode() if isinstance(data, str) else data, name="in.txt")
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value.message


# What the real SDKs printed --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["show", "list", "create", "odd", "labelled"])
@pytest.mark.parametrize("language", ["go", "java"])
def test_what_the_sdk_printed_is_read_as_the_response_it_printed(name: str, language: str) -> None:
    def tasks(path: Path) -> list[Any]:
        found = read_responses([path])
        return [part for part in found if not isinstance(part, Unreadable)]

    printed, saved = tasks(DATA / f"{name}.{language}.txt"), tasks(DATA / f"{name}.json")
    assert {part.source.form for part in printed} == {language}
    assert [part.task.model_dump(exclude_none=True) for part in printed] == [
        part.task.model_dump(exclude_none=True) for part in saved
    ]


def test_the_printers_of_these_tests_print_as_the_sdks_do() -> None:
    assert printers.java(SHOW) == (DATA / "show.java.txt").read_text(encoding="utf-8")
    assert printers.go(SHOW) == (DATA / "show.go.txt").read_text(encoding="utf-8")
    odd = json.loads((DATA / "odd.json").read_text(encoding="utf-8"))
    printed = (DATA / "odd.java.txt").read_bytes().decode()
    assert printers.java(odd, "ShowPreCheckResponse") == printed


def test_a_message_that_forges_a_section_is_refused() -> None:
    """The real SDK printed it, and there are two ways to read what it printed."""
    forged = (DATA / "forged.java.txt").read_bytes()
    assert "ambiguous" in _refused(forged)
    assert "/status/clusterCheckStatus/itemsStatus/0" in _refused(forged)
    assert read(DATA / "forged.go.txt").task == read(DATA / "forged.json").task


# Round trips -----------------------------------------------------------------------------------

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=12)
_LIKELY = st.sampled_from(
    [
        "",
        " ",
        "}",
        "}]",
        "[",
        "[]",
        "class X {",
        "riskSource: null",
        "errorCodes: []",
        "phase: Success",
        "\r",
        "\u2028",
        " null",
        "nulls",
        "HTTP/1.1 200 OK",
        '{"kind": "PreCheckTask"}',
    ]
)
_VALUE = st.one_of(_TEXT, _LIKELY).filter(lambda text: text != "null")
_WORDS = st.lists(_VALUE.filter(lambda text: "," not in text), max_size=3).filter(
    lambda words: words != [""]  # prints as the empty list does
)


def _object(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def _texts(*names: str) -> dict[str, st.SearchStrategy[Any]]:
    return {name: st.none() | _VALUE for name in names}


def _list(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.lists(part, max_size=2)


_RISKS = _object(
    configurationRisks=_list(
        _object(
            **_texts(
                "package", "sourceFile", "nodeMsg", "field", "operation", "originalValue", "value"
            )
        )
    ),
    deprecatedAPIRisks=_list(_object(**_texts("url", "userAgent"))),
    nodeRisks=_list(_object(**_texts("NodeID"))),
    addonRisks=_list(_object(**_texts("addonTemplateName", "alias"))),
)
_ITEM = _object(
    **_texts("name", "kind", "group", "level", "phase", "message"),
    riskSource=st.none() | _RISKS,
    errorCodes=st.none() | _WORDS,
)
_SECTION = st.none() | _object(**_texts("phase"), itemsStatus=_list(_ITEM))
_STAGE = _object(
    nodeInfo=st.none() | _object(**_texts("uid", "name", "status", "nodeType")),
    itemsStatus=_list(_ITEM),
)
_SELECTOR = _object(**_texts("key", "operator"), values=st.none() | _WORDS)
RESPONSES = st.fixed_dictionaries(
    {"kind": st.just("PreCheckTask")},
    optional={
        **_texts("apiVersion"),
        "metadata": st.none() | _object(**_texts("uid", "creationTimestamp", "updateTimestamp")),
        "spec": st.none()
        | _object(
            **_texts("clusterID", "clusterVersion", "targetVersion"),
            skippedCheckItemList=_list(
                _object(**_texts("name"), resourceSelector=st.none() | _SELECTOR)
            ),
        ),
        "status": st.none()
        | _object(
            **_texts("phase", "expireTimeStamp", "message"),
            clusterCheckStatus=_SECTION,
            addonCheckStatus=_SECTION,
            nodeCheckStatus=st.none() | _object(**_texts("phase"), nodeStageStatus=_list(_STAGE)),
        ),
    },
)


@given(RESPONSES)
def test_what_java_prints_is_read_back(response: dict[str, Any]) -> None:
    printed = read(printers.java(response).encode(), name="in.txt")
    assert printed.task == _task(response)
    assert printed.source.form == "java"


@given(RESPONSES)
def test_what_go_prints_is_read_back(response: dict[str, Any]) -> None:
    assert read(printers.go(response).encode(), name="in.txt").task == _task(response)


_FIELDS = st.sampled_from(
    re.findall(r"^ *(.*)$", (DATA / "show.java.txt").read_text(encoding="utf-8"), re.MULTILINE)
)
_FORGED = st.lists(
    st.tuples(st.integers(0, 3), _FIELDS).map(lambda part: "    " * part[0] + part[1]), max_size=8
).map("\n".join)


@given(st.lists(_FORGED, min_size=4, max_size=4), st.booleans())
def test_no_text_of_several_lines_is_ever_read_as_something_else(
    texts: list[str], both: bool
) -> None:
    """Messages made of the printout's own lines: read as they were, or refused, never otherwise."""
    forged = json.loads(json.dumps(SHOW))
    items = forged["status"]["clusterCheckStatus"]["itemsStatus"]
    items[0]["message"], items[0]["errorCodes"] = texts[0], [texts[1]]
    if both:
        forged["status"]["message"] = texts[2]
        forged["spec"]["clusterVersion"] = texts[3]
    try:
        found = read(printers.java(forged).encode(), name="in.txt").task
    except InputError as error:
        if "ambiguous" in error.message:
            return
        raise
    expected = json.loads(json.dumps(forged).replace('"null"', "null"))
    codes = expected["status"]["clusterCheckStatus"]["itemsStatus"][0]["errorCodes"][0]
    # ", " parts a list, and [""] prints as [] does
    parted = [] if codes == "" else [None] if codes is None else codes.split(", ")
    expected["status"]["clusterCheckStatus"]["itemsStatus"][0]["errorCodes"] = [
        None if part == "null" else part for part in parted
    ]
    assert found == _task(expected)


# The other forms -------------------------------------------------------------------------------

PLAIN = json.dumps(SHOW)


def _snake(value: Any) -> Any:
    """As the Python SDK's `to_dict()` spells it: by its own rule, not by the reader's table."""
    names = {
        "NodeID": "node_id",
        "clusterID": "cluster_id",
        "deprecatedAPIRisks": "deprecated_api_risks",
        "expireTimeStamp": "expire_time_stamp",
    }
    if isinstance(value, list):
        return [_snake(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        names.get(key, re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), key)): _snake(part)
        for key, part in value.items()
    }


def _wrapped(prefix: str, suffix: str = "") -> str:
    return f"{prefix}{PLAIN}{suffix}"


def _timed(text: str, time: str = "2026-03-01T10:30:00.1234567Z ") -> str:
    """As a collector of logs writes it, a time before each line."""
    return "".join(time + line for line in text.splitlines(keepends=True))


def _behind(after: str) -> str:
    return _wrapped("INFO answer\n", after)


@pytest.mark.parametrize(
    ("printed", "form"),
    [
        (json.dumps(SHOW, indent=4).replace("/", "\\/"), "json"),
        (json.dumps(_snake(SHOW)), "json-snake-case"),
        (json.dumps(_snake({**SHOW, "apiVersion": "v3", "extra": None})), "json-snake-case"),
        (json.dumps({"kind": "List", "api_version": "v3", "items": [_snake(SHOW)]}),
         "json-snake-case"),
        (_wrapped("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"), "http"),
        (_wrapped("HTTP/2 200 \ncontent-type: application/json\nx-request-id: 1\n\n"), "http"),
        (_wrapped("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                  "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nHTTP/2 200 \r\na: b\r\n\r\n"), "http"),
        (_wrapped("2026-03-01T10:30:00Z INFO [main] response: "), "log"),
        (_wrapped("$ curl https://cce/…\n", "\n$ \n"), "log"),
        (_wrapped('INFO sent {"cluster_id": "c"} [1] {x}\nINFO got ', "\nINFO done {}\n"), "log"),
        (_wrapped("2026/03/01 10:30:00 ShowAutopilotPreCheckResponse "), "log"),
        (_wrapped("&"), "log"),
        (f"[{PLAIN}]", "json-array"),
        ("10:30:00 INFO Main - " + printers.java(SHOW) + "10:30:01 INFO done\n", "java"),
        (printers.java(SHOW) + "\nProcess finished with exit code 0\n", "java"),
        (_wrapped("[2026-03-01 10:30:00] [INFO] [main] PreCheckTask c-1: "), "log"),
        (_wrapped("<13>Mar  1 10:30:00 host app[12]: ", "\n"), "log"),
        (_wrapped('level=info msg="got it" body=', "\n"), "log"),
        (_wrapped("10:30:00.123  INFO 1 --- [main] c.e.App  : ", "\r\n"), "log"),
        (_wrapped("\x1b[0;32mINFO\x1b[0m ", "\x1b[0m\n"), "log"),
        (_wrapped("* Trying\n> GET /x\n< HTTP/2 200\n{ [5 bytes data]\n", "\n* left\n"), "log"),
        (_wrapped('$ curl -i -H "X-Auth-Token: $TOKEN" https://cce/\nHTTP/2 200\na: b\n\n'), "log"),
        (json.dumps({"apiVersion": "v3", "items": [SHOW]}), "json-list"),
        (_timed(f"##[group]Run curl\n\n{json.dumps(SHOW, indent=2)}\n\n##[endgroup]\n"), "log"),
        (_timed(json.dumps(SHOW, indent=2), "2026-03-01T10:30:00.123456789+08:00 "), "log"),
        (_timed(f"HTTP/2 200\r\na: b\r\n\r\n{json.dumps(SHOW, indent=1)}\r\n\r\n"), "log"),
        (_timed("INFO got " + printers.java(SHOW) + "INFO done\n"), "java"),
        (_timed(json.dumps(SHOW, indent=2) + "\n$ x\n", "2026-03-01T10:30:00.123456Z 00O "), "log"),
        (_timed(json.dumps(SHOW, indent=2), "2026-03-01T10:30:00.123456Z 01E+"), "log"),
        (_timed(printers.java(SHOW), "[2026-03-01T10:30:00.000Z] "), "java"),
    ],
)  # fmt: skip
def test_other_forms(printed: str, form: str) -> None:
    response = read(printed.encode(), name="in.txt")
    assert response.task.model_copy(update={"extra": None}) == _task({**SHOW, "extra": None})
    assert response.source.form == form


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le"), ("utf-16-le", "utf-16-le"),
     ("utf-16-be", "utf-16-be")],
)  # fmt: skip
def test_encodings(encoding: str, told: str) -> None:
    for text, form in [(PLAIN, "json"), (printers.java(SHOW), "java"), (printers.go(SHOW), "go")]:
        response = read(text.encode(encoding), name="in.txt")
        assert (response.source.encoding, response.source.form) == (told, form)
        assert response.task == _task(SHOW)


def test_a_copy_with_windows_line_ends_is_the_same() -> None:
    printed = printers.java(SHOW).replace("\n", "\r\n").encode()
    assert read(printed, name="in.txt").task == _task(SHOW)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("class ShowPreCheckResponse {\n  apiVersion: v3\n  kind: PreCheckTask\n  "
         "items: System.Collections.Generic.List`1[X]\n}\n",
         "the .NET SDK's printout, which leaves out what lists contain"),
        ("class PrecheckStatus {\n    phase: Success\n}\n", "is a PrecheckStatus alone"),
        ('PrecheckStatus {"phase":"Success"}\n\n', "is a PrecheckStatus alone"),
        ("ShowPreCheckResponse struct{}\n", "could not turn into JSON"),
        ("<nil>\n", "what a program prints when it got no response"),
        ("None\n", "what a program prints when it got no response"),
        ("{'kind': 'PreCheckTask', 'spec': None}", "a Python dict as print shows it"),
        ("{\n  kind: 'PreCheckTask',\n  status: [Object]\n}", "JavaScript's console.log"),
        ("apiVersion: v3\nkind: PreCheckTask\n", "looks like YAML"),
        ("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n" + '{"error_code":"CCE.01404001"}',
         "an error the API answered with (HTTP 404, CCE.01404001: no text)"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "an HTTP capture without a body"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n", "no empty line behind its headers"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n<html>", "an HTML or XML page where"),
        ("HTTP/1.1 200 OK\r\n\r\n" + PLAIN + "HTTP/1.1 200 OK\r\n\r\n" + PLAIN,
         "something follows behind the JSON"),
        ("ClientRequestException - {status_code:404,request_id:1}", "an error the API answered"),
        ("404\nabc\nCCE.01404001\nno such task\n", "(HTTP 404, CCE.01404001: no such task)"),
        ("Traceback (most recent call last):\n  File\n"
         "ClientRequestException - {status_code:403,request_id:r,"
         "error_code:CCE.01403001,error_msg:no, really,encoded_authorization_message:x}",
         "(HTTP 403, CCE.01403001: no, really)"),
        ("c.h.ClientRequestException: ClientRequestException {\n    httpStatusCode: 404\n"
         "    errorCode: CCE.01404001\n    errorMsg: gone\n    requestId: r\n}\n\tat Main.java",
         "(HTTP 404, CCE.01404001: gone)"),
        ('INFO {"error_code":"APIGW.0308","error_msg":"slow"}\n', "(APIGW.0308: slow)"),
        ('{"error":{"message":"who are you","code":401}}', "(401: who are you)"),
        ('{"errorCode":"CCE.01400001","errorMessage":"x",}', "(CCE.01400001: x)"),
        ("HTTP/2 502\n\n<html>" + "x" * 500, "(HTTP 502, an HTML or XML page)"),
        ("HTTP/1.1 302 Found\r\nA: b\r\n\r\n", "redirect or interim answer alone (HTTP 302)"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n1a3\r\n" + PLAIN, "still in chunks"),
        ("$ curl -i x\nHTTP/1.1 403 Forbidden\n\n" + PLAIN, "the API answered with (HTTP 403"),
        ("HTTP/1.1 206 Partial Content\r\nA: b\r\n\r\n" + PLAIN, "another's answer (HTTP 206)"),
        ("HTTP/2 203 \r\nA: b\r\n\r\n" + PLAIN, "another's answer (HTTP 203)"),
        ("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 206 Partial Content\r\n\r\n" + PLAIN, "(HTTP 206)"),
        ("$ curl -i x\nHTTP/1.1 206 Partial Content\n\n" + PLAIN, "(HTTP 206)"),
        ("GET /api/v3 HTTP/1.1\r\nHost: x\r\n\r\n", "looks like an HTTP request"),
        ("&{ApiVersion:0xc000010 Kind:<nil>}", "what Go prints of pointers"),
        ('ShowClusterResponse {"kind":"Cluster"}\n\n', "is a ShowClusterResponse as the Go SDK"),
        ('ShowPreCheckRequest {"cluster_id":"c"}\n\n', "the request, not the response"),
        ('RiskSource {"addonRisks":[]}\n\n', "is a RiskSource alone"),
        ("class ShowClusterResponse {\n    kind: C\n}\n", "a ShowClusterResponse as the Java"),
        ("+----+----+\n| a  | b  |\n", "--cli-output=table"),
        ("Some\\Show Object\n(\n    [kind] => PreCheckTask\n", "PHP's print_r"),
        ("[{'kind': 'PreCheckTask'}]", "a Python dict as print shows it"),
        ("INFO {'kind': 'PreCheckTask', 'items_status': []}", "a Python dict as print shows it"),
        ("ShowPreCheckResponse {\n  kind: 'PreCheckTask',\n", "JavaScript's console.log"),
        ("# saved\n---\nstatus:\n  phase: Success\nkind: PreCheckTask\n", "looks like YAML"),
        (json.dumps(SHOW["status"]), "is a part of a response alone (clusterCheckStatus)"),
        (json.dumps(SHOW["status"]["clusterCheckStatus"]["itemsStatus"]),
         "is a part of a response alone (check items)"),
        (_wrapped("INFO item: AddonLimit AddonCheck "), "ambiguous: 'AddonCheck' also stands"),
        (_wrapped("INFO {'name': 'x', 'message': '", "'}"), "also stands in the text around"),
        (_wrapped("b'", "'"), "stands inside something"),
        (_wrapped("| x | ", " |"), "stands inside something"),
        (_wrapped("INFO class PreCheckItemStatus {\n    message: a\n    ", "\n}"), "ambiguous"),
        (_wrapped("> X-Auth-Token: MIIEpAIBAAKCAQEA0123\n"), "holds a token, key, password or"),
        (_wrapped("HTTP/1.1 200 OK\nX-Subject-Token: MIIEpAIBAAKCAQEA0123\n\n"), "holds a token"),
        (_behind("\n< HTTP/1.1 500 Internal Server Error\n"), "failed (HTTP 500) also stands"),
        (_behind("\n< HTTP/1.1 200 OK\n< HTTP/2 206 \n"), "failed (HTTP 206) also stands"),
        (_wrapped('DEBUG "GET /api/v3 HTTP/1.1" 404 0\n'), "HTTP 404"),
        (_wrapped('INFO HTTP Request: GET https://x "HTTP/1.1 502 Bad Gateway"\n'), "HTTP 502"),
        (_behind('\nDEBUG "GET /api/v3 HTTP/1.1" 503 0\n'), "failed (HTTP 503) also stands"),
        (_wrapped("curl: (22) The requested URL returned error: 404\n"), "an answer that failed"),
        (_behind("\ncurl: (18) transfer closed\n"), "an answer that failed also stands"),
        (_behind("\nERROR poll failed: 503 Service Unavailable\n"), "failed"),
        (_behind("\ncom.huaweicloud.sdk.core.exception.ConnectionException: x\n"), "failed"),
        (_behind("\nsdkcore.exceptions.HostUnreachableException: x\n"), "failed"),
        (_behind("\nrequests.exceptions.HTTPError: 500 Server Error: x for url: y\n"), "failed"),
        (_behind("\nReadTimeout: HTTPSConnectionPool(host='x', port=443)\n"), "failed"),
        (_behind("\nurllib.error.HTTPError: HTTP Error 404: Not Found\n"), "failed"),
        (_behind("\n2026-01-01T00:00:00Z ##[error]curl: (22) returned error: 500\n"), "failed"),
        (_behind("\nHTTP_CODE=503\n"), "failed"),
        (_behind("\n<-- 500 https://x (12ms)\n"), "failed"),
        (_behind("\n[DEBUG] API Response Code: 500\n"), "failed"),
        (_behind("\nGet https://x: dial tcp 1.2.3.4:443: connect: connection refused\n"), "failed"),
        (_behind("\nThe remote server returned an error: (404) Not Found.\n"), "failed"),
        (_wrapped("DEBUG return_value=(b'HTTP/1.1', 500, b'x')\n"), "HTTP 500"),
        (_behind('\n{"kind":"Status","status":"Failure"}\n'), "an error of the API also"),
        ("class ClientRequestException {\n    httpStatusCode: 404\n}\n", "an error the API"),
        ("[USE_ERROR]wrong parameter", "an error that KooCLI printed ([USE_ERROR]wrong parameter)"),
        (PLAIN + "\n" + PLAIN[:-9] + "\n", "in.txt:2:"),
        (PLAIN + PLAIN, "one JSON document follows another"),
        (_wrapped("a: ", "\nb: " + PLAIN), "holds 2 responses between other text (lines 1, 2)"),
        (_wrapped('INFO nodeCheckStatus is "Success" in '), "ambiguous: 'nodeCheckStatus'"),
        (_wrapped('[Pipeline] { "x": '), "inside other JSON that is broken"),
        (_wrapped('INFO {"kind":"List","items":['), "inside other JSON that is broken or was cut"),
        ("INFO " + PLAIN[:-20], "no whole response follows"),
        ("INFO " + printers.java(SHOW) * 2, "holds 2 responses between other text"),
        ("INFO " + printers.java(SHOW)[:-3], "breaks off"),
        ("INFO " + printers.java(SHOW) + PLAIN, "holds 2 responses"),
        ("INFO all fine", "starts with text, not JSON"),
        (json.dumps({**SHOW, "api_version": "v3"}), "/apiVersion is spelt as the API does"),
        (printers.java(SHOW)[:-200], "its end is missing"),
        (printers.java(SHOW) * 2, "holds 2 responses"),
        (printers.java(SHOW).replace("    kind: PreCheckTask\n", ""), "no field kind"),
        (printers.java(SHOW).replace("                name", "               name"), "at /status"),
        (printers.go(SHOW)[:-40], "the JSON breaks off"),
    ],
)  # fmt: skip
def test_refused_forms_say_what_they_look_like(data: str, says: str) -> None:
    assert says in _refused(data)


def test_text_in_many_broken_pieces_is_given_up() -> None:
    assert "too many small or broken pieces of JSON" in _refused("x " + '{"a":[' * 20_000)


@pytest.mark.parametrize("piece", ["{}", "[]"])
def test_text_in_many_small_pieces_is_given_up(piece: str) -> None:
    for text in (f"x\n{piece * 60_000}\n{PLAIN}\n", f"x\n{PLAIN}\n{piece * 60_000}\n"):
        assert "too many small or broken pieces of JSON" in _refused(text)
    line = '{"level":"info","message":"polling","number":1}\n'
    assert read(f"x\n{line * 5_000}{PLAIN}\n{line * 5_000}".encode()).source.form == "log"


@pytest.mark.parametrize("items", [None, [], 5, "text", {}, [None], [5], [[]], ["text"]])
@pytest.mark.parametrize("name", ["api_version", "apiVersion"])
def test_a_list_is_without_tasks_in_every_spelling(items: Any, name: str) -> None:
    whole = {name: "v3", "kind": "List", "metadata": {}, "items": items}
    said = _refused(json.dumps(whole))
    assert re.search("without a single task|no pre-upgrade check: a list of something else", said)
    for other in (json.dumps([whole]), f"x\n{json.dumps(whole)}\n"):
        _refused(other)
    lines = json.dumps(whole) + "\n" + json.dumps(_snake(SHOW)) + "\n"
    assert said.split(": ", 1)[1] in _refused(lines)


def test_a_list_of_one_that_is_no_list_and_a_task_with_items_are_read() -> None:
    one = read(json.dumps({"api_version": "v3", "kind": "List", "items": _snake(SHOW)}).encode())
    assert (one.source.pointer, one.task) == ("/items", _task(SHOW))
    assert read(json.dumps({"kind": "List", "items": _snake(SHOW)}).encode()).task == _task(SHOW)
    task = read(json.dumps({**_snake(SHOW), "items": None}).encode())
    assert task.source.form == "json-snake-case"
    assert task.task.status == _task(SHOW).status


@pytest.mark.parametrize("end", ["\n", "\n200", "\r\n201\r\n", "\n200 \n\n"])
def test_a_status_that_curl_wrote_behind_the_json_is_none_of_it(end: str) -> None:
    assert read(f"{PLAIN}{end}".encode()).source.form == "json"


def test_a_status_of_a_failure_behind_the_json_is_told() -> None:
    assert "HTTP 404" in _refused(PLAIN + "\n404\n")
    assert "redirect" in _refused(PLAIN + "\n302\n")
    for end in ("200", "\n20", "\n2000", "\n200\n200", "\n600"):
        assert "trailing characters" in _refused(PLAIN + end)


def test_each_line_of_json_lines_is_a_response_of_its_own(tmp_path: Path) -> None:
    other = {
        **SHOW,
        "metadata": {"uid": "two", "creationTimestamp": "2026-04-01 00:00:00 +0000 UTC"},
    }
    path = tmp_path / "all.jsonl"
    path.write_text(f"{PLAIN}\n\n{PLAIN[:50]}\n{json.dumps(other)}\n", encoding="utf-8")
    first, broken, last = read_responses([path])
    assert isinstance(broken, Unreadable)
    assert "all.jsonl:3:" in broken.error.message
    assert not isinstance(first, Unreadable)
    assert not isinstance(last, Unreadable)
    assert (first.source.form, last.task.metadata and last.task.metadata.uid) == (
        "json-lines",
        "two",
    )
    with pytest.raises(InputError, match=r"all\.jsonl:3:"):
        read(path)
    path.write_text(f"{PLAIN}\n{json.dumps(other)}\n", encoding="utf-8")
    newest = read(path)
    assert (newest.task.metadata and newest.task.metadata.uid) == "two"
    assert (newest.source.others, newest.source.doubts) == (1, ())


def test_lines_about_different_clusters_leave_a_doubt() -> None:
    other = {**SHOW, "spec": {**SHOW["spec"], "clusterID": "c-2"}}
    other["metadata"] = {"uid": "two", "creationTimestamp": "2026-04-01 00:00:00 +0000 UTC"}
    lines = f"{PLAIN}\n{json.dumps(other)}\n".encode()
    assert read(lines).source.doubts == ("choice.clusters",)
    assert read(lines, expect_cluster="c-2").source.doubts == ()
    assert read(lines, task="two").source.doubts == ()


@pytest.mark.parametrize(
    ("clusters", "elsewhere"),
    [(("c-1", "c-2"), 1), ((None, "c-2", "c-3", "c-1"), 2), ((None, "c-1", ""), 0),
     (("C-1", "c-1"), 0)],
)  # fmt: skip
def test_a_list_about_different_clusters_is_none_of_the_api(
    clusters: tuple[str | None, ...], elsewhere: int
) -> None:
    """The newest is judged all the same, and the others are counted."""
    tasks = [
        {
            **SHOW,
            "metadata": {"uid": f"{at}", "creationTimestamp": f"2026-04-0{at} 00:00:00 +0000 UTC"},
            "spec": {**SHOW["spec"], "clusterID": cluster},
        }
        for at, cluster in enumerate(clusters, 1)
    ]
    listed = json.dumps({"kind": "List", "apiVersion": "v3", "items": tasks}).encode()
    source = read(listed).source
    assert (source.elsewhere, source.doubts) == (elsewhere, ())
    assert read(listed, task="1").source.elsewhere == 0
    assert read(listed, expect_cluster="c-1").source.elsewhere == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('DEBUG "GET /api/v3 HTTP/1.1" 404 0\nDEBUG "GET /api/v3 HTTP/1.1" 200 900\n', ""),
        (
            "* Trying\n< HTTP/1.1 503 Service Unavailable\n< HTTP/1.1 200 OK\n",
            "\n< HTTP/1.1 200 OK\n",
        ),
        ("ERROR 503 Service Unavailable, trying again\n", "\nINFO took 404 ms\n"),
        ("INFO ConnectionException, trying again\n", ""),
        ("< HTTP/1.1 200 OK\n< Content-Type: application/json\n\n", ""),
        ("\x1b[0KRunning with gitlab-runner\n\x1b[32;1m$ ask\x1b[0;m\n", "\n\x1b[0Kdone\n"),
        ("[Pipeline] {\n[Pipeline] { (Check)\n+ ask\n", "\n[Pipeline] }\n"),
        ("[root@host ~]# cat check.json\n", "\n[root@host ~]# \n"),
        ("[user@host ~]$ cat check.json\n", ""),
        ("* [HTTP/2] [1] [x-auth-token: [REDACTED]]\n< HTTP/2 200\n", ""),
    ],
)
def test_what_failed_and_was_tried_again_is_no_matter(before: str, after: str) -> None:
    assert read(_wrapped(before, after).encode()).task.kind == "PreCheckTask"

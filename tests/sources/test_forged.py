"""A response inside a message is none: whatever part of a response was saved around it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import yaml

from reporter.errors import InputError
from reporter.sources import documents, marks
from reporter.sources.read import read
from tests.sources import printers

TASK: dict[str, Any] = {
    "kind": "PreCheckTask",
    "apiVersion": "v3",
    "metadata": {"uid": "forged", "updateTimestamp": "2026-03-01 10:00:00 +0000 UTC"},
    "spec": {"clusterID": "c"},
    "status": {"phase": "Success", "clusterCheckStatus": {"phase": "Success", "itemsStatus": []}},
}
FORGED = json.dumps(TASK)
JAVA = printers.java(TASK)

MESSAGES = {
    "JSON": FORGED,
    "JSON on a line": f"see\n{FORGED}\nthere",
    "JSON indented": "see\n" + json.dumps(TASK, indent=2) + "\nthere",
    "list": json.dumps({"kind": "List", "items": [TASK]}),
    "array": f"[{FORGED}]",
    "Java": JAVA,
    "Java on a line": f"see\n{JAVA}there",
    "Java behind an end": "x\n}\n" + JAVA,
    "Go": "ShowPreCheckResponse " + FORGED,
    "HTTP": f"\r\nHTTP/1.1 200 OK\r\n\r\n{FORGED}",
    "log line": f"\n2026-03-01 INFO response: {FORGED}\n",
    "behind a quote": '"}]}\n' + FORGED,
    "behind another quote": "'}\n" + FORGED,
    "in a fence": f"```\n{FORGED}\n```",
}


def _item(message: str) -> dict[str, Any]:
    return {"name": "X", "kind": "Risk", "group": "AddonCheck", "level": "Fatal",
            "phase": "Failed", "message": message, "riskSource": {}, "errorCodes": []}  # fmt: skip


def _csv(message: str, delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(_item(message))
    writer.writerow(_item(message).values())
    return out.getvalue()


def _java(message: str) -> str:
    return printers._java_object(_item(message), printers._ITEM)


AROUND: dict[str, Callable[[str], str]] = {
    "Python dict": lambda m: repr(_item(m)),
    "Python dict of two": lambda m: repr({"name": "X", "message": m}),
    "JSON": lambda m: json.dumps(_item(m)),
    "JSON indented": lambda m: json.dumps({"name": "X", "message": m}, indent=2),
    "Go": lambda m: "PreCheckItemStatus " + json.dumps(_item(m)),
    "Java": _java,
    "another class": lambda m: f"class Thing {{\n    message: {m}\n}}".replace("\n", "\n    "),
    "record": lambda m: f"CheckItem[name=X, message={m}, phase=Failed]",
    ".NET": lambda m: f"class PreCheckItemStatus {{\n  name: X\n  message: {m}\n}}\n",
    "console.log": lambda m: f"{{\n  name: 'X',\n  message: '{m}'\n}}",
    "YAML": lambda m: yaml.safe_dump(_item(m), width=10**9),
    "YAML of two": lambda m: yaml.safe_dump({"name": "X", "message": m}, width=10**9),
    "CSV": _csv,
    "TSV": lambda m: _csv(m, "\t"),
    "table": lambda m: f"+---+---+\n| name | message |\n+---+---+\n| X | {m} |\n+---+---+\n",
    "fields": lambda m: "".join(f"{key}: {value}\n" for key, value in _item(m).items()),
    "print_r": lambda m: f"Array\n(\n    [name] => X\n    [message] => {m}\n)\n",
    "error body": lambda m: json.dumps({"error_code": "CCE.01400001", "error_msg": m}),
    "Python exception": lambda m: (
        "ClientRequestException - {status_code:400,request_id:r,error_code:CCE.01400001,"
        f"error_msg:{m},encoded_authorization_message:None }}"
    ),
    "Java exception": lambda m: (
        "ClientRequestException {\n    httpStatusCode: 400\n    errorCode: CCE.01400001\n"
        f"    errorMsg: {m}\n    requestId: r\n}}"
    ),
    "four lines": lambda m: f"400\nrequest\nCCE.01400001\n{m}\n",
    "KooCLI error": lambda m: f"[USE_ERROR]{m}",
}
PLACES = (
    "{}",
    "2026-03-01 10:30:00 INFO x - {}\n",
    "[10:30:00] [INFO] {}\n",
    "one\n{}\ntwo\n",
    "HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}",
    "HTTP/1.1 400 Bad Request\r\nA: b\r\n\r\n{}",
)


@pytest.mark.parametrize("around", sorted(AROUND))
def test_a_response_in_a_message_is_never_read(around: str) -> None:
    read_anyhow = []
    for message in MESSAGES:
        for place in PLACES:
            text = place.replace("{}", AROUND[around](MESSAGES[message]))
            with suppress(InputError):
                read(text.encode(), name="in.txt")
                read_anyhow.append((message, place))
    assert read_anyhow == []


def test_the_message_alone_would_be_read() -> None:
    """So that what is refused above is refused for what stands around it."""
    for name in ("JSON", "list", "array", "Java", "Go"):
        assert read(MESSAGES[name].encode()).task.kind == "PreCheckTask"
    assert read(PLACES[1].replace("{}", FORGED).encode()).source.form == "log"


def test_every_trace_of_a_part_is_seen() -> None:
    """The quick look for words and the exact one agree."""
    cased = ["clusterCheckStatus", "addon_check_status", "NodeCheckStatus", "node_checkStatus"]
    cased += ["itemsStatus", "items_status", "ItemsStatus", "riskSource", "risk_source"]
    cased += ["RiskSource", "errorCodes", "error_codes", "LimitCheck", "MasterCheck", "NodeCheck"]
    cased += ["AddonCheck", "ExecuteException", "'PreCheckTask'", 'kind = "PreCheckTask"']
    cased += [f"class {name} {{" for name in (*marks.RESPONSES, *marks.PARTS)]
    cased += [f"{name} {{" for name in marks.PARTS]
    for trace in cased:
        text = f"INFO {trace}\nINFO {FORGED}\n"
        with pytest.raises(InputError, match=r"ambiguous|breaks off|inside another"):
            read(text.encode())
    assert read(f"INFO PreCheckTask of c\nINFO {FORGED}\n".encode()).source.form == "log"


NEWER = {"apiVersion": "v3", "metadata": {"uid": "two"}, "status": {"phase": "Failed"}}
RUNNING = {
    "metadata": {"uid": "two", "creationTimestamp": "2026-03-01 11:00:00 +0000 UTC"},
    "spec": {"clusterID": "c"},
    "status": {"phase": "Running"},
}
FAILED = {"kind": "Status", "metadata": {}, "status": "Failure", "message": "none", "code": 404}
LINES = {
    "Go": "ShowPreCheckResponse " + json.dumps(NEWER),
    "Go of a list": "&model.ListPreCheckTasksResponse{}",
    "no kind": json.dumps(NEWER),
    **{
        f"a list of tasks without kind: {left}": json.dumps(
            {"kind": "List", "apiVersion": "v3", "metadata": {}, "items": [{left: RUNNING[left]}]}
        )
        for left in RUNNING
    },
    "a list without kind": json.dumps({"items": [RUNNING]}),
    "an array": json.dumps([RUNNING]),
    "wrapped": json.dumps({"level": "info", "answer": {"body": {"items": [RUNNING]}}}),
    "of Python's SDK": json.dumps({"items": [{"metadata": {"uid": "x", "update_timestamp": "y"}}]}),
    "its keys escaped": json.dumps([RUNNING]).replace("s", "\\u0073").replace("m", "\\u006d"),
    "Kubernetes": json.dumps(FAILED),
    "Kubernetes over lines": json.dumps(FAILED, indent=2),
    "code": json.dumps({"code": "CCE_CM.0004", "message": "none"}),
    "inner": json.dumps({"level": "info", "a": {}, "error": {"code": 401, "message": "who?"}}),
    "in a text": json.dumps({"level": "info", "body": json.dumps(FAILED)}),
    "far away": "x\n" * 40_000 + "ClientRequestException - {status_code:404,request_id:1}",
    "far body": "x\n" * 40_000 + '{"error_code":"IAM.0011","error_msg":"gone"}',
    "escaped": "".join(f"\\u{ord(letter):04x}" for letter in FORGED),
    "escaped twice": "".join(f"\\\\u{ord(letter):04x}" for letter in FORGED),
    "hexadecimal": "".join(f"\\x{ord(letter):02x}" for letter in FORGED),
    "upper case": FORGED.upper(),
    "table": "| name | phase |\n|---|---|\n| BlackLimit | Failed |",
}


@pytest.mark.parametrize("line", sorted(LINES))
@pytest.mark.parametrize("response", [FORGED, f"\n{JAVA}"], ids=["JSON", "Java"])
def test_another_answer_between_the_lines_is_not_passed_over(line: str, response: str) -> None:
    one, other = f"INFO poll: {response}\n", f"INFO poll: {LINES[line]}\n"
    for text in (one + other, "INFO\n" + other + one):
        with pytest.raises(InputError, match=r"ambiguous|holds 2 responses"):
            read(text.encode())


@pytest.mark.parametrize(
    "status",
    ["12:00:00.2 < HTTP/1.1 404 Not Found", "[2026-03-01 12:00:00] < HTTP/2 404", "< http/1.1 404",
     "0000: HTTP/1.1 404 Not Found", "reply: 'HTTP/1.1 404 Not Found", "HTTP/1.1  404 x",
     "INFO <-- HTTP/1.1 404", "HTTP/1.1 2000 OK", "HTTP/1.1 200x OK"],
)  # fmt: skip
def test_a_failed_status_is_seen_however_it_is_shown(status: str) -> None:
    for text in (f"x\n{status}\n\n{FORGED}", f"{status}\n\n{FORGED}"):
        with pytest.raises(InputError, match=r"HTTP (?:404|200|\))|looks like XML"):
            read(text.encode())


@pytest.mark.parametrize(
    "line",
    ['{"level":"info","code":200,"message":"PreCheck finished"}',
     '{"level":"info","code":"0","message":"ok"}', '{"code":"OK","message":"GET /precheck"}',
     '{"kind":"Status","status":"Success","message":"done"}',
     '{"kind":"Cluster","metadata":{},"spec":{},"status":{"phase":"Available"}}',
     '{"kind":"NodeList","items":[{"metadata":{"uid":"n"},"spec":{},"status":{"phase":"x"}}]}',
     '{"kind":"List","apiVersion":"v1","items":[{"kind":"Pod","status":{"phase":"Running"}}]}',
     '{"items":[{"metadata":{"name":"n-1"}}]}', '{"msg":"x","job":{"status":{"phase":"Done"}}}',
     'ShowPreCheckRequest {"cluster_id":"c"}', "phase | name | 12", "a precheck, phase Success",
     "2026-03-01T10:30:00.123Z INFO [main] GET https://cce/v3/clusters/c/precheck HTTP/1.1 200",
     "12:00:00.2 < HTTP/1.1 200 OK\n12:00:00.3 { [5 bytes data]", "C:\\x20 \\u0022 \\u0041",
     "5 nodes, 0 errors, no failures, without error, failed: 0, errors=[]",
     "  if-no-files-found: error", "cce-precheck check r.json --fail-on warn",
     "error=nil timeout=30s", "labels={} errors=[] next=null", "  emptyDir: {}", "  tags = {}",
     "+ curl -sS --show-error --fail --retry-all-errors -T r https://share/", "timeout-minutes: 10",
     "  continue-on-error: true", "Timeout set to expire in 30 min", "exit code: 0", "exit 1",
     "Cache not found for input keys: a, b", "cat << EOF", "EOF", "[Pipeline] // timeout",
     "took 404 ms, 500 pods of 512 on HTTP port 8443", "done: <nil>", '{"ok":true,"errors":[]}',
     '{"kind":"NodeList","items":[],"metadata":{}}', "responseStatus=201 Created token=glcbt-64",
     "[[[]]] [{}] {}", '{"event":"saved","data":"r.json"}',
     "| name | level |\n|---|---|\n| x | INFO |", "+ echo EOF", "timeout: 500", "http 443/TCP",
     "Downloaded 500 network definitions", "took 450 not bad", "Job is not cancelled",
     "  fail-on-cache-miss: false", "  fail-fast: true", '{"podIP":"10.0.0.1","phase":"Running"}'],
)  # fmt: skip
def test_ordinary_lines_around_a_response_cast_no_doubt(line: str) -> None:
    one, other = f"INFO poll: {FORGED}\n", f"{line}\n"
    for text in ("INFO\n" + other + one, "INFO " + one + other):
        assert read(text.encode()).source.form == "log"


@pytest.mark.parametrize(
    "line",
    ['{"level":"error","error":"timeout","message":"trying again"}',
     "< HTTP/1.1 404 Not Found\n< HTTP/1.1 200 OK", '{"error":"invalid_token"}',
     '{"error_msg":"Incorrect IAM authentication information: token expired"}',
     '{"message":"Unauthorized"}', '{"type":"about:blank","title":"?","status":401}',
     "<!DOCTYPE html><html><title>Sign in</title></html>", "Traceback (most recent call last):",
     'Get "https://cce/": net/http: TLS handshake timeout', 'Get "https://cce/": deadline exceeded',
     "socket.timeout: The read operation timed out", "Error: connect ECONNREFUSED 10.0.0.1:443",
     "Error: error waiting for cluster precheck to complete: ", "curl could not resolve the host",
     "{}", "null", "  None", "<nil>", "[]", "ShowAutopilotPreCheckResponse struct{}", "Bad Gateway",
     '{"kind":"List","items":[]}', '{"message":"no Route matched with those values"}',
     "Error 503", "request failed: 500", "ERROR: 404", "----error----", "the check is denied 1",
     "no healthy upstream", "{\r\n\r\n}", "[ ]", "[{}]", "nil", "response: {}", "body = null",
     "got None", "HTTP 503", "504 Gateway Time-out", "429 Too Many Requests", "Bad Request",
     "Connection reset by peer", "read: EOF", "curl: Broken pipe", "command exited with code 1",
     "returned non-zero exit status 22", "exit status 1", "Exit code: 28", "context canceled",
     "panic: runtime", "timed out\n2026-03-01 12:00:00 INFO bye", "i/o timeout\n2026/03/01 bye",
     "504 Gateway Timeout\n2026-03-01 12:00:00 bye", "connection timed out (60s)",
     "Gateway Timeout (504)", "the request failed\nOK", "failed\n0 answers left",
     '{"httpStatusCode":404}', '{"httpStatusCode":200}', '{"code":0,"data":null}',
     '{"success":false}', '{"reason":"Unauthorized"}', '{"errcode":40001,"errmsg":"x"}',
     '{"Code":"X","Msg":"y"}', '{"metadata":{"uid":"x"},"spec":{}}', "[[{\"msg\":1}]]",
     '{"phase":"Running"}', '{"uid":"t","phase":"Running","message":""}',
     "upstream gateway timeout: 504", "the query was aborted-on-error",
     "http_code: 000", "\u670d\u52a1\u4e0d\u53ef\u7528",
     "\u67e5\u8be2\u5931\u8d25", "\u8bf7\u6c42\u8d85\u65f6"],
)  # fmt: skip
def test_what_failed_behind_a_response_may_be_its_newer_answer(line: str) -> None:
    one, other = f"INFO poll: {FORGED}\n", f"{line}\n"
    assert (
        read((f"INFO{'.' * 600}\n" + other + one).encode()).source.form == "log"
    )  # it was tried again
    with pytest.raises(InputError, match=r"ambiguous|looks like an HTML page"):
        read(("INFO " + one + other).encode())


def test_a_phase_that_is_not_through_behind_a_response_is_a_newer_one() -> None:
    with pytest.raises(InputError, match="'phase: Running' stands behind it"):
        read(f"INFO poll: {FORGED}\nphase: Running\n".encode())


PREFIXES = (
    "09:51 INFO precheck response=",
    "09:51 task = ",
    "09:51 INFO result: ",
    "09:51 INFO ",
    "try 1 -> ",
)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    "answer", ["{}", "null", "None", "<nil>", "nil", "[]", '""', "{ }", "[{}]", "[null]", "map[]"]
)
def test_who_asks_again_with_the_same_words_and_gets_nothing_is_heard(
    prefix: str, answer: str
) -> None:
    again = prefix.replace("1", "23")
    with pytest.raises(InputError, match=r"asked for again|another answer"):
        read(f"x\n{prefix}{FORGED}\n{again}{answer}\n09:59 bye\n".encode())
    assert read(f"x\n{again}{answer}\n{prefix}{FORGED}\n".encode()).source.form == "log"


@pytest.mark.parametrize("answer", ['{"task":"none"}', '["a"]', '{"a":{}}', "[]", ""])
def test_what_the_same_words_name_is_another_answer(answer: str) -> None:
    text = f"09:51 INFO response={FORGED}\n09:59 INFO response={answer}\n"
    with pytest.raises(InputError, match=r"another answer|asked for again"):
        read(text.encode())
    of_others = '09:59 INFO response={"kind":"Node"}\n09:59 INFO response=[{"kind":"Node"}]\n'
    text = f"09:51 INFO response={FORGED}\n{of_others}09:59 INFO said={answer or 1}\n"
    assert read(text.encode()).source.form == "log"
    text = f'$ show\ntask = {FORGED}\ntags = {{"a":"b"}}\nnodes = []\n'
    assert read(text.encode()).source.form == "log"


@pytest.mark.parametrize(
    ("prefix", "again"),
    [
        ("INFO response=", "response={'a': None}"),
        ("INFO response=", "response=[1]"),
        ("INFO response=", "response=<Response [204]>"),
        ("INFO response=", "response=&{}"),
        ("INFO response=", "response=Running, trying again"),
        ("INFO response=", "response="),
        ("response = ", 'response = {"a":1}'),
        ("Output: ", "Output: -"),
        ("Response:\n", "Response:"),
        ("Response:\n", "Response:\nN/A"),
        ("Response:\n", 'Response:\n\n{"a":1}'),
        ("check 1 of c:\n", "check 2 of c:\n\n{}"),
        ("> ", "> {}"),
        ("[2026-03-01 10:00:00] precheck.INFO: ", "[2026-03-01 10:00:17] precheck.INFO: null"),
    ],
)
def test_whatever_the_same_words_name_is_another_answer(prefix: str, again: str) -> None:
    text = f"begin\n{prefix}{FORGED}\n{again}\n"
    for copy in (text, text + "bye\n", text.replace("\n", "\r\n")):
        with pytest.raises(InputError, match=r"another answer|asked for again"):
            read(copy.encode())


@pytest.mark.parametrize(
    ("prefix", "further"),
    [
        ("precheck: ", "precheck: saved to r.json"),
        ("precheck ", 'precheck {"step":"saved"}'),
        ("host precheck[12]: ", 'host precheck[12]: {"level":"info","msg":"done"}'),
        ("INFO response=", 'DEBUG response={"apiVersion":"v3","kind":"Cluster"}'),
        ("Response:\n", 'Response:\n{"kind":"Cluster"}'),
        ("INFO got ", "INFO got 3 nodes"),
        ("task=", "task=cleanup labels={}"),
    ],
)
def test_further_lines_of_the_same_program_cast_no_doubt(prefix: str, further: str) -> None:
    assert read(f"begin\n{prefix}{FORGED}\n{further}\nbye\n".encode()).source.form == "log"


ORDINARY = {
    "GitHub": """##[group]Run actions/upload-artifact@v4
with:
  if-no-files-found: error
  fail-on-error: true
env:
  PRECHECK_TIMEOUT: 600
##[endgroup]
Artifact name is valid!
Uploaded bytes 84312
Artifact precheck.zip successfully finalized. Artifact ID 1503212345
Post job cleanup.""",
    "GitLab": """$ test -f report.html || exit 1
$ cat <<EOF > note.txt
EOF
Uploading artifacts as "archive" to coordinator... 201 Created  id=56 token=glcbt-64
Job succeeded""",
    "Jenkins": """[Pipeline] }
[Pipeline] // timeout
[Pipeline] stage
[Pipeline] { (Publish)
[Checks API] No suitable checks publisher found.
[Pipeline] }
[Pipeline] End of Pipeline
Finished: SUCCESS""",
    "kubectl": """NAME           STATUS   ROLES    AGE   VERSION
10.0.0.4       Ready    <none>   412d  v1.28.8
default        job-1    0/1      Completed   0   404d
metadata:
  annotations: {}
  creationTimestamp: null
spec:
  containers:
  - env: []
    resources: {}
  volumes:
  - emptyDir: {}""",
    "Terraform": """  ~ resource "huaweicloud_cce_cluster" "this" {
      ~ version = "v1.27" -> "v1.28"
        tags    = {}
      + timeouts {}
    }
Plan: 0 to add, 1 to change, 0 to destroy.
Outputs:
nodes = []""",
    "Ansible": """ok: [localhost] => {
    "changed": false,
    "msg": "All assertions passed"
}
localhost : ok=3 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0""",
    "Docker": """HEALTHCHECK --timeout=5s CMD curl --fail http://localhost:443/ || exit 1
 ---> Running in 500aa4041b5e
precheck-1 exited with code 0""",
}


@pytest.mark.parametrize("log", sorted(ORDINARY))
@pytest.mark.parametrize("prefix", ["$ ask\n", "INFO precheck: ", "2026-03-01 INFO response="])
def test_what_services_and_tools_log_on_every_run_casts_no_doubt(prefix: str, log: str) -> None:
    text = f"begin\n{prefix}{FORGED}\n{ORDINARY[log]}\n"
    for copy in (text, text.replace("\n", "\r\n")):
        assert read(copy.encode()).source.form == "log"


STAMP = "2026-03-01T09:00:00.5Z "


@pytest.mark.parametrize("before", ["+ curl -w '\\n%{http_code}\\n' https://cce/t\n", "x\n", STAMP])
@pytest.mark.parametrize("status", ["503", "206", "301", "000", " 404\t"])
def test_a_status_alone_on_its_line_is_of_an_answer(before: str, status: str) -> None:
    after = STAMP if before == STAMP else ""
    for line in (status, f"200\n{after}{status}"):
        with pytest.raises(InputError, match=rf"an answer that failed \(HTTP {status.strip()}\)"):
            read(f"{before}{FORGED}\n{after}{line}\n".encode())
    for line in ("200", "201", "12", "2026", "600", "99 503", "503 nodes", "v404"):
        assert read(f"{before}{FORGED}\n{after}{line}\n".encode()).source.form == "log"


COMMANDS = {
    "prompt": "$ curl -s https://cce/t1",
    "no address": "$ hcloud CCE ShowAutopilotPreCheck --task_id=t1",
    "set -x": "+ curl -sf https://cce/t1",
    "set -x, deeper": "++ ask --once",
    "GitHub": "Looking in indexes: https://pypi\n##[group]Run ask --all\n##[endgroup]",
    "user": "root@host:~# hcloud CCE Show",
    "in brackets": "[root@host ~]# hcloud CCE Show",
    "headers": "$ curl -i https://cce/t1\nHTTP/1.1 200 OK\nLink: <https://cce/help>\n",
    "curl -v": "> GET /t1 HTTP/1.1\n< HTTP/1.1 200 OK\n< X-Help: https://cce/help\n<",
    "over lines": "$ curl -s \\\n    https://cce/t1",
    "timed": "[10:51:07] GET https://cce/t1",
    "progress": "$ curl https://cce/t1\n  % Total\n100  4096",
}


@pytest.mark.parametrize(
    "shown",
    [
        "##[group]Run download@v4\nwith:\n  name: tools\n  path: x\n##[endgroup]\n",
        "with:\n  script: |\n    ask --now\n    stop\n  name: tools\n",
        "with:\r\n  script: ask\r\nenv:\r\n  message: none\r\n",
        "Task         : Bash\nHelp         : https://docs/bash\n=====\n",
    ],
)
def test_what_a_runner_shows_of_a_step_speaks_against_no_response(shown: str) -> None:
    for text in (f"{shown}{FORGED}\n", f"{shown}{FORGED}\n{shown.replace('Run', 'Ran')}"):
        assert read(text.encode()).source.form == "log"
    with pytest.raises(InputError, match="ambiguous"):
        read(f"{shown}message: x\n{FORGED}\n".encode())


@pytest.mark.parametrize("shown", sorted(COMMANDS))
@pytest.mark.parametrize("response", [FORGED, JAVA.rstrip()], ids=["JSON", "Java"])
def test_the_same_command_again_and_no_answer_is_heard(shown: str, response: str) -> None:
    asked = COMMANDS[shown]
    again = asked.replace("10:51:07", "11:04:59").replace("Link: <https://cce/help>", "Age: 0")
    again = again.replace("\n< X-Help: https://cce/help", "")
    for behind in (again, f"{again}\nlater\n$ ", f"$ \n{again}\nsee you at 18:00"):
        for text in (f"{asked}\n{response}\n{behind}\n", f"x\n{asked}\n{response}\n\n{behind}"):
            for copy in (text, text.replace("\n", "\r\n")) if response == FORGED else (text,):
                with pytest.raises(InputError, match=r"stands above it and again behind it"):
                    read(copy.encode())
    # Asked before, and of another.
    for text in (
        f"{asked}\nx\n{asked}\n{response}\n",
        f"{asked}\n{response}\n{again.replace('t1', 't2').replace('Show', 'List')}-2\n"
        if "ask" not in asked and shown != "curl -v"
        else f"{asked}\n{response}\n++ ask --twice\n",
    ):
        assert read(text.encode()).source.form in ("log", "java")


@pytest.mark.parametrize(
    ("above", "behind"),
    [("$ ", "$ "), ("$ ask", "$ "), ("  + timeouts {}", "  + timeouts {}"), ("+ ", "+ "),
     ("=====", "====="), ("-----", "-----"), ("# ask", "# ask"), ("10:51", "10:51"),
     ("Link: <https://cce/help>", "Link: <https://cce/help>"), ("> x", "> x"),
     ("$ ask https://cce/t", "see https://cce/t"), ("see https://cce\n$ ask", "see https://cce"),
     ("see https://cce\n##[group]Run ask\n##[endgroup]", "see https://cce")],
)  # fmt: skip
def test_the_same_line_that_asks_nothing_casts_no_doubt(above: str, behind: str) -> None:
    assert read(f"begin\n{above}\n{FORGED}\n{behind}\nbye\n".encode()).source.form == "log"


def test_a_capture_may_have_its_status_behind_it() -> None:
    for length in ("Server: api", f"Content-Length: {len(FORGED)}"):
        head = f"HTTP/1.1 200 OK\r\n{length}\r\n\r\n"
        for behind in ("\n200\n", "\n201", "\n200\r\n\n"):
            assert read(f"{head}{FORGED}{behind}".encode()).source.form == "http"
        with pytest.raises(InputError, match="HTTP 503"):
            read(f"{head}{FORGED}\n503\n".encode())


def test_a_sign_may_stand_between_a_word_and_its_answer() -> None:
    for sign in ("-", "->"):
        for again in ("", "pending"):
            text = f"INFO Response Body {sign} {FORGED}\nINFO Response Body {sign} {again}\n"
            with pytest.raises(InputError, match="asked for again"):
                read(text.encode())


def test_more_json_than_may_be_read_at_once_is_refused_before_any_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(documents, "MAX_CONTAINERS", 60)
    for text in (f"x\n{FORGED}\n{'{}' * 60}\n", f"x\n{'[' * 60}{FORGED}", f"x\n{'{}' * 61}"):
        with pytest.raises(InputError, match=r"in\.log: \d+ objects and lists are more than"):
            read(text.encode(), name="in.log")
    inside = f"x\n{printers.java(TASK | {'spec': {'clusterID': '[' * 60}})}there"
    assert read(inside.encode()).source.form == "java"  # what is printed is no JSON


@pytest.mark.parametrize(
    ("text", "lines"),
    [(f"$ ask\n\n{FORGED}\r\n\r\n$ \n", 2), (f"INFO precheck: {FORGED}", 1),
     (f"2026-03-01T09:00:00Z ask\n2026-03-01T09:00:01Z {FORGED}\n2026-03-01T09:00:02Z b\n", 2),
     (f"see\n{JAVA}there", 2), (JAVA, 0), (f"\n\n{JAVA}\n\n", 0), (FORGED, 0),
     (f"HTTP/1.1 200 OK\r\nServer: api\r\n\r\n{FORGED}", 0), (f"{FORGED}\n200\n", 0)],
    ids=["log", "prefix", "times", "Java", "Java alone", "blank", "alone", "capture", "status"],
)  # fmt: skip
def test_lines_of_other_text_are_counted(text: str, lines: int) -> None:
    assert read(text.encode()).source.lines_around == lines


@pytest.mark.parametrize(
    "nested",
    ["[" * 970 + "]" * 970, '{"a":[' * 480 + "]}" * 480, '{"items":[' * 480 + "]}" * 480,
     '{"kind":"List","items":[' * 480 + "]}" * 480, '{"status":{"\\ud800":1}}',
     '{"error":' + "[" * 960 + "]" * 960 + "}", '{"error_code":' + "[" * 2000 + "]" * 2000 + "}"],
    ids=["lists", "both", "items", "Lists", "half a sign", "error", "code"],
)  # fmt: skip
def test_what_is_nested_deep_in_a_log_is_read_or_refused(nested: str) -> None:
    for text in (f"x\n{FORGED}\n{nested}\n", f"x\n{nested}\n{FORGED}\n", f"x\n{nested}\n"):
        with suppress(InputError):
            read(text.encode())


@pytest.mark.parametrize(
    "begun", ['{"apiVersion":"v3","met', '[{"name":', '{"level":"info","msg":"cut', 'INFO ("a']
)
def test_what_begins_behind_a_response_and_never_ends_may_be_its_newer_answer(begun: str) -> None:
    with pytest.raises(InputError, match=r"ambiguous|never closes"):
        read(f"INFO {FORGED}\n$ again\n{begun}\n".encode())

"""A million generated cases through both evaluators: `make million`.

    python -m tests.slow.million --cases 1000000 --jobs 2
    python -m tests.slow.million --report               what is done so far, and what it reached
    python -m tests.slow.million --seed 4711            one case, and what both say of it

Case N comes from `random.Random(N)` alone, so a case has a number instead of a file. Policy and
task are built from plain data as their readers leave them; every hundredth case goes the whole way,
through YAML, JSON and the record. What is done stands in a file by ranges of seeds, so that the
next run goes on there; the file is named by the digest of both evaluators and the generator, for a
change of these makes every case a new one. The first disagreement stops the run and leaves the
case as a file, which `--case FILE` judges again.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from reporter.policy import layers, load
from reporter.policy.assemble import waiver_use
from reporter.policy.evaluate import Judgement, judge, settle_instant
from reporter.policy.load import Policy
from reporter.policy.model import PolicySpec, WaiverListSpec
from reporter.precheck.model import PrecheckTask
from reporter.precheck.response import Response, Sidecar, Source
from reporter.yamlfile import Document
from tests.slow import evaluator, generator

ROOT = Path(__file__).parents[2]
RANGE = 500
WHOLE_WAY = 100
"""One case in so many is written as YAML and JSON, read, and judged to its record."""


# The product, from plain data -----------------------------------------------------------------


def policy_of(case: dict[str, Any]) -> Policy:
    """The policies and waiver lists of a case merged, as if they had been read from YAML."""
    loaded = [_loaded(part, f"policy-{n}.yaml") for n, part in enumerate(case["policies"], 1)]
    lists = [_loaded(part, f"waivers-{n}.yaml") for n, part in enumerate(case["waiver_lists"], 1)]
    policy = load._merge(loaded, lists)
    topics = case["topics"] or {}
    # The catalogue's words are not part of the slow evaluator's input.
    policy.__dict__["catalogue"] = SimpleNamespace(
        topic_of=topics.get, only_as_exception=lambda name: False
    )
    return policy


def _loaded(written: dict[str, Any], name: str) -> load._Loaded:
    document = Document(written, name)
    problems = load._Problems(document)
    problems.refuse_nulls()
    spec: PolicySpec | WaiverListSpec
    if written["kind"] == "Policy":
        spec = PolicySpec.model_validate(written)
        placed = layers.single(spec, document)
    else:
        spec, placed = WaiverListSpec.model_validate(written), None
    load._check_meaning(spec, problems)
    problems.stop()
    return load._Loaded(document, spec, (), placed)


def judgement_of(case: dict[str, Any]) -> Judgement:
    """The product on one case, without the bytes around it and without the record."""
    meta = case["sidecar"]
    sidecar = None
    if meta is not None:
        sidecar = Sidecar(
            meta.get("cluster"), meta.get("target_version"), meta.get("type"), None, "s", b""
        )
    response = Response(
        PrecheckTask.model_validate(case["response"]), Source("r", b"", sidecar=sidecar)
    )
    return judge(
        response,
        policy_of(case),
        instant=settle_instant(response, case["at"], case["now"] or case["at"]),
        expect_cluster=case["expect_cluster"],
        expect_target=case["expect_target"],
        cluster_type=case["cluster_type"],
    )


def said(judgement: Judgement) -> dict[str, Any]:
    """A judgement in the slow evaluator's terms."""
    instant = judgement.instant.at
    limits = judgement.limits
    warning = [part for part in judgement.decided if part.outcome == "warn"]
    warned = [line for line in judgement.evidence if (line.state, line.level) == ("not-ok", "warn")]
    exceeded = [one.rule.effect_at(instant) for one in limits if one.exceeded]
    skipped = [skip.outcome for skip in judgement.skips]
    return {
        "outcome": judgement.outcome,
        "total": len(judgement.decided) + sum(p.passed for p in judgement.passes.values()),
        "findings": {part.finding.pointer: part.outcome for part in judgement.decided},
        "evidence": {line.id: line.state for line in judgement.evidence},
        "skipped": skipped,
        "limits": {
            one.rule.id: {"failed": one.failed, "base": one.base, "exceeded": one.exceeded}
            for one in limits
        },
        "waivers": {
            tally.waiver.id: waiver_use(tally, instant).status for tally in judgement.waivers
        },
        "undated": sorted(t.waiver.id for t in judgement.waivers if t.waiver.valid_from is None),
        "tolerated_exceptions": sum(part.tolerated for part in judgement.decided),
        "warnings": len(warning) + skipped.count("warn") + len(warned) + exceeded.count("warn"),
        "backdated": judgement.instant.backdated,
    }


def expected_of(answer: dict[str, Any]) -> dict[str, Any]:
    """What the slow evaluator said, in the same shape."""
    same = ("outcome", "evidence", "skipped", "limits", "waivers")
    return {
        **{name: answer[name] for name in same},
        "total": len(answer["findings"]),
        "findings": {
            part["pointer"]: part["outcome"]
            for part in answer["findings"]
            if part["outcome"] != "pass"
        },
        "undated": sorted(answer["undated"]),
        "tolerated_exceptions": answer["tolerated_exceptions"],
        "warnings": answer["warnings"],
        "backdated": answer["backdated"],
    }


# What the cases reach -------------------------------------------------------------------------


def features(case: dict[str, Any], judgement: Judgement) -> Iterator[str]:
    """What happened in a case, as words to be counted once a case."""
    outcome = judgement.outcome
    yield f"verdict {outcome}"
    for part in judgement.decided:
        yield f"finding {part.outcome}"
        yield f"because {part.why.code}"
    for line in judgement.evidence:
        yield f"evidence {line.id} {line.state}"
    for skip in judgement.skips:
        yield f"skipped {skip.outcome}"
        yield f"because {skip.why.code}"
    for rule in judgement.policy.rules:
        fired = judgement.rules[rule.id]
        if fired.hits:
            yield from (f"rule matched by {key}" for key in rule.match.keys)
        if fired.decided:
            yield f"rule decided as {rule.effect}"
            if rule.effect_at(judgement.instant.at) != rule.effect:
                yield "rule decided before its effective_on"
        if fired.hits and not rule.waivable:
            yield "rule matched that is not waivable"
    for limit in judgement.limits:
        state = "exceeded" if limit.exceeded else "below" if limit.failed else "idle"
        kind = "max" if limit.rule.limit and limit.rule.limit.max is not None else "max_percent"
        yield f"limit {kind} {state}"
    used = []
    for tally in judgement.waivers:
        status = waiver_use(tally, judgement.instant.at).status
        yield f"waiver {status}"
        if status == "used":
            used.append(tally)
            yield from (f"waiver used with {key}" for key in tally.waiver.match.keys)
    if len(case["policies"]) > 1:
        yield "case of a union of policies"
    for name in ("waiver_lists", "sidecar", "expect_cluster", "expect_target", "cluster_type"):
        if case[name]:
            yield f"case with {name}"
    if outcome == "pass":
        for name, there in (
            ("findings that are not a pass", judgement.decided),
            ("a waiver used", used),
            ("a limit", judgement.limits),
            ("skipped checks", judgement.skips),
            ("a where", any("where" in rule.match.keys for rule in judgement.policy.rules)),
        ):
            if there:
                yield f"pass in spite of {name}"


# Running --------------------------------------------------------------------------------------


def try_case(case: dict[str, Any], *, whole_way: bool = False) -> Judgement:
    """Both evaluators on one case; raises `AssertionError` where they differ."""
    answer = evaluator.judge(**case)
    judgement = judgement_of(case)
    ours, theirs = said(judgement), expected_of(answer)
    if ours != theirs:
        different = [name for name in theirs if ours[name] != theirs[name]]
        raise AssertionError(
            "\n".join(f"{name}: {ours[name]} here, {theirs[name]} there" for name in different)
        )
    if whole_way:
        from tests.test_agreement import compare_verdict, judge_case

        compare_verdict(judge_case(case), answer)
    return judgement


def _run(first: int) -> dict[str, Any]:
    """One range of seeds; stops at the first disagreement or error."""
    seen: Counter[str] = Counter()
    started = time.process_time()
    gc.disable()
    try:
        for seed in range(first, first + RANGE):
            case = generator.case(generator.Rolled(seed))
            try:
                judgement = try_case(case, whole_way=seed % WHOLE_WAY == 0)
            except Exception as error:
                return {"first": first, "failed": seed, "why": f"{type(error).__name__}: {error}"}
            seen.update(set(features(case, judgement)))
    finally:
        gc.enable()
        gc.collect()
    seconds = time.process_time() - started
    return {"first": first, "cases": RANGE, "seconds": round(seconds, 3), "seen": seen}


def sources_digest() -> str:
    """Both evaluators and the generator."""
    files = [
        path
        for folder in ("reporter/policy", "reporter/precheck")
        for path in sorted((ROOT / folder).glob("*.py"))
    ]
    files += [ROOT / "reporter" / name for name in ("signs.py", "yamlfile.py")]
    files += [ROOT / "tests/slow" / name for name in ("evaluator.py", "generator.py")]
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _written(case: dict[str, Any]) -> str:
    return json.dumps(case, default=datetime.isoformat, ensure_ascii=False, indent=1) + "\n"


def read_case(path: Path) -> dict[str, Any]:
    """A case that a run left."""
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name in ("at", "now"):
        case[name] = datetime.fromisoformat(case[name]) if case[name] else None
    return case


def _done(path: Path) -> dict[int, dict[str, Any]]:
    """What stands in the file, by the first seed; a line that was cut short is run again."""
    done = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            part = json.loads(line)
        except ValueError:
            continue
        done[part["first"]] = part
    return done


def _report(parts: list[dict[str, Any]], out: Path, digest: str) -> str:
    seen: Counter[str] = Counter()
    for part in parts:
        seen.update(part["seen"])
    cases = sum(part["cases"] for part in parts) or 1
    seconds = sum(part["seconds"] for part in parts)
    lines = [
        f"{cases:,} cases, no disagreement; {1000 * seconds / cases:.2f} ms of processor a case",
        f"sources {digest}",
        "",
    ]
    lines += [
        f"{100 * count / cases:8.3f} %  {count:9,}  {what}" for what, count in sorted(seen.items())
    ]
    text = "\n".join(lines) + "\n"
    (out / "report.txt").write_text(text)
    return text


def run(cases: int, first: int, jobs: int, out: Path, *, report: bool = False) -> int:
    """Every range that isn't done yet, or the report alone; the exit code."""
    out.mkdir(parents=True, exist_ok=True)
    digest = sources_digest()
    path = out / f"done-{digest}.jsonl"
    done = _done(path)
    wanted = range(first, first + cases, RANGE)
    rest = [start for start in wanted if start not in done]
    print(f"{len(wanted) - len(rest)} of {len(wanted)} ranges of {RANGE} are done, in {path}")
    if report:
        print(_report([done[start] for start in wanted if start in done], out, digest), end="")
        return 0
    started = last = time.monotonic()
    ran = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the workers end as well
    with (
        path.open("a") as log,
        multiprocessing.get_context("spawn").Pool(jobs) as pool,
    ):
        for part in pool.imap_unordered(_run, rest):
            if "failed" in part:
                found = out / f"found-{part['failed']}.json"
                found.write_text(_written(generator.case(generator.Rolled(part["failed"]))))
                print(f"seed {part['failed']}: {part['why']}\nthe case is in {found}")
                pool.terminate()
                return 1
            log.write(json.dumps(part) + "\n")
            log.flush()
            done[part["first"]] = part
            ran += part["cases"]
            now = time.monotonic()
            if now - last > 30:
                last = now
                rate = ran / (now - started)
                left = (len(rest) * RANGE - ran) / rate / 60
                print(f"{ran:,} cases, {rate:.0f} a second, {left:.0f} minutes left", flush=True)
    print(_report([done[start] for start in wanted], out, digest), end="")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "million")
    parser.add_argument("--report", action="store_true", help="run nothing, say what is done")
    parser.add_argument("--seed", type=int, help="this one case alone, shown")
    parser.add_argument("--case", type=Path, help="a case that a run left")
    options = parser.parse_args()
    if options.seed is None and options.case is None:
        return run(options.cases, options.first, options.jobs, options.out, report=options.report)
    if options.case is not None:
        case = read_case(options.case)
    else:
        case = generator.case(generator.Rolled(options.seed))
    print(_written(case), end="")
    judgement = try_case(case, whole_way=True)
    print(json.dumps(said(judgement), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

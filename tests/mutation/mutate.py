"""Mutation testing of the judging code against the slow evaluator: `make mutants`.

    python -m tests.mutation.mutate [--cases 3000] [--module evaluate] [--jobs 2]

Each mutant of a module is compiled in memory, in a process of its own, and judges cases whose
outcomes the slow evaluator gave beforehand. A mutant is *killed* by the first case it judges
otherwise, *dangerous* when what it judged otherwise was a pass that should not be. What survives
the cases is then tried by the module's own tests. Survivors are listed with their diff; those
that judge the same by nature are in `equivalent.txt` with the reason, and any other survivor
makes the run fail.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib.abc
import importlib.machinery
import importlib.util
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
MODULES = {"evaluate": "reporter.policy.evaluate", "evidence": "reporter.policy.evidence"}
OWN_TESTS = ["tests/policy/test_evaluate.py", "tests/test_samples.py", "tests/policy/test_cases.py"]
EQUIVALENT = Path(__file__).parent / "equivalent.txt"
OPERATORS = [
    "AddNot",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ZeroIterationForLoop",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    *(f"ReplaceComparisonOperator_{a}_{b}" for a, b in (
        ("Eq", "NotEq"), ("NotEq", "Eq"), ("Is", "IsNot"), ("IsNot", "Is"), ("Lt", "LtE"),
        ("LtE", "Lt"), ("Gt", "GtE"), ("GtE", "Gt"), ("Lt", "GtE"), ("GtE", "Lt"),
        ("Gt", "LtE"), ("LtE", "Gt"),
    )),
]  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    module: str
    operator: str
    occurrence: int
    source: str
    diff: tuple[str, ...]

    @property
    def name(self) -> str:
        """What `equivalent.txt` knows it by: stays while its lines stay."""
        return sha256("\n".join((self.module, *self.diff)).encode()).hexdigest()[:12]


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module that differs from it and compiles."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    source = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    seen = {source}
    for name in OPERATORS:
        occurrence = 0
        while True:
            changed = mutate_code(source, get_operator(f"core/{name}")(), occurrence)
            occurrence += 1
            if changed is None:
                break
            if changed in seen:
                continue
            seen.add(changed)
            diff = tuple(
                line
                for line in difflib.unified_diff(
                    source.splitlines(), changed.splitlines(), lineterm="", n=1
                )
                if not line.startswith(("---", "+++", "@@"))
            )
            yield Mutant(module, name, occurrence - 1, changed, diff)


class _InPlace(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from changed source."""

    def __init__(self, module: str, source: str) -> None:
        self.module, self.source = module, source

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.module:
            return None
        return importlib.util.spec_from_loader(name, self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, f"<mutant of {self.module}>", "exec"), module.__dict__)  # noqa: S102


def collect(count: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Cases and what the slow evaluator says of them; the same in every run."""
    from hypothesis import HealthCheck, Phase, given, settings

    from tests.slow import evaluator, generator

    found: list[tuple[dict[str, Any], dict[str, Any]]] = []

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=generator.cases())
    def gather(case: dict[str, Any]) -> None:
        found.append((case, evaluator.judge(**case)))

    gather()
    return found


def _verdict_of(mutant: Mutant, cases: Path, results: Any) -> None:
    """In a process of its own: how the mutant fares. Puts `alive`, `killed` or `dangerous`."""
    sys.meta_path.insert(0, _InPlace(mutant.module, mutant.source))
    fate = "alive"
    try:
        from tests.test_agreement import compare_with, judge_case

        gathered = pickle.loads(cases.read_bytes())  # noqa: S301 - written by `main`
        for case, expected in gathered:
            try:
                compare_with(case, expected)
            except BaseException:
                fate, said = "killed", "an error"
                with contextlib.suppress(BaseException):
                    said = str(judge_case(case).outcome)
                if said == "pass" and expected["outcome"] != "pass":
                    fate = "dangerous"
                break
    except BaseException:
        fate = "killed"
    results.put(fate)


def fate(mutant: Mutant, cases: Path) -> str:
    """`killed`, `dangerous` (killed, and it said a wrong pass) or `alive`."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=_verdict_of, args=(mutant, cases, results))
    child.start()
    child.join(180)
    if child.is_alive():
        child.kill()
        child.join()
        return "killed"  # it runs for ever
    return "killed" if results.empty() else str(results.get())


def killed_by_own_tests(mutant: Mutant) -> bool:
    """Whether the module's own tests see it, in a copy of the tree."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("reporter", "tests", "policies", "samples", "templates", "pyproject.toml"):
            if name != "reporter":
                os.symlink(ROOT / name, Path(folder) / name)
        subprocess.run(["cp", "-r", str(ROOT / "reporter"), folder], check=True)
        path = Path(folder) / (mutant.module.replace(".", "/") + ".py")
        path.write_text(mutant.source, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *OWN_TESTS],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            check=False,
        )
        return done.returncode != 0


def equivalents() -> dict[str, str]:
    """Mutants that judge the same by nature, with the reason."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines() if EQUIVALENT.exists() else []
    return {
        name: reason
        for name, _, reason in (line.partition(" ") for line in lines)
        if name and not name.startswith("#")
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--module", choices=MODULES, action="append")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="the name of one mutant")
    parser.add_argument("--without-own-tests", action="store_true")
    options = parser.parse_args()
    known = equivalents()
    with tempfile.TemporaryDirectory() as folder:
        # Gathered by a process of its own, so that none of what is mutated is imported here.
        cases = Path(folder) / "cases.pickle"
        subprocess.run(
            [sys.executable, "-c", _GATHER, str(options.cases), str(cases)], cwd=ROOT, check=True
        )
        # What does not depend on the mutated modules is imported once, for all the forks.
        import pydantic  # noqa: F401
        import yaml  # noqa: F401

        import reporter.catalogue.read
        import reporter.precheck.model
        import reporter.record.model
        import reporter.sources.read  # noqa: F401

        survivors: list[Mutant] = []
        fates: Counter[str] = Counter()
        every = [
            mutant
            for name in options.module or MODULES
            for mutant in mutants(MODULES[name])
            if options.only in (None, mutant.name)
        ]
        with ThreadPoolExecutor(options.jobs) as pool:
            for mutant, found in zip(
                every, pool.map(lambda one: fate(one, cases), every), strict=True
            ):
                fates[found] += 1
                if found == "alive":
                    survivors.append(mutant)
        print(f"{len(every)} mutants: {dict(fates)}; by their own tests:", flush=True)
        bad = 0
        for mutant in survivors:
            if mutant.name in known:
                fates["equivalent"] += 1
                continue
            if not options.without_own_tests and killed_by_own_tests(mutant):
                fates["killed by own tests"] += 1
                continue
            bad += 1
            print(f"\n{mutant.name} {mutant.module} {mutant.operator} {mutant.occurrence}")
            print("\n".join(f"    {line}" for line in mutant.diff), flush=True)
    print(f"\n{len(every)} mutants: {dict(fates)}; {bad} survive")
    return 1 if bad else 0


_GATHER = (
    "import pickle, sys; from pathlib import Path; from tests.mutation.mutate import collect;"
    "Path(sys.argv[2]).write_bytes(pickle.dumps(collect(int(sys.argv[1]))))"
)

if __name__ == "__main__":
    sys.exit(main())

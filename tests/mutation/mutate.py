"""Mutation testing of everything that decides a verdict: `make mutants`.

    python -m tests.mutation [--module policy.evidence] [--only NAME] [--quick] [--again] [--strict]

Each mutant (`operators.py`) is loaded in a fork of a process that has all else loaded already.
First it judges a few hundred generated cases whose outcomes the slow evaluator gave beforehand,
then the hand-built tests of its module are run on it, and what is still alive judges all the other
cases. *Dangerous* is a mutant that says pass of a generated case that must not pass. What survives
it all is either listed in `equivalent.txt`, with the reason why no verdict depends on it, or makes
the run fail.

What was found stays in `.mutants/`: a run that was broken off goes on where it was, and after a
change what killed a mutant before is tried on it first.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import pickle
import resource
import selectors
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tests.mutation.operators import Mutant, mutants

if TYPE_CHECKING:
    from tests.mutation.cases import Case

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".mutants"
EQUIVALENT = Path(__file__).parent / "equivalent.txt"
WORDS = frozenset({"_condition_text", "_wanted", "WaiverTally.why_unusable"})
"""Functions that only choose words: not changed."""

_JUDGED = ("tests/policy/test_evaluate.py", "tests/policy/test_decisions.py")
_MATCHED = (
    "tests/policy/test_match.py",
    "tests/policy/test_waivers.py",
    "tests/policy/test_where.py",
    "tests/policy/test_lookup.py",
    *_JUDGED,
)
MODULES: dict[str, tuple[str, ...]] = {
    "reporter.policy.evidence": ("tests/policy/test_evidence.py",),
    "reporter.policy.evaluate": (
        *reversed(_JUDGED),
        "tests/policy/test_waivers.py",
        "tests/policy/test_lookup.py",
    ),
    "reporter.precheck.unknown_fields": ("tests/precheck", "tests/policy/test_evidence.py"),
    "reporter.precheck.times": ("tests/precheck/test_times.py", "tests/policy/test_evidence.py"),
    "reporter.record.dates": ("tests/policy/test_dates.py", *_JUDGED, "tests/policy/test_load.py"),
    "reporter.record.limits": ("tests/record/test_limits.py", *_JUDGED),
    "reporter.precheck.versions": ("tests/precheck/test_versions.py", *_JUDGED),
    "reporter.policy.match": _MATCHED,
    "reporter.precheck.model": (
        "tests/precheck/test_model.py",
        "tests/policy/test_vocabulary.py",
        "tests/policy/test_evidence.py",
    ),
    "reporter.precheck.finding": ("tests/precheck/test_finding.py", *_JUDGED),
    "reporter.policy.waivers": ("tests/policy/test_waivers.py", *_JUDGED),
    "reporter.policy.lookup": ("tests/policy/test_lookup.py", "tests/policy/test_waivers.py"),
    "reporter.policy.layers": (
        "tests/policy/test_layers_table.py",
        "tests/policy/test_layers_weaken.py",
        "tests/policy/test_layers_release.py",
        "tests/policy/test_layers_alike.py",
        "tests/policy/test_layers.py",
        "tests/policy/test_load.py",
        "tests/policy/test_layers_properties.py",
    ),
}
"""What decides, and the hand-built tests it is tried by, the likeliest first."""

FEW, MANY = 200, 3000
LOOKED_ON = 40
"""Cases tried after the first that shows a mutant, for one that it passes wrongly."""

MOST_SECONDS = 120
MOST_MEMORY = 3 << 30


# What a result depends on --------------------------------------------------------------------


def digest(*places: str) -> str:
    """Of all files under some places of the tree."""
    whole = sha256()
    for place in places:
        path = ROOT / place
        for file in sorted(path.rglob("*.*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix != ".pyc":
                whole.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return whole.hexdigest()


@cache
def _digest_of_test(name: str) -> str:
    return digest(name, "tests/policy/build.py")


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: `how` is one of `FATES`, `by` the case or test that killed it.

    `wrong` is a case it passes and must not, None where none was met.
    """

    how: str
    by: int | str | None = None
    wrong: int | None = None


FATES = ("few cases", "tests", "many cases", "alive")


class Results:
    """What is known of mutants already.

    An answer holds while neither the product nor the cases nor, if they were asked, the tests
    change. After that it is a hint: what killed a mutant will mostly kill it again, at once.
    """

    def __init__(self, *, again: bool) -> None:
        self._product = digest("reporter", "policies")
        self.cases = digest("tests/slow", "tests/test_agreement.py", "tests/mutation/cases.py")
        self._path = KEPT / "results.jsonl"
        self._known: dict[str, dict[str, Any]] = {}
        if again:
            self._path.unlink(missing_ok=True)
        self.read()

    def read(self) -> None:
        """Take in what the forks wrote."""
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):  # half a line of a run that was broken off
                    entry = json.loads(line)
                    self._known[entry["name"]] = entry

    def _key(self, mutant: Mutant, fate: Fate, *, whole: bool) -> str:
        parts = [self._product, self.cases, mutant.source]
        if fate.how == "tests":
            parts.append(_digest_of_test(str(fate.by).partition("::")[0]))
        elif fate.how == "alive":
            parts += [*map(_digest_of_test, MODULES[mutant.module]), str(whole)]
        return sha256("\0".join(parts).encode()).hexdigest()

    def of(self, mutant: Mutant, *, whole: bool) -> Fate | None:
        """What holds still; `whole`: of what is alive, only if all cases were tried on it."""
        entry = self._known.get(mutant.name)
        if entry is None:
            return None
        fate = Fate(*entry["fate"])
        accepted = {self._key(mutant, fate, whole=True)}
        if not whole:
            accepted.add(self._key(mutant, fate, whole=False))
        return fate if entry["key"] in accepted else None

    def hint(self, mutant: Mutant) -> Fate:
        entry = self._known.get(mutant.name)
        return Fate(*entry["fate"]) if entry else Fate("alive")

    def add(self, mutant: Mutant, fate: Fate, *, whole: bool) -> None:
        entry = {
            "name": mutant.name,
            "key": self._key(mutant, fate, whole=whole),
            "fate": [fate.how, fate.by, fate.wrong],
            "mutant": mutant.shown(),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")


# Loading a changed module --------------------------------------------------------------------


class _InPlace(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from changed source."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.mutant.module:
            return None
        return importlib.util.spec_from_loader(name, self)

    def exec_module(self, module: ModuleType) -> None:
        text = compile(self.mutant.source, f"<mutant of {module.__name__}>", "exec")
        exec(text, module.__dict__)  # noqa: S102


@cache
def _imports() -> dict[str, frozenset[str]]:
    """What every module of the product and of the tests imports, inside functions too."""
    found = {}
    for top in ("reporter", "tests"):
        for file in (ROOT / top).rglob("*.py"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            names: set[str] = set()
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names |= {node.module, *(f"{node.module}.{part.name}" for part in node.names)}
            found[name] = frozenset(names)
    return found


def dependents(module: str) -> set[str]:
    """A module and all that imports it, directly or through others; packages stay."""
    packages = {"reporter", "reporter.policy", "reporter.precheck", "tests", "tests.mutation"}
    found = {module}
    while True:
        more = {
            name
            for name, imported in _imports().items()
            if name not in found and imported & found and name not in packages
        }
        if not more:
            return found - {"tests.mutation.mutate", "tests.mutation.__main__"}
        found |= more


def _forget(modules: set[str]) -> None:
    for name in modules & sys.modules.keys():
        package, _, last = name.rpartition(".")
        del sys.modules[name]
        with contextlib.suppress(AttributeError, KeyError):
            delattr(sys.modules[package], last)


# Trying a mutant ------------------------------------------------------------------------------


@dataclass
class Bench:
    """What all mutants of one module share: loaded once, then forked."""

    cases: list[Case]
    responses: list[Any] | None
    dependents: set[str]
    tests: tuple[str, ...]

    @classmethod
    def ready(cls, module: str, cases: list[Case], tests: tuple[str, ...]) -> Bench:
        """Load everything, and see that the unchanged module agrees on every case."""
        from reporter import yamlfile
        from reporter.catalogue.read import Catalogue

        load = cache(yamlfile.load)
        yamlfile.load = load
        catalogue = Catalogue.load()
        Catalogue.load = classmethod(lambda _: catalogue)  # type: ignore[assignment, method-assign]

        import pytest  # noqa: F401

        behind = dependents(module)
        bench = cls(cases, None, behind, tests)
        from reporter.sources.read import read

        if "reporter.sources.read" not in behind:
            bench.responses = [read(case.response) for case in cases]
        for number in range(len(cases)):
            error, _ = bench.differs(number)
            if error is not None:
                raise SystemExit(f"the evaluators disagree on case {number}: {error!r}")
        _forget(behind)
        return bench

    def differs(self, number: int) -> tuple[BaseException | None, bool]:
        """What a case shows, and whether it passes where it must not."""
        from reporter.policy.load import Policy
        from tests.test_agreement import compare_verdict, verdict_on

        case = self.cases[number]
        said = None
        try:
            if self.responses is None:
                from reporter.sources.read import read

                response = read(case.response)
            else:
                response = self.responses[number]
            policy = Policy.parse(*case.policies, waivers=case.waiver_lists)
            verdict = verdict_on(policy, response, case.given)
            said = verdict.outcome
            compare_verdict(verdict, case.expected)
        except Exception as error:
            return error, said == "pass" and case.expected["outcome"] != "pass"
        return None, False

    def try_cases(self, numbers: Iterable[int]) -> Fate:
        """Killed by the first case that shows a difference, and the first it passes wrongly."""
        first = wrong = None
        for number in numbers:
            error, passed = self.differs(number)
            if error is not None and first is None:
                first = number
            if passed:
                wrong = number
                break
            if first is not None and number - first >= LOOKED_ON:
                break
        if first is None:
            return Fate("alive")
        return Fate("few cases" if first < FEW else "many cases", first, wrong)

    def control(self, module: str, *, whole: bool) -> None:
        """The unchanged module has to get through it all, or what kills mutants proves nothing."""
        source = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
        unchanged = Mutant(module, "", 0, "", "nothing", source)
        for _, fate in _try_all(self, [(unchanged, Fate("alive"), whole)], 1):
            if fate.how != "alive":
                raise SystemExit(f"{module}, unchanged, is not let through: {fate}")

    def fare(self, mutant: Mutant, hint: Fate, *, whole: bool) -> Fate:
        """In a process of its own: what becomes of a mutant. `hint` is what became of it before."""
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        gc.disable()
        sys.meta_path.insert(0, _InPlace(mutant))
        try:
            importlib.import_module("tests.test_agreement")
        except Exception as error:
            return Fate("few cases", f"import: {error!r}"[:200])
        if isinstance(hint.by, int) and hint.by < len(self.cases):
            again = self.try_cases(sorted({hint.by, hint.by if hint.wrong is None else hint.wrong}))
            if again.how != "alive":
                return again
        elif hint.how == "tests" and (failed := self.run_tests(str(hint.by))) is not None:
            return Fate("tests", failed)
        few = min(FEW, len(self.cases))
        fate = self.try_cases(range(few))
        if fate.how != "alive":
            return fate
        failed = self.run_tests(*self.tests)
        if failed is not None:
            return Fate("tests", failed)
        return self.try_cases(range(few, len(self.cases))) if whole else fate

    def run_tests(self, *which: str) -> str | None:
        """The first of the hand-built tests that fails."""
        import pytest

        class First:
            failed: str | None = None

            def pytest_runtest_logreport(self, report: Any) -> None:
                if report.failed and self.failed is None:
                    self.failed = report.nodeid

            def pytest_collectreport(self, report: Any) -> None:
                if report.failed and self.failed is None:
                    self.failed = report.nodeid

        first = First()
        # Random examples are no proof: what a property finds today it may not find tomorrow.
        options = "-x -q --assert=plain -m", "not hypothesis", "-p _hypothesis_pytestplugin"
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        with (
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            code = pytest.main(
                [*options[0].split(), options[1], *options[2].split(), "-p", "no:cacheprovider",
                 "--deselect", "tests/policy/test_load.py::test_hostile_yaml",
                 *which], plugins=[first],
            )  # fmt: skip
        # 4: no such test any more. 5: none left of them.
        return None if code in (0, 4, 5) else first.failed or f"pytest ended with {code!r}"


def _try_all(
    bench: Bench, every: Sequence[tuple[Mutant, Fate, bool]], jobs: int
) -> Iterator[tuple[Mutant, Fate]]:
    """Each mutant in a fork, so many at a time; with a hint, and whether to try all cases."""
    waiting = list(reversed(every))
    running: dict[int, tuple[Mutant, int]] = {}
    watch = selectors.DefaultSelector()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant, hint, whole = waiting.pop()
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    os.close(reader)
                    signal.alarm(MOST_SECONDS)
                    fate = bench.fare(mutant, hint, whole=whole)
                    os.write(writer, json.dumps([fate.how, fate.by, fate.wrong]).encode())
                    code = 0
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(code)
            os.close(writer)
            running[reader] = mutant, child
            watch.register(reader, selectors.EVENT_READ)
        for key, _ in watch.select():
            reader = key.fd
            mutant, child = running.pop(reader)
            watch.unregister(reader)
            said = os.read(reader, 1 << 16)
            os.close(reader)
            _, status = os.waitpid(child, 0)
            if said:
                yield mutant, Fate(*json.loads(said))
            elif os.WIFSIGNALED(status):
                # It ran for ever (SIGALRM): whoever waits for it would notice.
                yield mutant, Fate("few cases", signal.Signals(os.WTERMSIG(status)).name)
            else:
                raise SystemExit(f"no answer from {mutant.name} {mutant.shown()}")


# The whole run --------------------------------------------------------------------------------


def equivalents() -> dict[str, str]:
    """Mutants on which no verdict depends, with the reason."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines() if EQUIVALENT.exists() else []
    return {
        name: reason.strip()
        for name, _, reason in (line.partition(" ") for line in lines)
        if name and not name.startswith("#")
    }


def every_mutant(module: str) -> list[Mutant]:
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    return list(mutants(module, source, WORDS))


def _in_fork(work: Any) -> None:
    """So that what one module's mutants need is not loaded where the next ones start."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except SystemExit as error:
            print(error.code, file=sys.stderr)
        except KeyboardInterrupt:
            code = 130
        finally:
            sys.stdout.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(os.waitstatus_to_exitcode(status))


def _gathered(key: str) -> list[Case]:
    path = KEPT / f"cases-{key[:16]}.pickle"
    if not path.exists():

        def gather() -> None:
            from tests.mutation.cases import collect

            path.with_suffix(".part").write_bytes(pickle.dumps(collect(MANY)))
            path.with_suffix(".part").rename(path)

        for old in KEPT.glob("cases-*"):
            old.unlink()
        _in_fork(gather)
    cases: list[Case] = pickle.loads(path.read_bytes())  # noqa: S301 - written above
    return cases


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    short = {name.removeprefix("reporter."): name for name in MODULES}
    parser.add_argument("--module", choices=short, action="append", help="only this one")
    parser.add_argument("--only", help="the name of one mutant")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--part", default="1/1", help="2/3: the second of every three, to share the work"
    )
    parser.add_argument("--again", action="store_true", help="forget what is known already")
    parser.add_argument(
        "--quick", action="store_true", help=f"the first {FEW} cases and the tests, no more"
    )
    parser.add_argument(
        "--strict", action="store_true",
        help="all cases on what is listed as equivalent too; entries that are gone make it fail",
    )  # fmt: skip
    options = parser.parse_args()
    os.chdir(ROOT)
    KEPT.mkdir(exist_ok=True)
    known = Results(again=options.again)
    listed = equivalents()

    def whole(mutant: Mutant) -> bool:
        return options.strict or (not options.quick and mutant.name not in listed)

    every: dict[str, list[Mutant]] = {}
    for name in options.module or short:
        module = short[name]
        every[module] = [one for one in every_mutant(module) if options.only in (None, one.name)]
        todo = [
            (mutant, known.hint(mutant), whole(mutant))
            for mutant in every[module]
            if known.of(mutant, whole=whole(mutant)) is None
            and not (options.quick and mutant.name in listed)
        ]
        number, _, parts = options.part.partition("/")
        todo = todo[int(number) - 1 :: int(parts)]
        if todo:
            _in_fork(partial(_work, module, todo, known, options.jobs))
    known.read()
    fates = {
        mutant.name: known.of(mutant, whole=whole(mutant)) or Fate("alive")
        for changes in every.values()
        for mutant in changes
    }
    return _tell(every, fates, listed, strict=options.strict)


def _work(
    module: str,
    todo: Sequence[tuple[Mutant, Fate, bool]],
    known: Results,
    jobs: int,
) -> None:
    """Try them all, and write down each result as it comes."""
    cases = _gathered(known.cases)
    if not any(whole for _, _, whole in todo):
        del cases[FEW:]
    bench = Bench.ready(module, cases, tuple(filter(os.path.exists, MODULES[module])))
    gc.freeze()
    bench.control(module, whole=False)
    asked = {mutant.name: whole for mutant, _, whole in todo}
    started, last = time.monotonic(), 0.0
    for number, (mutant, fate) in enumerate(_try_all(bench, todo, jobs), 1):
        known.add(mutant, fate, whole=asked[mutant.name])
        spent = time.monotonic() - started
        if spent - last > 30 or number == len(todo):
            last = spent
            print(f"{module}: {number} of {len(todo)} in {spent:.0f} s", flush=True)


def _tell(
    every: dict[str, list[Mutant]], fates: dict[str, Fate], listed: dict[str, str], *, strict: bool
) -> int:
    columns = ("mutants", *FATES[:3], "equivalent", "survive", "dangerous")
    rows: list[tuple[str, Counter[str]]] = []
    bad: list[Mutant] = []
    needless: list[Mutant] = []
    for module, changes in every.items():
        row = Counter({"mutants": len(changes)})
        for mutant in changes:
            fate = fates[mutant.name]
            row["dangerous"] += fate.wrong is not None
            if fate.how != "alive":
                row[fate.how] += 1
                if mutant.name in listed:
                    needless.append(mutant)
            elif mutant.name in listed:
                row["equivalent"] += 1
            else:
                row["survive"] += 1
                bad.append(mutant)
        rows.append((module, row))
    for mutant in bad:
        print(f"\n# {mutant.shown()}\n{mutant.name} ?")
    if needless:
        print(f"\nlisted in {EQUIVALENT.name}, and killed all the same:")
        print("\n".join(f"  {mutant.name} {mutant.shown()}" for mutant in needless))
    stale = []
    if sum(map(len, every.values())) > 1 and len(every) == len(MODULES):
        stale = sorted(listed.keys() - fates.keys())
    if stale:
        print(f"\nlisted in {EQUIVALENT.name}, and no longer there: {', '.join(stale)}")
    total = sum((row for _, row in rows), Counter[str]())
    print("\n" + "".ljust(32) + "".join(column.rjust(12) for column in columns))
    for name, row in [*rows, ("together", total)]:
        print(name.ljust(32) + "".join(f"{row[column]:,}".rjust(12) for column in columns))
    print(
        f"\nkilled by the first {FEW} generated cases, by hand-built tests, by the rest of the "
        f"{MANY:,} cases;\ndangerous: killed, and seen to pass a generated case that must not pass"
    )
    return 1 if bad or (strict and (stale or needless)) else 0

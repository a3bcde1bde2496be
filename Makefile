# make demo   the samples judged, with every report, in demo-out/
# make test   style, types, tests (under 5 minutes)
# make help   everything else

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo-out
SUPPLY := .venv-supply
# What WeasyPrint loads at run time, what shows Chinese text, and what a bare Python may lack.
LIBRARIES := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-droid-fallback python3-venv
TEST_TOOLS := strace locales openssl poppler-utils qpdf libarchive-tools xz-utils zip zstd zsh fish
# Tests often wait for other programs: more of them than there are processors keep these busy.
JOBS := $(shell expr $$(nproc) + 2)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: lock locked lowest supply sbom demo test check unit prove prove-printouts million bench bench-walk schema gold dist clean help libraries test-tools words compat bench-peers hostile mutants proof bench-audit reference docs

help:
	@sed -n 's/^# make /make /p' Makefile
	@echo "make check  style and types alone      make unit   tests alone"
	@echo "make prove  the two evaluators against each other, 20,000 cases"
	@echo "make million  a million cases through both evaluators, about an hour; goes on where it stopped"
	@echo "make prove-printouts  what the real Java and Go SDKs print, 10,000 cases"
	@echo "make proof  veraPDF, vnu and other validators (Java, Maven, npm); docs/conformance.md"
	@echo "make bench  speed, as ratios           make gold   accept new expected outputs"
	@echo "make bench-walk  10 GB of responses through a pipe, a few minutes"
	@echo "make compat write the case files of this release, once"
	@echo "make bench-peers  other policy engines on the same responses"
	@echo "make hostile  fuzzing, faults and random responses through every output, about an hour"
	@echo "make mutants  changes of the judging code that no test sees, about an hour; goes on where it stopped"
	@echo "make bench-audit  the audit against bare validation of the same files"
	@echo "make schema write the record's schema  make dist   wheel and source archive"
	@echo "make docs   the manual, into site/     make reference   its generated pages"
	@echo "make supply known vulnerabilities, the locks, the build twice   make lowest  the lowest versions"
	@echo "make lock   every version and digest anew   make locked  .venv as the lock has it"
	@echo "make sbom   the bill of materials, beside what make dist wrote"
	@echo "make words  bring the catalogues of other languages up to date"

demo: $(VENV)/.ready libraries
	$(BIN)/cce-precheck demo $(DEMO)

# Beside each other: types are one processor's work, and tests wait for other programs.
test: $(VENV)/.ready-dev
	@$(MAKE) --no-print-directory --jobs 2 check unit

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cce-precheck policy lint policies/*.yaml policies/waivers/*.yaml
	$(BIN)/cce-precheck policy test --fail-on-unfired

unit: $(VENV)/.ready-dev libraries test-tools
	@$(BIN)/python -m compileall -q reporter  # or each of a thousand processes would
	$(BIN)/python -m pytest -q -n $${TEST_JOBS:-$(JOBS)} --dist worksteal $(PYTEST_OPTIONS)

prove: export REAL_STARTS = 1
prove: $(VENV)/.ready-dev
	AGREEMENT_EXAMPLES=20000 PROPERTY_EXAMPLES=2000 \
	  $(BIN)/python -m pytest -q -n $${TEST_JOBS:-$(JOBS)} tests/test_agreement.py tests/test_properties.py tests/casefile/test_replay.py \
	  tests/audit/test_compare.py tests/audit/test_page.py tests/output/test_browser.py
	AUDIT_KILLS=25 $(BIN)/python -m pytest -q -n $${TEST_JOBS:-$(JOBS)} tests/audit/test_command.py
	HYPOTHESIS_PROFILE=search \
	  $(BIN)/python -m pytest -q -n $${TEST_JOBS:-$(JOBS)} -m "not browser and not wheel" tests

million: $(VENV)/.ready-dev
	$(BIN)/python -m tests.slow.million --cases $${MILLION_CASES:-1000000} --jobs $${TEST_JOBS:-$(JOBS)}

# Needs mvn, javac and go, and their package registries.
PRINTOUTS := build/printouts
prove-printouts: $(VENV)/.ready-dev
	mkdir -p $(PRINTOUTS) && cp tests/data/printouts/*.java tests/data/printouts/*.go \
	  tests/data/printouts/pom.xml tests/data/printouts/go.mod $(PRINTOUTS)
	cd $(PRINTOUTS) && mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib
	cd $(PRINTOUTS) && javac -cp 'lib/*' Print.java && go mod tidy && go build -o print print.go
	PRINTED_EXAMPLES=$${PRINTED_EXAMPLES:-10000} GO_PRINTER=$(PRINTOUTS)/print \
	  JAVA_PRINTER="java -cp '$(PRINTOUTS):$(PRINTOUTS)/lib/*' Print" \
	  $(BIN)/python -m pytest -q tests/sources/test_real_sdks.py

proof: $(VENV)/.ready-dev libraries test-tools
	$(BIN)/python -m tests.proof

bench: $(VENV)/.ready-dev libraries
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/growth.py --responses $${RESPONSES:-10000}

bench-walk: $(VENV)/.ready-dev
	$(BIN)/python benchmarks/run.py 10000

hostile: $(VENV)/.ready-dev libraries test-tools
	$(BIN)/python -m pip install --quiet 'atheris>=3,<4'
	for target in response archive policy timestamp record printout repeats envelope casefile; do \
	  $(BIN)/python -m tests.fuzz.search $$target --seconds $${FUZZ_SECONDS:-120} || exit 1; done
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-2000} FAULT_ROUNDS=$${FAULT_ROUNDS:-200} \
	  OUTPUT_EXAMPLES=$${OUTPUT_EXAMPLES:-2000} $(BIN)/python -m pytest -q -n $${TEST_JOBS:-$(JOBS)} \
	  tests/fuzz tests/faults tests/test_limits.py tests/output/test_random.py

mutants: $(VENV)/.ready-dev
	$(BIN)/python -m tests.mutation --jobs $${TEST_JOBS:-$(JOBS)} $(MUTANTS)

# Other policy engines on the same responses: from PyPI, npm, crates.io and the Go proxy.
bench-peers: $(VENV)/.ready-dev
	test -x .peers/venv/bin/python || $(PYTHON) -m venv .peers/venv
	.peers/venv/bin/python -m pip install --quiet 'regopy>=1.5,<2'
	-cd .peers && npm install --silent --no-fund --no-audit @stoplight/spectral-cli@6
	-GOBIN=$(CURDIR)/.peers/bin go install github.com/open-policy-agent/conftest@latest
	-GOBIN=$(CURDIR)/.peers/bin go install github.com/kyverno/kyverno-json@latest
	-test -x .peers/cargo/bin/cfn-guard || cargo install --quiet cfn-guard --root .peers/cargo
	$(BIN)/python benchmarks/peers/peers.py

bench-audit: $(VENV)/.ready-dev
	$(BIN)/python benchmarks/audit.py --nodes 5 --count 2000
	$(BIN)/python benchmarks/audit.py --nodes 50 --count 600
	$(BIN)/python benchmarks/audit.py --nodes 1000 --count 40

schema: $(VENV)/.ready-dev
	$(BIN)/python -m reporter.record.schema

reference: $(VENV)/.ready-dev
	$(BIN)/python docs/generate.py

docs: $(VENV)/.ready-docs reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

words: $(VENV)/.ready-dev
	$(BIN)/python -m tests.languages.catalogue

gold: $(VENV)/.ready-dev
	GOLD=accept $(BIN)/python -m pytest -q tests/acceptance/test_gold.py

compat: $(VENV)/.ready-dev libraries
	$(BIN)/python -m tests.compat.build

# The same sources give the same bytes, wherever and whenever: a test builds them twice.
dist: $(VENV)/.ready-dev
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	@$(MAKE) --no-print-directory sbom
	cd dist && sha256sum * > SHA256SUMS

# What the wheel brings along, as CycloneDX: read from an environment that holds that and no more.
sbom: $(SUPPLY)/.ready
	ls dist/*.whl >/dev/null 2>&1 || $(MAKE) dist
	$(SUPPLY)/bin/uv venv --quiet --clear --python $(BIN)/python build/sbom
	$(SUPPLY)/bin/uv pip install --quiet --python build/sbom --require-hashes -r requirements.lock
	$(SUPPLY)/bin/uv pip install --quiet --python build/sbom --no-deps dist/*.whl
	$(SUPPLY)/bin/cyclonedx-py environment build/sbom/bin/python --pyproject pyproject.toml \
	  --mc-type application --output-reproducible --output-format JSON \
	  --output-file build/sbom.json
	$(BIN)/python -c 'import json, reporter; found = json.load(open("build/sbom.json")); \
	  found["metadata"]["component"]["version"] = reporter.__version__; \
	  print(json.dumps(found, indent=2, sort_keys=True))' > build/sbom.cdx.json
	cp build/sbom.cdx.json dist/$$(basename dist/*.whl | cut -d- -f1,2).cdx.json

# The exact versions, with their digests. `make test` takes what the ranges of pyproject.toml give
# today, as users do; `make locked` makes the environment of the lock instead.
lock: $(SUPPLY)/.ready
	$(LOCK) --all-extras --group dev --group docs --group supply -o requirements-dev.lock
	$(LOCK) --all-extras --constraints requirements-dev.lock -o requirements.lock

LOCK = $(SUPPLY)/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
  --generate-hashes --no-header --no-annotate pyproject.toml

locked: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.ready $(VENV)/.ready-dev $(VENV)/.ready-docs

# Known vulnerabilities of every locked package; one that can't be looked up is an error too.
supply: $(SUPPLY)/.ready $(VENV)/.ready-dev
	$(BIN)/python -m pytest -q tests/test_supply.py
	$(SUPPLY)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements-dev.lock

# The lowest versions that pyproject.toml allows, tried.
lowest: $(SUPPLY)/.ready
	$(SUPPLY)/bin/uv venv --quiet --clear --python $(PYTHON) .venv-lowest
	$(SUPPLY)/bin/uv pip compile --quiet --resolution lowest-direct --only-binary :all: \
	  --python .venv-lowest pyproject.toml --all-extras -o build/lowest.txt
	$(SUPPLY)/bin/uv pip install --quiet --python .venv-lowest --constraints build/lowest.txt \
	  --editable '.[live,dask,remote]' --group dev
	.venv-lowest/bin/python -m pytest -q -n $${TEST_JOBS:-$(JOBS)} -m "not wheel and not browser" tests/policy \
	  tests/sources tests/output tests/record tests/casefile tests/catalogue tests/live tests/audit \
	  tests/acceptance/test_check.py tests/test_library.py tests/test_limits.py

$(SUPPLY)/.ready: pyproject.toml
	$(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install --quiet 'pip>=25.1'
	$(SUPPLY)/bin/python -m pip install --quiet --group supply
	@touch $@

# Debian and Ubuntu: the system libraries, only where one is missing.
libraries:
	@$(call install_missing,$(LIBRARIES))

test-tools:
	@$(call install_missing,$(TEST_TOOLS))

define install_missing
if command -v dpkg-query >/dev/null; then \
  missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
  if [ -n "$$missing" ]; then \
    echo "installing" $$missing; \
    $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
  fi; \
fi
endef

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(MAKE) libraries
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.ready: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/python -m compileall -q reporter
	@touch $@

$(VENV)/.ready-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet 'pip>=25.1'  # knows dependency groups
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@$(BIN)/python -m compileall -q reporter
	@touch $@ $(VENV)/.ready

$(VENV)/.ready-docs: pyproject.toml | $(VENV)/.ready-dev
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

clean:
	rm -rf $(VENV) $(DEMO) dist build site .mypy_cache .ruff_cache .pytest_cache .hypothesis

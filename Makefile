# Everything a user types. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BASE ?= main
PORT ?= 8000
PAGE := plots/report/index.html
INSTALLED := $(VENV)/.installed
TOOLS := $(VENV)/.tools
PIP := $(VENV)/bin/pip install --quiet --disable-pip-version-check
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install tools engines repro demo serve study published report ci-report gate test test-all faults fuzz portable cluster lint format docs pictures \
	bench bench-scale

##@ Run
help: ## List the targets
	@awk -F ':.*## ' '/^##@ / {print substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make .venv and install requirements.txt into it

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "medcnn needs Python 3.10 to 3.13, not $$($(PYTHON) --version): run make with PYTHON=python3.11"; exit 2; }
	@echo "Installing $$(grep -c == requirements.txt) packages into $(VENV), TensorFlow and DVC among them: 3 GB on disk, two to four minutes."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.txt
	@touch $@

engines: $(INSTALLED) ## Install further engines for the benchmark: OpenVINO and LiteRT
	$(PIP) -r requirements-bench.txt

repro: $(INSTALLED) ## Run the whole pipeline, results before benchmarks, and print the answer: two stages side by side, or JOBS=1
	@python -m medcnn check
	@python -m medcnn repro --jobs $(or $(JOBS),2)

##@ Look and compare
demo: $(INSTALLED) ## Bring the exported models into the browser: onnxruntime-web from the npm registry, into plots/demo
	@python -m medcnn demo make

serve: $(INSTALLED) ## Serve the report and the demo to this machine alone: PORT=8000
	@python -m medcnn demo serve --port $(PORT)

study: $(INSTALLED) ## Run what a study published, on its split and on the honest one: NAME=brain_mri [ARGS="-S key=value"]
	@python -m medcnn study $(or $(NAME),'') --run $(ARGS)
	@echo "Table: docs/published.md  Report: $(PAGE)"

published: $(INSTALLED) ## Set what the studies published beside what was measured here, from the metrics on disk
	python -m stages.published

report: $(INSTALLED) ## Draw the report again from what lies on disk
	python -m stages.report

ci-report: $(INSTALLED) ## Compare these results with those of BASE=main, as a comment for a pull request
	@python -m medcnn review --base $(BASE)

gate: $(INSTALLED) ## Fail where these results break a rule of evaluate.gate, alone or beside those of BASE=main
	@python -m medcnn gate --base $(BASE)

##@ Develop
tools: $(TOOLS) ## Install what tests and lint need besides: requirements-test.txt

$(TOOLS): $(INSTALLED) requirements-test.txt
	@echo "Installing $$(grep -c == requirements-test.txt) packages for tests and lint into $(VENV): another 0.6 GB, about a minute."
	@$(PIP) -r requirements-test.txt
	@touch $@

test: lint ## Lint, types and every test that takes no more than a few seconds
	python -m pytest -m "not slow" --numprocesses 2 --dist worksteal

test-all: lint ## Lint, types and every test there is, those with further engines, Optuna, MLflow and Ray included
	python -m pytest --numprocesses 2 --dist worksteal --ignore tests/cluster
	@# Where further engines are installed, the benchmark times them too.
	@$(MAKE) --no-print-directory engines
	python -m pytest tests/benchmark tests/stages/test_benchmark.py
	$(PIP) -r requirements-search.txt -r requirements-live.txt -r requirements-mlflow.txt
	python -m pytest tests/searching tests/runtime/test_live.py tests/tracking
	@$(MAKE) --no-print-directory cluster

faults: $(TOOLS) ## Kills, full disks, hostile archives and other machines: what must not lose or change a result
	python -m pytest tests/faults --numprocesses 2 --dist loadfile

fuzz: $(TOOLS) ## 2,000 image sets as people might have them, and 15,000 damaged model files
	FUZZ=20 python -m pytest tests/fuzz/test_image_sets.py --numprocesses 2
	FUZZ=16 python -m pytest tests/fuzz/test_models.py -rP -k "not zip and not harmless"

portable: $(TOOLS) ## Hold compute.bytes: portable to its word with this CPU taken for others; ARGS="--cpus Haswell --stages explain"
	python -m tests.portable $(ARGS)

cluster: $(TOOLS) ## Install Ray, and hold results of a cluster on this machine to those without one
	$(PIP) -r requirements-ray.txt
	python -m pytest tests/cluster

lint: $(TOOLS) ## Ruff and mypy
	@# A cached verdict can be older than the modules that it was reached on.
	ruff check --no-cache .
	ruff format --check .
	mypy

format: $(TOOLS) ## Format the code and fix what ruff can
	ruff check --fix .
	ruff format .

docs: $(INSTALLED) ## Build README and docs/ as a site in build/site, with every link checked
	$(PIP) -r requirements-docs.txt
	@rm -rf build/pages && mkdir -p build/pages && cp -r README.md CONTRIBUTING.md CHANGELOG.md docs build/pages
	@NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict
	@echo "Site: build/site/index.html"

pictures: $(TOOLS) ## Take the pictures of README and docs anew, of the page and the demo of the last run
	@python -m medcnn demo make
	python -m tests.pictures

bench: $(TOOLS) ## Measure speed and memory; ARGS="published ZIP --published-way SCRIPT" or ARGS=engines
	python -m tests.bench $(ARGS)

bench-scale: $(TOOLS) ## Measure 1,000 to 100,000 synthetic images, stage by stage: seconds and memory
	@python -m tests.bench scale $(ARGS)

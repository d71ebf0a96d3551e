# nowlater. `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help up test nightly check faults build deploy verify key redrive republish bench

PYTHON ?= python3
TOOLS := .local/tools
export UV := $(CURDIR)/$(TOOLS)/bin/uv
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# The machine's own certificates, as pip takes them: there may be a proxy between.
export UV_SYSTEM_CERTS := 1
ENVIRONMENT := .venv/.made-from-lock
EMULATOR := .local/ministack/.made-from-requirements
SCANNER := .local/checkov/.made-from-requirements

# Where the API is served by `make up`.
PORT ?=
# What `make up` changes of the template's parameters: Name=value, separated by spaces; 1: jobs are kept.
SET ?=
KEEP ?=
# The processor that `make build` is for, arm64 or x86_64; `make deploy` leaves it as the stack has it.
ARCHITECTURE ?=
# The stage that `make deploy`, `make key` and the others mean.
STACK ?=
# What `make deploy` is to change: Name=value, separated by spaces.
PARAMETERS ?=

# What is given reaches recipes as variables of the shell's, "$$STACK", so that neither make nor the
# shell reads a `$` or a quote in it.
define take_as_it_is
override $(1) := $$(value $(1))
export $(1)
endef
GIVEN := PORT SET ARCHITECTURE STACK PARAMETERS DAY URL ORIGIN RECEIVER TOPIC OPERATION INPUT \
	OWNER SCOPES DAYS LIST REVOKE ROTATE HOST
$(foreach name,$(GIVEN),$(if $(value $(name)),$(eval $(call take_as_it_is,$(name)))))

help: # lists these
	@echo 'make up                           serves everything on this machine; Ctrl-C ends it (PORT=8080)'
	@echo 'make up KEEP=1                    goes on with the jobs of the last time; without it, keys alone are kept'
	@echo 'make up SET="WorkTimeout=600 …"   serves with these parameters of template.yaml'
	@echo 'make test                         runs the tests, those of the deployed local stack included (ARGS=)'
	@echo 'make nightly                      runs the tests that take longest: the fault suite, deployments, sam local'
	@echo 'make test DAY=2028-02-29          runs them as on that day, or so many days ahead: DAY=+400'
	@echo 'make check                        formats nothing, checks everything: ruff, mypy, cfn-lint, checkov, the lock'
	@echo 'make faults                       runs the fault-injection suite on a simulated AWS'
	@echo 'make build                        builds the Lambdas and layers (ARCHITECTURE=arm64 or x86_64)'
	@echo 'make deploy                       builds, and deploys to your AWS account; asks what a new stack needs, once'
	@echo 'make deploy STACK=prod PARAMETERS="Shards=2 …"   changes these, and keeps all others (ARCHITECTURE=)'
	@echo 'make verify URL=https://…         checks a deployed stack from outside; the key is in the variable KEY (ORIGIN= TOPIC=)'
	@echo 'make key OWNER=name               makes an API key (SCOPES=invoke,read,manage DAYS=90)'
	@echo 'make key LIST=1 | REVOKE=id       lists the keys, or takes one away; with STACK=name on AWS'
	@echo 'make key ROTATE=id                makes a key like that one, which then ends in a day (DAYS=)'
	@echo 'make redrive                      has webhooks that were given up sent again (LIST=1 OWNER= HOST= STACK=)'
	@echo 'make republish                    publishes completion events that could not be published (LIST=1 STACK=)'
	@echo 'make bench                        measures imports, operations and latency, and prints them with their budgets'

up: $(ENVIRONMENT) $(EMULATOR)
	@PYTHONPATH=layers/nowlater exec .venv/bin/python -m local.up --port "$${PORT:-8080}" \
		$(if $(SET),--set "$$SET") $(if $(KEEP),--keep)

PYTEST = $(if $(DAY),.venv/bin/python -m tests.day "$$DAY") .venv/bin/python -m pytest --numprocesses=2 --dist=loadfile
test: $(ENVIRONMENT) $(EMULATOR)
	@$(PYTEST) $(if $(ARGS),$(ARGS),--cov -m 'not nightly')

nightly: $(ENVIRONMENT) $(EMULATOR)
	@$(PYTEST) -m nightly

check: $(ENVIRONMENT) $(SCANNER)
	"$(UV)" lock --check
	ruff format --check
	ruff check
	mypy layers/nowlater/nowlater layers/catalogue local
	mypy layers/operations/operations
	for app in functions/*/app.py; do mypy $$app || exit 1; done
	sam validate --lint
	.local/checkov/bin/checkov --file template.yaml --framework cloudformation --skip-download --quiet --compact
	python -m pytest -q tests/unit/test_template.py tests/unit/test_alarms.py tests/unit/test_aws_rules.py tests/unit/test_cfn_lint.py

faults: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater:layers/operations .venv/bin/python -m tests.faults $(ARGS)

build: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater:layers/operations .venv/bin/python layers/catalogue/build.py
	ARCHITECTURE="$${ARCHITECTURE:-arm64}" sam build --parameter-overrides "Architecture=$${ARCHITECTURE:-arm64}"
	@.venv/bin/python -m local.check_build --architecture "$${ARCHITECTURE:-arm64}"

deploy: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater .venv/bin/python -m local.deploy_aws $(if $(STACK),--stack "$$STACK") \
		$(if $(ARCHITECTURE),--architecture "$$ARCHITECTURE") --parameters "$$PARAMETERS"

# KEY reaches it by the environment, so that it stands in no list of processes.
verify: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater exec .venv/bin/python -m local.verify $(if $(URL),--url "$$URL") $(if $(ORIGIN),--origin "$$ORIGIN") \
		$(if $(RECEIVER),--receiver "$$RECEIVER") $(if $(TOPIC),--topic "$$TOPIC") \
		$(if $(OPERATION),--operation "$$OPERATION") $(if $(INPUT),--input "$$INPUT") $(ARGS)

key: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater .venv/bin/python -m local.key $(if $(STACK),--stack "$$STACK") $(if $(OWNER),--owner "$$OWNER") \
		$(if $(SCOPES),--scopes "$$SCOPES") $(if $(DAYS),--days "$$DAYS") \
		$(if $(LIST),--list) $(if $(REVOKE),--revoke "$$REVOKE") $(if $(ROTATE),--rotate "$$ROTATE")

redrive: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater .venv/bin/python -m local.redrive $(if $(STACK),--stack "$$STACK") \
		$(if $(OWNER),--owner "$$OWNER") $(if $(HOST),--host "$$HOST") $(if $(LIST),--list)

republish: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater .venv/bin/python -m local.republish $(if $(STACK),--stack "$$STACK") $(if $(LIST),--list)

bench: $(ENVIRONMENT) $(EMULATOR)
	@PYTHONPATH=layers/nowlater:layers/operations .venv/bin/python -m tests.bench

# What the rest needs, installed into this folder. uv brings Python 3.13 where there is none.
$(TOOLS)/bin/uv:
	@$(PYTHON) local/bootstrap.py $(TOOLS) >&2

$(ENVIRONMENT): pyproject.toml uv.lock layers/operations/requirements.txt | $(TOOLS)/bin/uv
	@echo 'installing what the build and the tests need …' >&2
	@"$(UV)" sync --quiet --locked --inexact
	@"$(UV)" pip install --quiet --requirement layers/operations/requirements.txt
	@touch $@

$(EMULATOR): local/requirements.txt | $(TOOLS)/bin/uv
	@echo 'installing the AWS emulator …' >&2
	@"$(UV)" venv --quiet --clear --python 3.13 .local/ministack
	@"$(UV)" pip install --quiet --python .local/ministack/bin/python --requirement local/requirements.txt
	@touch $@

$(SCANNER): local/checkov.txt | $(TOOLS)/bin/uv
	@echo 'installing the scanner of templates …' >&2
	@"$(UV)" venv --quiet --clear --python 3.13 .local/checkov
	@"$(UV)" pip install --quiet --python .local/checkov/bin/python --requirement local/checkov.txt
	@touch $@

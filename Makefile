# nowlater. `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help up test check template build deploy verify key redrive republish upgrade

PYTHON ?= python3
TOOLS := .local/tools
export UV := $(CURDIR)/$(TOOLS)/bin/uv
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# Without Python's bytecode each process compiles all modules again, which takes many seconds.
unexport PYTHONDONTWRITEBYTECODE
# Another environment that is active in the shell is none of ours: uv would install there.
unexport VIRTUAL_ENV CONDA_PREFIX UV_PROJECT_ENVIRONMENT UV_PYTHON UV_SYSTEM_PYTHON
# The machine's own certificates, as pip takes them: there may be a proxy between.
export UV_SYSTEM_CERTS := 1
ENVIRONMENT := .venv/.made-from-lock
EMULATOR := .local/ministack/.made-from-requirements
# The scripts of an environment hold its path, as its stamp does: in a folder that was moved or copied,
# it is made anew. One that is a link is another folder's, and stays as it is.
moved = $(shell [ -L $(patsubst %/,%,$(dir $(1))) ] || [ ! -s $(1) ] || \
	[ "$$(cat $(1))" = "$$(cd $(dir $(1)) && pwd -P)" ] || echo moved)
.PHONY: moved

# In the framework's own repository there are samples, and tests and checks of the framework.
IS_FRAMEWORK := $(wildcard framework.mk)
COMPOSE := .venv/bin/python -m local.compose

# What the operations need, and what their tests need besides.
REQUIREMENTS := operations/requirements.txt $(wildcard operations/tests/requirements.txt)
# Files that these include: a change of one is a change of what is needed.
INCLUDED := $(foreach file,$(wildcard $(REQUIREMENTS)),$(wildcard $(addprefix $(dir $(file)),\
	$(shell sed -nE 's/^(-r|-c|--requirement|--constraint)[ =]*([^ ]+).*/\2/p' $(file)))))

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
	OWNER SCOPES DAYS LIST REVOKE ROTATE HOST NAME DIR TO
$(foreach name,$(GIVEN),$(if $(value $(name)),$(eval $(call take_as_it_is,$(name)))))

help: # lists these
	@echo 'make up               serves everything on this machine; Ctrl-C ends it'
	@echo '                      (PORT=8080; KEEP=1 goes on with the jobs of the last time;'
	@echo '                      SET="WorkTimeout=600": other parameters of template.yaml)'
ifdef IS_FRAMEWORK
	@$(MAKE) --no-print-directory help-framework
else
	@echo 'make test             runs your tests, then checks the API on a local stack'
	@echo '                      (ARGS=operations/tests/…: these tests alone)'
	@echo 'make check            checks your operations and the template'
	@echo 'make upgrade          brings the framework to its latest version'
	@echo '                      (TO=version, or a git repository)'
endif
	@echo 'make template         writes template.yaml, from framework.yaml and'
	@echo '                      operations/resources.yaml'
	@echo 'make build            builds the Lambdas and layers (ARCHITECTURE=arm64, x86_64)'
	@echo 'make deploy           builds, and deploys to AWS; asks what a new stack needs'
	@echo '                      (STACK=prod; PARAMETERS="Shards=2" changes these alone;'
	@echo '                      ARCHITECTURE=)'
	@echo 'make verify URL=https://…   checks a deployed stack from outside; the key is in'
	@echo '                      the variable KEY (OPERATION= INPUT= ORIGIN= TOPIC=)'
	@echo 'make key OWNER=name   makes an API key (SCOPES=invoke,read,manage DAYS=90)'
	@echo 'make key LIST=1       lists the keys; REVOKE=id ends one; ROTATE=id makes a key'
	@echo '                      like that one, which then ends in a day'
	@echo 'make redrive          sends webhooks again that were given up'
	@echo '                      (LIST=1 OWNER= HOST=)'
	@echo 'make republish        publishes completion events that could not be published'
	@echo '                      (LIST=1)'
	@echo 'key, redrive and republish work on the stack of make up; with STACK=name on AWS.'

ifdef IS_FRAMEWORK
include framework.mk
else
# Your tests, as your pytest.ini says; then what every stack must do, on one that is started for both.
test: $(ENVIRONMENT) $(EMULATOR)
	@PYTHONPATH=layers/nowlater:. .venv/bin/python -m $(if $(ARGS),pytest $(ARGS),local.project.test)

check: $(ENVIRONMENT)
	@$(COMPOSE)
	@PYTHONPATH=layers/nowlater:. .venv/bin/python layers/catalogue/build.py
	@sam validate --lint

# It needs nothing that is installed here: a version that was interrupted may have changed all of it.
upgrade:
	@$(PYTHON) local/bootstrap.py --check
	@$(PYTHON) -m local.project.upgrade $(if $(TO),--to="$$TO") $(if $(DISCARD),--discard)
endif


up: $(ENVIRONMENT) $(EMULATOR)
	@PYTHONPATH=layers/nowlater exec .venv/bin/python -m local.up --port="$${PORT:-8080}" \
		$(if $(SET),--set="$$SET") $(if $(KEEP),--keep)

template: $(ENVIRONMENT)
	@$(COMPOSE)

build: template
	@PYTHONPATH=layers/nowlater:. .venv/bin/python layers/catalogue/build.py
	ARCHITECTURE="$${ARCHITECTURE:-arm64}" sam build --parameter-overrides "Architecture=$${ARCHITECTURE:-arm64}"
	@.venv/bin/python -m local.check_build --architecture "$${ARCHITECTURE:-arm64}"

deploy: template
	@PYTHONPATH=layers/nowlater .venv/bin/python -m local.deploy_aws $(if $(STACK),--stack="$$STACK") \
		$(if $(ARCHITECTURE),--architecture="$$ARCHITECTURE") --parameters="$$PARAMETERS"

# KEY reaches it by the environment, so that it stands in no list of processes.
verify: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater exec .venv/bin/python -m local.verify $(if $(URL),--url="$$URL") $(if $(STACK),--stack="$$STACK") $(if $(ORIGIN),--origin="$$ORIGIN") \
		$(if $(RECEIVER),--receiver="$$RECEIVER") $(if $(TOPIC),--topic="$$TOPIC") \
		$(if $(OPERATION),--operation="$$OPERATION") $(if $(INPUT),--input="$$INPUT") $(ARGS)

key: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater .venv/bin/python -m local.key $(if $(STACK),--stack="$$STACK") $(if $(OWNER),--owner="$$OWNER") \
		$(if $(SCOPES),--scopes="$$SCOPES") $(if $(DAYS),--days="$$DAYS") \
		$(if $(LIST),--list) $(if $(REVOKE),--revoke="$$REVOKE") $(if $(ROTATE),--rotate="$$ROTATE")

redrive: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater .venv/bin/python -m local.redrive $(if $(STACK),--stack="$$STACK") \
		$(if $(OWNER),--owner="$$OWNER") $(if $(HOST),--host="$$HOST") $(if $(LIST),--list)

republish: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater .venv/bin/python -m local.republish $(if $(STACK),--stack="$$STACK") $(if $(LIST),--list)

# What the rest needs, installed into this folder. uv brings Python 3.13 where there is none.
$(TOOLS)/bin/uv:
	@$(PYTHON) local/bootstrap.py $(TOOLS) >&2

$(ENVIRONMENT): pyproject.toml uv.lock $(REQUIREMENTS) $(INCLUDED) $(call moved,$(ENVIRONMENT)) | $(TOOLS)/bin/uv
	@echo 'installing what the build and the tests need …' >&2
	@$(if $(filter moved,$^),rm -rf .venv)
	@"$(UV)" sync --quiet --locked --inexact $(if $(IS_FRAMEWORK),,--no-default-groups --group project)
	@"$(UV)" pip install --quiet $(foreach file,$(REQUIREMENTS),--requirement $(file)) || { \
		echo 'The packages of $(strip $(REQUIREMENTS)) could not be installed: correct the file,' >&2; \
		echo 'or check that the package index is reachable, and run the command again.' >&2; exit 1; }
	@cd $(@D) && pwd -P > $(@F)

$(EMULATOR): local/requirements.txt | $(TOOLS)/bin/uv
	@echo 'installing the AWS emulator …' >&2
	@"$(UV)" venv --quiet --clear --python 3.13 .local/ministack
	@"$(UV)" pip install --quiet --python .local/ministack/bin/python --requirement local/requirements.txt
	@touch $@

# The framework's own tests, checks and measurements; the Makefile includes this where it is there.
.PHONY: help-framework new fast nightly faults bench

SCANNER := .local/checkov/.made-from-requirements

help-framework:
	@echo 'make new NAME=acme DIR=../acme   makes a project of your own: an operation, its'
	@echo '                      test, and the framework'
	@echo 'make fast             runs the tests that need no local stack, in 90 s'
	@echo 'make test             runs the tests, also on a local stack, in 10 minutes'
	@echo '                      (ARGS=tests/…; DAY=2028-02-29 or DAY=+400: as on that day)'
	@echo 'make nightly          runs the tests that take longest: the fault suite,'
	@echo '                      deployments, sam local'
	@echo 'make check            checks everything, formats nothing: ruff, mypy, cfn-lint,'
	@echo '                      checkov, the lock'
	@echo 'make faults           runs the fault-injection suite on a simulated AWS'
	@echo 'make bench            measures imports, operations and latency, with budgets'

# It needs nothing that is installed here.
new:
	@$(PYTHON) local/bootstrap.py --check
	@$(PYTHON) -m local.project.new $(if $(NAME),--name="$$NAME") $(if $(DIR),--dir="$$DIR")

PYTEST = $(if $(DAY),.venv/bin/python -m tests.day "$$DAY") .venv/bin/python -m pytest --dist=loadfile --no-loadscope-reorder

fast: $(ENVIRONMENT)
	@$(PYTEST) -n 2 -m 'not nightly' tests/unit
	@echo 'make test has the rest: the Lambdas with moto, the fault suite, and the local stack.'

# Three processes for two cores: a test of the local stack mostly waits (tests/schedule.py).
test: $(ENVIRONMENT) $(EMULATOR)
	@$(PYTEST) $(if $(ARGS),-n 2 $(ARGS),-n 3 --cov -m 'not nightly')

nightly: $(ENVIRONMENT) $(EMULATOR)
	@$(PYTEST) -n 2 -m nightly

check: $(ENVIRONMENT) $(SCANNER)
	"$(UV)" lock --check
	ruff format --check
	ruff check
	mypy layers/nowlater/nowlater layers/catalogue local
	mypy operations
	mypy --config-file clients/python/pyproject.toml clients/python/nowlater_client
	for app in functions/*/app.py; do mypy $$app || exit 1; done
	@$(COMPOSE)
	sam validate --lint
	cfn-lint local/project/skeleton/.github/deploy-role.yaml
	.local/checkov/bin/checkov --file framework.yaml --framework cloudformation --skip-download --quiet --compact
	python -m pytest -q tests/unit/test_template.py tests/unit/test_alarms.py tests/unit/test_aws_rules.py tests/unit/test_cfn_lint.py

faults: $(ENVIRONMENT)
	@PYTHONPATH=layers/nowlater:. .venv/bin/python -m tests.faults $(ARGS)

bench: $(ENVIRONMENT) $(EMULATOR)
	@PYTHONPATH=layers/nowlater:. .venv/bin/python -m tests.bench

$(SCANNER): local/checkov.txt $(call moved,$(SCANNER)) | $(TOOLS)/bin/uv
	@echo 'installing the scanner of templates …' >&2
	@"$(UV)" venv --quiet --clear --python 3.13 .local/checkov
	@"$(UV)" pip install --quiet --python .local/checkov/bin/python --requirement local/checkov.txt
	@cd $(@D) && pwd -P > $(@F)

# How each layer is built. Its Makefile, which `sam build` calls with ARTIFACTS_DIR, includes this.
PYTHON ?= ../../.venv/bin/python
UV ?= ../../.local/tools/bin/uv
# arm64 or x86_64: the template's parameter of that name; host: this machine, for the local stack.
ARCHITECTURE ?= arm64
OUT := $(ARTIFACTS_DIR)/python
PLATFORM_arm64 := --python-platform aarch64-manylinux_2_28
PLATFORM_x86_64 := --python-platform x86_64-manylinux_2_28

# A layer whose requirements come from uv.lock has HASHES := --require-hashes: it takes no file that
# the lock does not know. Those of the operations are their authors' to pin.
HASHES ?=
REQUIREMENTS ?= requirements.txt

# Wheels for Lambda's machine (Amazon Linux 2023, glibc 2.34), whichever this one is. The local stack
# takes what uv's cache has, so that it starts without a network too, and asks an index for the rest.
INSTALL = "$(UV)" pip install --quiet --target "$(OUT)" --python $(PYTHON) --python-version 3.13 \
	$(PLATFORM_$(ARCHITECTURE)) --only-binary :all: --link-mode copy $(HASHES) --requirement $(REQUIREMENTS)
define install
$(if $(filter host,$(ARCHITECTURE)),$(INSTALL) --offline 2>/dev/null ||) $(INSTALL)
rm -rf "$(OUT)/bin" "$(OUT)/.lock"
endef

# Copies sources, without a look at what Python and editors write beside them, maybe just now: the
# next layer's build and an API that is served write bytecode.
define copy
$(PYTHON) -c 'import shutil, sys; shutil.copytree(*sys.argv[1:], dirs_exist_ok=True, \
	ignore=shutil.ignore_patterns("__pycache__", ".#*", ".*.sw?", "*~"))'
endef

# Bytecode that Python trusts without a look at the source: SAM zips with dates of 1980, so that
# bytecode with dates in it would be compiled again at each cold start. The local stack serves the
# other operations where one is no Python: the catalogue's build says which.
define compile
find "$(OUT)" -name __pycache__ -prune -exec rm -rf {} +
$(PYTHON) -m compileall -q --invalidation-mode unchecked-hash "$(OUT)" $(OR_GO_ON_$(ARCHITECTURE))
endef
OR_GO_ON_host := || true

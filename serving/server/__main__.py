"""`python -m serving.server` and `anchorline-model-server`."""

import sys

from serving.server import flags, kernels


def main() -> None:
    """Serve as the command line says; ends the process."""
    settings = flags.parse_or_exit(sys.argv[1:])
    kernels.prefer_onednn()
    from serving.server import app  # after the flags: a mistake in them should not cost the import of TensorFlow

    sys.exit(app.run(settings))


if __name__ == "__main__":
    main()

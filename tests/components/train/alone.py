"""Trains one job in a process of its own, which has two devices: `python -m tests.components.train.alone JOB.json`.

What else a process has computed changes what its random draws give, so what is compared is trained in new ones.
"""

import sys
from pathlib import Path

import tensorflow as tf

from components.train.job import Job, run

if __name__ == "__main__":
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    run(Job.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8")))

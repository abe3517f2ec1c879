"""The messages of TF Serving's configuration files that `tensorflow-serving-api` does not bring along.

Names and field numbers are those of servables/tensorflow/session_bundle_config.proto, config/monitoring_config.proto
and config/ssl_config.proto. Wrapper messages have the one field `value`, so the text is the same.
"""

from typing import Any

from google.protobuf import descriptor_pool, message_factory

from serving.protos import descriptors

_PACKAGE = "tensorflow.serving"
_INT, _BOOL, _STRING = (f".{_PACKAGE}.{kind}Value" for kind in ("Int64", "Bool", "String"))

_MESSAGES: dict[str, descriptors.Fields] = {
    "Int64Value": [(1, "value", "int64")],
    "BoolValue": [(1, "value", "bool")],
    "StringValue": [(1, "value", "string")],
    "BatchingParameters": [
        (1, "max_batch_size", _INT),
        (2, "batch_timeout_micros", _INT),
        (3, "max_enqueued_batches", _INT),
        (4, "num_batch_threads", _INT),
        (5, "thread_pool_name", _STRING),
        (6, "allowed_batch_sizes*", "int64"),
        (7, "pad_variable_length_inputs", "bool"),
        (8, "enable_large_batch_splitting", _BOOL),
        (9, "max_execution_batch_size", _INT),
    ],
    "PrometheusConfig": [(1, "enable", "bool"), (2, "path", "string")],
    "MonitoringConfig": [(1, "prometheus_config", f".{_PACKAGE}.PrometheusConfig")],
    "SSLConfig": [
        (1, "server_key", "string"),
        (2, "server_cert", "string"),
        (3, "custom_ca", "string"),
        (4, "client_verify", "bool"),
    ],
}


def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptors.file(_PACKAGE, _MESSAGES))
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


_CLASSES = _classes()
BatchingParameters: Any = _CLASSES["BatchingParameters"]
MonitoringConfig: Any = _CLASSES["MonitoringConfig"]
SSLConfig: Any = _CLASSES["SSLConfig"]

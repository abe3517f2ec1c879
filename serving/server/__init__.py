"""A stand-in for `tensorflow_model_server`: the same flags, ports, protos, REST paths and error texts.

One process, one event loop, and one worker thread for each loaded version of a model:

    flags, config_file → models   which versions exist; load, serve, unload them; take another configuration
                           ├ served         a model's versions and their states
                           ├ versions       the folders under a base path and the policy that picks among them
                           ├ session_model  a SavedModel in a TF 1 Session
                           └ batching       requests that share a run, from those that wait (waiting)
    grpc_service ┐
    rest         ┴→ predict       check a request against its signature, run it
                    ├ examples      the same for classify, regress and multi-inference, on tf.Examples
                    └ json_tensor, json_examples, json_strict, json_parse   tensors and examples as JSON
    rest_front, grpc_front → observer   around every request: ids, metrics (monitoring), access_log, how many at a time
    http_server → http_connection → the handler: HTTP/1.1 and its wire_limits; http_message is what they hand on
    health, tls, warmup, batching_parameters, memory, kernels   one idea each
    web                           the page at / (serving/web/)
    listeners, app                both APIs on one event loop, from start to stop

Run it with `python -m serving.server` or `anchorline-model-server`.
"""

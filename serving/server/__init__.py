"""A stand-in for `tensorflow_model_server`: the same flags, ports, protos, REST paths and error texts.

One process, one event loop, and one worker thread for each loaded version of a model:

    flags, config_file → models   which versions exist; load, serve, unload them
                           ├ versions       the folders under a base path and the policy that picks among them
                           ├ session_model  a SavedModel in a TF 1 Session
                           └ batching       requests that share a run
    grpc_service ┐
    rest         ┴→ predict       check a request against its signature, run it
                      └ json_tensor, json_strict, json_parse   tensors as JSON
    web                           the page at / (serving/web/)
    listeners, app                both APIs on one event loop, from start to stop

Run it with `python -m serving.server` or `anchorline-model-server`.
"""

"""A stand-in for `tensorflow_model_server`: the same flags, ports, protos, REST paths and error texts.

One process, one event loop, and one worker thread for each loaded version of a model:

    flags → model_config → models (which versions exist, load, serve, unload)
                              ├ versions       the folders under a base path and the policy that picks among them
                              └ session_model  a SavedModel in a TF 1 Session;  batching  requests that share a run
    grpc_service ┐
    rest         ┴→ predict   find the version, check the tensors, run;   json_tensor, json_parse  tensors as JSON

Run it with `python -m serving.server` or `anchorline-model-server`.
"""

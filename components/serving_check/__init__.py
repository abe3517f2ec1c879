"""The serving check: proves on raw rows that a model server can serve the exported model, by gRPC and by REST."""

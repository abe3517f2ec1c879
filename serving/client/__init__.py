"""A client of TF Serving's gRPC and REST APIs that needs NumPy and grpcio, and no TensorFlow.

    with Client("127.0.0.1", 8500) as client:
        client.search("faq", ["How long does a permit take?"])[0][0].candidate

One file an idea. What is said does not depend on who says it, so both clients and both APIs share most of it:

    client, async_client → calls              the signatures of our models as typed requests and results
                         → session            what both clients do alike: defaults, what a REST answer means
                         → grpc_codec         a request and a response as bytes, for each API
                           rest_codec
                         → grpc_transport     bytes there and back, for each API and for both kinds of client
                           http_transport, async_http_transport
                         → retry              a deadline over all tries
"""

from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.errors import ServingError
from serving.client.results import Answer, Label, ModelMetadata, ModelVersion, Neighbor, Signature, State, TensorSpec
from serving.client.session import Protocol
from serving.client.tls import Tls

__all__ = [
    "Answer",
    "AsyncClient",
    "Client",
    "Label",
    "ModelMetadata",
    "ModelVersion",
    "Neighbor",
    "Protocol",
    "ServingError",
    "Signature",
    "State",
    "TensorSpec",
    "Tls",
]

"""How much is tried: in the suite a few hundred examples of each kind, always the same; many new ones on request.

    ./dev pytest tests/serving/fuzz --hypothesis-profile=long

The long run sends 100,000 REST bodies and gRPC messages, and 10,000 requests of broken HTTP on top.
"""

from hypothesis import HealthCheck, settings

LONG = "long"

# Starting and asking a server takes as long as it takes; the database would keep examples of another server.
_COMMON = {"deadline": None, "database": None, "print_blob": True, "suppress_health_check": list(HealthCheck)}


def register() -> None:
    """Make the profile known, before pytest looks for it."""
    settings.register_profile(LONG, deadline=None)


def examples(suite: int, long: int) -> settings:
    """The settings of one test: so many examples in the suite, so many in the long run."""
    if settings.get_current_profile_name() == LONG:
        return settings(max_examples=long, **_COMMON)  # type: ignore[arg-type]
    return settings(max_examples=suite, derandomize=True, **_COMMON)  # type: ignore[arg-type]

"""The Dataverse Web API v9.2, as a ``DynamicsSystem``. Importing it imports no HTTP library."""

from shared.dynamics.dataverse.client import WRITE_TAG
from shared.dynamics.dataverse.system import Dataverse

__all__ = ["WRITE_TAG", "Dataverse"]

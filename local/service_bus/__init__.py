"""A local Service Bus: a pure asyncio AMQP 1.0 broker that the unmodified azure-servicebus SDK drives."""

from local.service_bus.broker import Broker
from local.service_bus.definitions import QueueDefinition, load_definitions

__all__ = ["Broker", "QueueDefinition", "load_definitions"]

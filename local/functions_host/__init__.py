"""A Functions host for one machine: timers, Service Bus queues and HTTP around the app's own code."""

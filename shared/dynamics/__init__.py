"""Dynamics systems: the adapters behind the engine's ``DynamicsSystem``, one package per kind of system."""

"""The triggers, as blueprints: bind, parse, call, map the result."""

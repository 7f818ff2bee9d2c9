"""In-memory ports for fast tests. They pass the same contract suites as the real adapters."""

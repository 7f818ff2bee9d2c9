"""Reads and checks the Bicep in ``infra/`` without Azure and without the compiler, which cannot be installed
from PyPI or npm.

What it understands is the part of the language that the template uses; anything else is refused rather than
guessed. A real ``az bicep build`` runs in the customer's own pipeline (.github/workflows/deploy.yml).
"""

"""Looks at a deployment, or the local rig, and says in plain sentences what is wrong and how to mend it.

``python -m shared.doctor --url …`` asks the deployed worker, which alone has the rights that are tested;
without an address it looks from where it runs, with the app settings of its own environment.
"""

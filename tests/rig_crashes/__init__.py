"""Crash safety on real parts: ``python -m tests.rig_crashes --seed N --minutes M``.

A whole rig runs, people edit on both sides, and its processes are killed and started again all the time. Then
everything is left in peace, and an oracle that knows only what people did says which promises were broken.
The seed says what people do and what is killed, and when; how the processes interleave is the machine's.
"""

"""The whole service in one process, in simulated time: days pass in seconds, and a seed replays exactly."""

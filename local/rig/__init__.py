"""The rig: starts, stops, kills and settles the parts that make the service run on one machine."""

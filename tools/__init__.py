"""Tools of the project's own making; each is a module that can be run."""

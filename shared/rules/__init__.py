"""The decisions. Pure functions of their arguments, the time too; each names the rules that it follows."""

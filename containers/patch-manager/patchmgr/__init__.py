"""The second patch engine: applies, checks and reverts patch sets on a work tree. Standard library only."""

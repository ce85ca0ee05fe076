"""The way of a call as pure generators: what to ask of the world, and what its answers mean."""

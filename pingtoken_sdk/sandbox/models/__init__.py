"""The models the platform serves: which there are, how they count, and what they answer."""

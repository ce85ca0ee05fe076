"""Public types: lenient pydantic models of what the platform answers, and exact money."""

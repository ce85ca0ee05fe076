"""The router as the transport of other SDKs: :mod:`.httpx` and :mod:`.httpx2`, imported one by one."""

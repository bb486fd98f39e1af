"""Text messages on a developer's screen."""


class ConsoleSms:
    """Prints each message to standard output. It shows codes to whoever reads along: for development only."""

    async def send(self, *, to: str, text: str, reference: str) -> None:
        print(f"SMS to {to} [{reference}]: {text}", flush=True)

    async def close(self) -> None:
        return None

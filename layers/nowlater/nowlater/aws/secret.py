"""Secrets Manager: the stack's master secret, of which the owners' secrets are made."""

from functools import cached_property

from nowlater.aws import session


class Vault:
    """One secret, read once in the life of a Lambda."""

    def __init__(self, secret: str) -> None:
        self._secret, self._client = secret, session.client("secretsmanager")

    @cached_property
    def master(self) -> bytes:
        answer = self._client.get_secret_value(SecretId=self._secret)
        text: str = answer["SecretString"]
        return text.encode()

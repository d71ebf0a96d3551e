"""Secrets Manager: the stack's master secret, from which the owners' secrets are derived."""

from functools import cached_property

from nowlater.aws import session


class Vault:
    """One secret, read once per Lambda instance."""

    def __init__(self, secret: str) -> None:
        self._secret, self._client = secret, session.client("secretsmanager")

    @cached_property
    def master(self) -> bytes:
        response = self._client.get_secret_value(SecretId=self._secret)
        text: str = response["SecretString"]
        return text.encode()

"""Secrets Manager: the stack's master secret, from which the owners' secrets are derived."""

from functools import cached_property

from nowlater.aws import session


class MasterSecret:
    """The master secret, read once per Lambda instance."""

    def __init__(self, name: str) -> None:
        self._name, self._client = name, session.client("secretsmanager")

    @cached_property
    def value(self) -> bytes:
        response = self._client.get_secret_value(SecretId=self._name)
        text: str = response["SecretString"]
        return text.encode()

"""An operation with all kinds of arguments: what a form must be able to ask for."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from nowlater import Document, operation


class Customer(Struct, forbid_unknown_fields=True):
    """Who pays."""

    name: Annotated[str, Meta(min_length=2, max_length=60)]
    country: Literal["IE", "DE", "FR", "GB", "IT", "NO"]
    vat_id: Annotated[str, Meta(pattern="^[A-Z]{2}[0-9A-Z]+$")] | None = None


class Line(Struct, forbid_unknown_fields=True):
    text: str
    quantity: Annotated[int, Meta(ge=1, le=99)] = 1
    price: Annotated[float, Meta(ge=0)] = 0.0


class Card(Struct, tag="card", forbid_unknown_fields=True):
    number: str


class Invoice(Struct, tag="invoice", forbid_unknown_fields=True):
    due_days: Annotated[int, Meta(ge=0, le=90)] = 30


@operation(timeout=10, attempts=2)
def order(
    customer: Customer,
    lines: Annotated[list[Line], Meta(min_length=1, max_length=3)],
    payment: Card | Invoice,
    currency: Literal["EUR", "USD", "GBP"] = "EUR",
    day: date | None = None,
    is_gift: bool = False,
    discount: int | str | None = None,
    labels: dict[str, int] | None = None,
    logo: Document | None = None,
) -> str:
    """Orders something for a customer.

    It is never run: tests read its schema, and look at what its form sends.
    """
    return customer.name

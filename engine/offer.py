"""Offer: a model as one provider sells it."""

from typing import NamedTuple


class Offer(NamedTuple):
    """Named `provider/model`; the model's own name may hold slashes. A tuple, since it is looked up all the time."""

    provider: str
    model: str

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"

    @classmethod
    def named(cls, name: str) -> "Offer":
        provider, _, model = name.partition("/")
        return cls(provider, model)

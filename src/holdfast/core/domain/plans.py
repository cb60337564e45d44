"""Plans of agents: how their model calls are charged for in credits, and what credits allow.

Ten credits are a US cent. On the plan `decentralized` each query of a model has a price, on `dedicated` its
tokens have; calls that only choose tools and their arguments are free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from holdfast.core.domain.limits import Allowance, Tier
from holdfast.core.domain.values import Value

Plan = Literal["decentralized", "dedicated"]
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class PlanPrice:
    """What a model is charged for, in credits."""

    hundred_queries: float
    """On the plan `decentralized`."""
    input_million: float
    """A million tokens of what is sent, on the plan `dedicated`."""
    output_million: float
    """The same of what comes back."""

    def charge(self, plan: Plan, input_tokens: int, output_tokens: int) -> float:
        """Returns what one call is charged for."""
        if plan == "decentralized":
            return self.hundred_queries / 100
        return (input_tokens * self.input_million + output_tokens * self.output_million) / _MILLION


PRICES: Mapping[str, PlanPrice] = {
    "gpt-4": PlanPrice(20000, 30000, 60000),
    "gpt-4-turbo": PlanPrice(10000, 10000, 30000),
    "gpt-4o": PlanPrice(1000, 2500, 10000),
    "gpt-4o-mini": PlanPrice(50, 150, 600),
    "gemini-pro": PlanPrice(100, 75, 300),
    "gemini-1.0-pro": PlanPrice(100, 75, 300),
    "gemini-1.5-pro-latest": PlanPrice(1000, 1250, 5000),
    "gemini-1.5-flash-latest": PlanPrice(50, 75, 300),
    "gemini-2.0-flash": PlanPrice(0, 100, 400),
    "gemini-2.0-flash-thinking-exp": PlanPrice(0, 100, 100),
    "gemini-2.0-pro-exp": PlanPrice(0, 100, 100),
    "gemini-2.0-flash-lite-preview": PlanPrice(0, 100, 100),
    "gemini-exp-1206": PlanPrice(0, 100, 100),
    "learnlm-1.5-pro-experimental": PlanPrice(0, 100, 100),
    "gemini-flash-1.5-8b": PlanPrice(0, 100, 100),
    "gemma-2-9b-it": PlanPrice(0, 100, 100),
    "llama-3.1-8b-instruct": PlanPrice(10, 30, 60),
    "llama-3.2-11b-vision-instruct": PlanPrice(40, 55, 55),
    "llama-3-405b": PlanPrice(100, 200, 200),
    "dolphin3.0-r1-mistral-24b": PlanPrice(0, 100, 100),
    "dolphin3.0-mistral-24b": PlanPrice(0, 100, 100),
    "qwen-vl-plus": PlanPrice(0, 100, 100),
    "qwen2.5-vl-72b-instruct": PlanPrice(0, 100, 100),
    "mistral-small-24b-instruct-2501": PlanPrice(0, 70, 140),
    "deepseek-r1-distill-llama-70b": PlanPrice(0, 230, 690),
    "deepseek-r1": PlanPrice(0, 80, 240),
    "rogue-rose-103b-v0.2": PlanPrice(0, 100, 100),
    "deepseek-v3": PlanPrice(0, 90, 90),
    "llama-3.3-70b-instruct": PlanPrice(0, 120, 30),
    "llama-3.1-nemotron-70b-instruct": PlanPrice(0, 120, 30),
    "mistral-nemo": PlanPrice(0, 35, 8),
    "mistral-7b-instruct": PlanPrice(0, 100, 100),
    "phi-3-mini-128k-instruct": PlanPrice(0, 100, 100),
    "phi-3-medium-128k-instruct": PlanPrice(0, 100, 100),
    "llama-3-8b-instruct": PlanPrice(0, 100, 100),
    "openchat-7b": PlanPrice(0, 100, 100),
    "toppy-m-7b": PlanPrice(0, 100, 100),
    "zephyr-7b-beta": PlanPrice(0, 100, 100),
    "mythomax-l2-13b": PlanPrice(0, 100, 100),
}
"""What comes with Holdfast, by the names that agents' scripts call models by. The setting
`limits.credit_prices` goes before it."""


class ModelPrice(Value):
    """A model with its prices on both plans, in credits."""

    model: str
    decentralized: float
    """A hundred queries."""
    input: float
    """A million tokens, on the plan `dedicated`."""
    output: float


class CreditTier(Value):
    """How often who owns so many credits may ask for runs of agents with a plan."""

    name: str
    up_to: float | None
    """The most credits that it is for; None: there is no most."""
    per_minute: int
    per_day: int

    @property
    def tier(self) -> Tier:
        """As requests are counted."""
        return Tier(name=self.name, per_minute=self.per_minute, per_day=self.per_day)


CREDIT_TIERS = (
    CreditTier(name="Tier 1", up_to=10_000, per_minute=10, per_day=500),
    CreditTier(name="Tier 2", up_to=50_000, per_minute=60, per_day=5_000),
    CreditTier(name="Tier 3", up_to=100_000, per_minute=60, per_day=10_000),
    CreditTier(name="Tier 4", up_to=500_000, per_minute=120, per_day=50_000),
    CreditTier(name="Tier 5", up_to=None, per_minute=240, per_day=100_000),
)


class PlanTerms(Value):
    """What holds for agents with a plan."""

    counted: bool
    """Whether credits count at all: the setting `limits.credits`."""
    regions: tuple[str, ...]
    """Where agents on the plan `dedicated` can be. The first stands in for one that is no more."""
    prices: tuple[ModelPrice, ...]
    tiers: tuple[CreditTier, ...] = CREDIT_TIERS


class CreditState(Value):
    """The credits of a user."""

    user: str
    """Id of the user."""
    label: str = ""
    """His name."""
    counted: bool
    """Whether they count: the setting `limits.credits`. If not, there is no end to them."""
    balance: float
    """What is left; it may be below zero by a call or two."""
    spent: float
    """What agents with a plan were charged for."""
    tier: CreditTier
    """What the balance allows."""
    requests: tuple[Allowance, ...] = ()
    """What is left of that in this minute and on this day; empty where credits do not count."""


def price_of(model: str, prices: Mapping[str, PlanPrice] = PRICES) -> PlanPrice | None:
    """Returns the price of a model, also where a provider stands before its name, and with or without a
    `-latest` at its end: one plan has the one spelling, the other the other. None: it has none."""
    for name in (model, model.rpartition("/")[2]):
        plain = name.removesuffix("-latest")
        for each in (name, plain, f"{plain}-latest"):
            if each in prices:
                return prices[each]
    return None


def tier_for(credits: float) -> CreditTier:
    """Returns the tier of who owns so many credits: with 10,000 the first one, with 50,000 the third."""
    if credits <= (CREDIT_TIERS[0].up_to or 0):
        return CREDIT_TIERS[0]
    return next(each for each in CREDIT_TIERS[1:] if each.up_to is None or credits < each.up_to)


def region_of(region: str | None, regions: tuple[str, ...]) -> str | None:
    """Returns the region that an agent has now: one that is no more gives way to the first that there is."""
    if region is None or region in regions or not regions:
        return region
    return regions[0]

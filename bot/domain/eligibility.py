"""Who needs an MX cutover at all (procedure P1-P4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.cutover import Plan, Product


class Rule(StrEnum):
    """The row of procedure.md that decides; P1 is the reason behind them all."""

    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


RULE_OF: Mapping[Product, Rule] = {
    Product.SECURITYSUITE: Rule.P2,
    Product.SECURITYSUITE_BUSINESS: Rule.P3,
    Product.MAILGATES: Rule.P4,
}

PLANS_OF: Mapping[Product, tuple[Plan, ...]] = {
    Product.MAILGATES: (Plan.SIGMA,),
    Product.SECURITYSUITE: (Plan.LITE, Plan.COMPACT, Plan.BASIC, Plan.STANDARD, Plan.PREMIUM),
    Product.SECURITYSUITE_BUSINESS: (
        Plan.BUSINESS,
        Plan.SENDING,
        Plan.ARCHIVE,
        Plan.ENTERPRISE,
        Plan.RECEIVING,
        Plan.BOTH_WAYS,
    ),
}

# P1: these have the anti-virus or anti-spam of MAILGATES Σ, which sees no mail before the cutover.
NEEDING = frozenset(
    {Plan.STANDARD, Plan.PREMIUM, Plan.ENTERPRISE, Plan.RECEIVING, Plan.BOTH_WAYS, Plan.SIGMA}
)


class NoSuchPlan(ValueError):
    """The product has no such plan."""

    def __init__(self, product: Product, plan: Plan) -> None:
        super().__init__(f"{product} has no plan {plan}")
        self.product = product
        self.plan = plan


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a cutover is needed, and the rule that says so.

    Texts: `eligibility.<rule>.needed` and `eligibility.<rule>.not_needed`, with `product` and `plan`.
    """

    needed: bool
    rule: Rule

    @property
    def key(self) -> str:
        return f"eligibility.{self.rule}.{'needed' if self.needed else 'not_needed'}"


def needed(product: Product, plan: Plan) -> Verdict:
    """Procedure P2-P4. Raises NoSuchPlan where the product is not sold with that plan."""
    if plan not in PLANS_OF[product]:
        raise NoSuchPlan(product, plan)
    return Verdict(plan in NEEDING, RULE_OF[product])


def product_of(plan: Plan) -> Product:
    """The one product that has `plan`."""
    return next(product for product, plans in PLANS_OF.items() if plan in plans)

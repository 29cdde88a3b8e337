"""Who needs a cutover: each product and plan by name (procedure P2-P4)."""

import pytest

from bot.content import LANGUAGES, say
from bot.domain.cutover import Plan, Product
from bot.domain.eligibility import PLANS_OF, NoSuchPlan, needed, product_of

SS, BUSINESS = Product.SECURITYSUITE, Product.SECURITYSUITE_BUSINESS
TABLE = [
    (SS, Plan.LITE, False, "P2"),
    (SS, Plan.COMPACT, False, "P2"),
    (SS, Plan.BASIC, False, "P2"),
    (SS, Plan.STANDARD, True, "P2"),
    (SS, Plan.PREMIUM, True, "P2"),
    (BUSINESS, Plan.BUSINESS, False, "P3"),
    (BUSINESS, Plan.SENDING, False, "P3"),
    (BUSINESS, Plan.ARCHIVE, False, "P3"),
    (BUSINESS, Plan.ENTERPRISE, True, "P3"),
    (BUSINESS, Plan.RECEIVING, True, "P3"),
    (BUSINESS, Plan.BOTH_WAYS, True, "P3"),
    (Product.MAILGATES, Plan.SIGMA, True, "P4"),
]


@pytest.mark.parametrize(("product", "plan", "is_needed", "rule"), TABLE)
def test_the_article(product: Product, plan: Plan, is_needed: bool, rule: str) -> None:
    verdict = needed(product, plan)
    assert (verdict.needed, verdict.rule) == (is_needed, rule)
    assert product_of(plan) is product
    for lang in LANGUAGES:
        assert say(verdict.key, lang, plan=say(f"plan_name.{plan}", lang))
        assert say(f"product.{product}", lang)


def test_the_table_above_is_whole() -> None:
    assert {plan for _, plan, _, _ in TABLE} == set(Plan)
    assert {(product, plan) for product, plan, _, _ in TABLE} == {
        (product, plan) for product, plans in PLANS_OF.items() for plan in plans
    }


def test_a_plan_of_another_product_is_refused() -> None:
    for product in Product:
        for plan in set(Plan) - set(PLANS_OF[product]):
            with pytest.raises(NoSuchPlan):
                needed(product, plan)

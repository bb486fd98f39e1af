"""From a rule of the specification to the code that holds it, where no one refusal names it.

Most rules stand as `rule=` or `default_rule` at a refusal. These are held by how something is built rather than by
saying no, so they are pointed at here; a test proves that each place exists and that a test carries the rule.
"""

from typing import Final

HELD_BY: Final = {
    "C-6": "resolvers.texts.problem_text",
    "R-1": "resolvers.order.confirm_order",
    "S-2": "domain.product.price_of",
    "S-3": "domain.product.ProductView",
    "S-4.1": "resolvers.context.the_subscriber",
    "S-4.2": "resolvers.product.products",
    "S-4.3": "resolvers.product.product",
    "S-4.4": "resolvers.product.product",
    "S-4.5": "resolvers.order.order_subscription",
    "S-4.6": "resolvers.access.resend_otp",
    "S-4.7": "resolvers.order.confirm_order",
    "S-5.2": "domain.access.open_challenge",
    "S-5.3": "resolvers.order.confirm_order",
    "S-5.4": "resolvers.order.order",
    "S-5.5": "domain.partner.enqueue_entitlement",
    "S-5.6": "domain.partner.enqueue_entitlement",
    "S-7": "resolvers.subscription.renew_due",
    "S-8": "resolvers.order.lapse_orders",
    "S-9": "domain.outbox.claim",
    "T-1": "domain.tariff.save_price_list",
    "T-2": "domain.tariff.destination.resolve",
    "T-3": "domain.tariff.destination.resolve",
    "W-2.16": "resolvers.wallet.identification",
    "W-2.19": "resolvers.account.receipt_view",
    "W-4.1.2": "resolvers.wallet.open_wallet",
    "W-4.3.2": "domain.wallet.top_up",
    "W-4.4.1": "domain.money.Money",
    "W-4.4.2": "domain.wallet.top_up",
    "W-4.4.3": "domain.wallet.Wallet",
    "W-4.4.7": "resolvers.wallet.TransferView",
    "W-4.5.2": "domain.wallet.current_limits",
    "W-6.4": "resolvers.wallet.report_loss",
    "W-10.3": "domain.offer.publish",
}

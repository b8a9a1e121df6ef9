"""All orders, in the order of the rooms."""

from sood_tui.orders import evaluation, filters, labels, scoring
from sood_tui.orders.order import Order

ORDERS: tuple[Order, ...] = (
    scoring.SCORE,
    scoring.MATCH,
    filters.VLM,
    filters.CLIP,
    labels.PROPOSE,
    labels.ZERO_SHOT,
    labels.PREDICT,
    evaluation.SPLIT,
    evaluation.SETS,
    evaluation.CLASSIFY,
)

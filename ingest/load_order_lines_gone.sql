-- Where an order and its lines come on one page, lines that were there before and did not come again with the order were
-- taken out of it, down to the last one.
delete from raw.order_lines
using incoming
where order_lines.source = incoming.source
    and order_lines.order_id = incoming.order_id
    and told_at(order_lines.received_at) < told_at(incoming.shown_at)

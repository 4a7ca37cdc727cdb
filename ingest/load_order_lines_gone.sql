-- Where an order and its lines come on one page, lines that were there before the pull began and did not come again were
-- taken out of the order, down to the last one.
delete from raw.order_lines
using incoming
where order_lines.source = incoming.source
    and order_lines.order_id = incoming.order_id
    and order_lines.received_at < incoming.received_at

-- Customers that are named one by one, as the ledger names them.
select unnest($customers::text[]) as customer_id

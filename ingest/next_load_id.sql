-- Rises also after a source's loads were forgotten, so that incremental models notice what is loaded again.
select 1 + greatest(0, (select max(load_id) from raw.loads), (select max(load_id) from raw.readings))

-- What a clock that ran ahead has stamped counts as older than all that came by a right one.
create or replace temp macro told_at(moment) as
    case when moment > getvariable('now') then moment - interval 1000 year else moment end;

create or replace temp macro later_told(one, other) as
    case when told_at(one) >= told_at(other) then one else other end

select
    alert,
    severity,
    subject,
    subject_name,
    value,
    threshold,
    denominator
from fct_alerts
order by case severity when 'critical' then 0 else 1 end, alert, subject_name

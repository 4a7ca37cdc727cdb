-- The alerts of the last refresh, the loudest first. Dialogs are told one by one, as they come to wait too long.
select alert_id, alert, severity, subject_name, value, threshold from fct_alerts
where alert <> 'dialogs_waiting'
order by severity, alert, subject_name

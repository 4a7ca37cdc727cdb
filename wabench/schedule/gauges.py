"""The scheduler's own metrics: when each job last went well, how runs ended, what comes next."""

from collections.abc import Iterator
from datetime import datetime

from wabench.metrics import Family, Sample
from wabench.schedule import jobs
from wabench.schedule.state import State
from wabench.settings import Settings


def of_jobs(settings: Settings, known: State, now: datetime) -> Iterator[Family]:
    """Tell what the scheduler knows of its jobs; campaigns are one of them here."""
    pasts = {job: past for job, past in known.pasts.items() if getattr(settings.schedule, job, "")}
    done = [Sample(at.timestamp(), {"job": job}) for job, at in known.done_at.items()]
    ends = [
        Sample(count, dict(zip(("job", "outcome"), key.split(" "), strict=True))) for key, count in known.ends.items()
    ]
    due = [
        Sample(jobs.next_at(getattr(settings.schedule, job), past, now, settings.zone).timestamp(), {"job": job})
        for job, past in pasts.items()
    ]
    failures = [Sample(past.failures, {"job": job}) for job, past in pasts.items()]
    running = [Sample(sum(run.job == job for run in known.running), {"job": job}) for job in pasts]
    yield Family("wabench_job_last_success_timestamp_seconds", "gauge", "when a job last went well", done)
    yield Family("wabench_job_runs_total", "counter", "runs that ended, by outcome", ends)
    yield Family("wabench_job_next_timestamp_seconds", "gauge", "when a job is next due", due)
    yield Family("wabench_job_failures", "gauge", "failures in a row", failures)
    yield Family("wabench_job_running", "gauge", "whether a job is under way", running)

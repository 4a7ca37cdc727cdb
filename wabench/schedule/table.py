"""`[schedule]` of wabench.toml."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from wabench.schedule import cron


class ScheduleSettings(BaseModel):
    """`[schedule]`: what `wabench schedule` runs, by cron lines of the shop's time zone; an empty line is never."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refresh: str = Field("*/30 * * * *", description="when everything is brought up to date and published")
    ingest: str = Field("", description="when sources and histories are pulled and loaded besides, unpublished")
    templates: str = Field("", description="when the providers' templates are read")
    campaigns: str = Field("* * * * *", description="when it is looked which campaigns are due")
    alerts: str = Field("* * * * *", description="when it is looked what people have to be told")
    live: bool = Field(False, description="whether campaigns go to real customers, as with --live")
    limit_minutes: float = Field(240, gt=0, description="a job that runs longer is stopped")
    retry_minutes: float = Field(5, gt=0, description="the wait after a first failure; each further one doubles it")
    alert_after: int = Field(2, gt=0, description="so many failures in a row are told to people")

    @field_validator("refresh", "ingest", "templates", "campaigns", "alerts")
    @classmethod
    def _is_line(cls, value: str) -> str:
        return cron.checked(value) if value.strip() else ""

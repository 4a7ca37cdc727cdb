"""What a person does with segments at the workbench: saves one, and takes its customers along."""

from pathlib import Path

from wabench import acts, segments
from wabench.roles import Action, Actor
from wabench.segments import Manifest, Segment, files, history, masking
from wabench.segments.rules import rule_hash
from wabench.settings import Settings


def save(settings: Settings, actor: Actor, segment: Segment, overwrite: bool = False) -> Path:
    """Save a segment's rule, and write down since when it counts."""
    detail = f"{segment.name}: rule {rule_hash(segment.where)}"
    with acts.act(settings, actor, Action.SAVE_SEGMENT, "save segment", detail):
        path = files.save(settings, segment, overwrite)
        history.note(settings, segment.name)
    return path


def export(settings: Settings, actor: Actor, segment: Segment, with_phones: bool = False) -> tuple[bytes, Manifest]:
    """Give a segment's customers as CSV and its manifest; phones and e-mails are masked unless asked for whole."""
    action = Action.SEE_PHONES if with_phones else Action.EXPORT
    whole = ", phones whole" if with_phones else ""
    with acts.act(settings, actor, action, "export segment", f"{segment.name}: rule {rule_hash(segment.where)}{whole}"):
        masking.require(actor, segment.where)
        return segments.render(settings, segment, with_phones)

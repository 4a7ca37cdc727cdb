"""A campaign in stages through a sandbox and a receiver: from its canary to its last send, by one run."""

from functools import partial
from pathlib import Path

from campaign_shop import audience, customer
from dialects import ALL
from harness import Shop

from wabench import refresh
from wabench.campaigns import judging, ledger, plan, runner
from wabench.campaigns.staging import Asked
from wabench.campaigns.variants import Wanted
from wabench.sandbox.scenario import Scenario

META = next(d for d in ALL if d.provider == "meta")
PARAMS = ["1=name", "a.2=literal:SALE", "b.2=literal:GIFT"]


def test_a_rehearsal_goes_through_its_stages_in_seconds(home: Path) -> None:
    shop = Shop(home, META)
    with shop.open(Scenario(), first_share_customers="10") as opened:
        settings = opened.settings
        segment = audience(home, [customer(number) for number in range(60)])
        texts = (Wanted("a", "sale"), Wanted("b", "sale"))
        asked = Asked(canary=0.2, canary_hours=0, winner_after_share=0.5, winner_hours=0)
        plan.plan(settings, "spring", segment, "", PARAMS, META.provider, variants=texts, in_stages=asked)
        assert runner.test(settings, "spring", "tester") == 30 + 2 * 30
        runner.approve(settings, "spring", "maria")
        settle = partial(refresh.settle, settings)
        done = runner.run(settings, "spring", "tester", settle=settle, on_turn=lambda counts: None)
        assert done.campaign.status == "finished"
        assert done.calls["accepted"] == 60
        with ledger.opened(settings) as found:
            stages = judging.listed(found, done.campaign)
        assert [(stage.kind, stage.state, stage.decided_by) for stage in stages] == [
            ("canary", "released", "sender"),
            ("winner", "released", "sender"),
        ]
        assert stages[0].figures["left"] == 12
        assert sum(of["customers"] for of in stages[1].figures["texts"].values()) == 30

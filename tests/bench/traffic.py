"""Meta-shaped webhook bodies in quantity, invented and repeatable: the same seed gives the same bytes."""

import random
from collections.abc import Iterator

STATUSES = ("sent", "delivered", "read", "delivered", "sent", "read", "failed")
TEXTS = ("Is it still available?", "Да, беру", "Quanto custa o frete?", "ok", "STOP", "Thanks! 🙏")

_HEAD = (
    '{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"value":'
    '{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881",'
    '"phone_number_id":"106540352242922"}},"contacts":[{{"profile":{{"name":"Customer {n}"}},'
    '"wa_id":"{phone}","user_id":"BR.{n:012d}"}}],'
)
_STATUS = _HEAD + (
    '"statuses":[{{"id":"wamid.HBgNNTUxMTk{n:09d}VAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA","status":"{status}",'
    '"timestamp":"{time}","recipient_id":"{phone}","biz_opaque_callback_data":"wb:{n:016x}",'
    '"pricing":{{"billable":true,"pricing_model":"PMP","type":"regular","category":"marketing"}}}}]}},'
    '"field":"messages"}}]}}]}}'
)
_MESSAGE = _HEAD + (
    '"messages":[{{"from":"{phone}","id":"wamid.HBgNNTUxMTk{n:09d}VAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",'
    '"timestamp":"{time}","type":"text","text":{{"body":"{text}"}}}}]}},"field":"messages"}}]}}]}}'
)


def bodies(count: int, seed: int = 1) -> Iterator[bytes]:
    """Give `count` webhook bodies, five statuses to one inbound message, one event each and no event twice."""
    chance = random.Random(seed)
    for n in range(count):
        values = {"n": n, "phone": f"55119{chance.randrange(10**8):08d}", "time": 1_780_000_000 + n // 50}
        if n % 6:
            yield _STATUS.format(status=chance.choice(STATUSES), **values).encode()
        else:
            yield _MESSAGE.format(text=chance.choice(TEXTS), **values).encode()

"""Public data sets, official specifications and documented payloads, in a folder that WABENCH_SHARED names.

They are no part of the project: a test that reads them is skipped where the folder is not there.
"""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("WABENCH_SHARED") or "nowhere")
ONLINE_RETAIL = FOLDER / "data/online_retail/online_retail.parquet"
CDNOW_MASTER = FOLDER / "data/cdnow/CDNOW_master.txt"
CDNOW_SAMPLE = FOLDER / "data/cdnow/CDNOW_sample.txt"
FIXTURES = FOLDER / "fixtures"
META_WEBHOOKS = FOLDER / "fixtures/meta_openapi/webhooks"
ZENVIA_SPECIFICATION = FOLDER / "specs/zenvia/zenvia_openapi_v2.patched.json"
META_SPECIFICATION = FOLDER / "specs/meta/business-messaging-api_v23.0.patched.json"
TWILIO_SPECIFICATION = FOLDER / "specs/twilio/twilio_api_v2010.json"
TWILIO_CONTENT_SPECIFICATION = FOLDER / "specs/twilio/twilio_content_v1.json"
BIRD_SPECIFICATION = FOLDER / "specs/bird/bird_platform_v1_whatsapp.schema.json"
CLASSIC_REQUESTS = FOLDER / "fixtures/messagebird_go_testdata"
TWILIO_ANSWERS = FOLDER / "fixtures/twilio_oas"
BIRD_SCHEMA = FOLDER / "specs/bird/bird_platform_v1_whatsapp.schema.json"
BIRD_COMPONENTS = FOLDER / "specs/bird/bird_platform_v1_components_whatsapp_2026-08-19.json"
HUBSPOT_SPECIFICATIONS = FOLDER / "specs/crm/hubspot"
BITRIX24_SPECIFICATIONS = FOLDER / "specs/crm/bitrix24"


def needs(path: Path) -> pytest.MarkDecorator:
    """Skip a test where a file of the folder is not there."""
    return pytest.mark.skipif(not path.exists(), reason=f"WABENCH_SHARED has no {path.name}")

"""The simulated control system with security, a user and history, as the plant file asks for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from asyncua import Client

from services.opcua_poller.security import Identity
from services.simulator.live import Live
from services.simulator.opcua_server import start_opcua
from services.simulator.scenario import HOUR_MS, Scenario
from tanji.acquisition.opcua_pki import Pki
from tanji.plant.load import load
from tanji.plant.model import OpcuaDevice, OpcuaSettings, Plant
from tanji.plant.names import opcua_application_uri

from .opcua_rig import now_ms

DEMO = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"


def secured(tmp_path: Path) -> Plant:
    """The demonstration plant with its control system secured."""
    (tmp_path / "password").write_text("kiln\n", encoding="utf-8")
    plant = load(DEMO)
    more = {"security": "basic256sha256", "user": "tanji", "password_file": str(tmp_path / "password"), "history": True}
    devices = [
        device.model_copy(update=more) if isinstance(device, OpcuaDevice) else device for device in plant.devices
    ]
    services = plant.services.model_copy(update={"opcua": OpcuaSettings(pki=str(tmp_path / "pki"))})
    return plant.model_copy(update={"devices": tuple(devices), "services": services})


def test_a_secured_control_system_lets_the_plants_user_in_and_remembers(tmp_path: Path) -> None:
    plant, pki = secured(tmp_path), Pki(tmp_path / "pki")
    uri = opcua_application_uri(plant.site.id)
    pki.make(application_uri=uri, hosts=["localhost"], days=1, now_ms=now_ms(), replace=False)
    start = now_ms() // HOUR_MS * HOUR_MS
    live = Live(plant, Scenario(seed=1, start_ms=start, end_ms=start + 2 * HOUR_MS), clock=now_ms)
    device = plant.devices_by_id["dcs"]
    assert isinstance(device, OpcuaDevice)
    point = next(point for point in plant.points if plant.device_of(point).id == "dcs" and point.kind == "rate")

    async def scenario() -> None:
        served = (await start_opcua(plant, live, ports={"dcs": 0}))["dcs"]
        try:
            pki.trust((tmp_path / "pki" / "simulator" / "dcs.der").read_bytes())
            client = Client(served.url, timeout=10)
            await Identity(device, pki=pki, application_uri=uri, clock=now_ms).show(client)
            async with client:
                node = client.get_node(point.opcua)
                assert (await node.read_data_value()).Value.Value is not None
                await asyncio.sleep(2)
                history: list[object] = []

                async def remembered() -> bool:
                    history[:] = await node.read_raw_history(None, None)
                    return len(history) >= 2

                for _ in range(30):
                    if await remembered():
                        break
                    await asyncio.sleep(0.5)
                assert len(history) >= 2
        finally:
            await served.stop()

    asyncio.run(scenario())
    assert (tmp_path / "pki" / "simulator" / "dcs.pem").stat().st_mode & 0o777 == 0o600

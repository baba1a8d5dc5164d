"""``chatapp serve`` on the command line: what it prints, and that it ends with all it started."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from chatapp.cli.main import main
from chatapp.cli.serve import MISSING, SERVER
from chatapp.home.settings import AppSettings, ServeSettings, load_settings, save_settings
from tests.serving.command import serving


async def test_it_prints_a_link_and_ctrl_c_ends_everything(
    default_model: Path, tmp_path: Path
) -> None:
    async with serving(default_model, tmp_path, "--visitors", "3") as command:
        text = "\n".join(command.printed)
        assert "shared by up to 3 visitors" in text
        assert "One link for 3 browsers, within 60 minutes" in text
        assert "Warning" not in text
        (link,) = command.links
        assert link.startswith("http://127.0.0.1:")
        base = link.partition("/join/")[0]
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.post(link, headers={"Origin": base}) as answer:
                assert answer.status == 200
            async with session.ws_connect(f"{base}/ws", headers={"Origin": base}) as channel:
                await channel.receive(timeout=20)
                await command.until("Visitor 1 has a screen")
                children = command.children()
                assert len(children) == 2  # the model and one screen
                assert await command.stop() == 0
                async with asyncio.timeout(5):
                    async for _ in channel:
                        pass
    assert command.printed[-1] == "Ended. Nothing that visitors wrote was kept."
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    kept = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(kept) == [default_model.name, "engine.log", "hashes.json"]


async def test_what_it_started_ends_even_if_it_is_killed(
    default_model: Path, tmp_path: Path
) -> None:
    async with serving(default_model, tmp_path) as command:
        (link,) = command.links
        base = link.partition("/join/")[0]
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.post(link, headers={"Origin": base}):
                pass
            async with session.ws_connect(f"{base}/ws", headers={"Origin": base}) as channel:
                await channel.receive(timeout=20)
                await asyncio.sleep(1.5)
                children = command.children()
                assert len(children) == 2
                command.process.kill()
                async with asyncio.timeout(10):
                    while any(Path(f"/proc/{child}/exe").exists() for child in children):
                        await asyncio.sleep(0.1)


async def test_a_link_for_each_and_a_warning_when_others_can_reach_it(
    default_model: Path, tmp_path: Path
) -> None:
    options = ("--host", "0.0.0.0", "--name", "class.test", "--visitors", "4", "--one-link-each")
    async with serving(default_model, tmp_path, *options) as command:
        await command.until("4 links, each for one browser")
        async with asyncio.timeout(5):
            while len(command.links) < 4:
                await asyncio.sleep(0.02)
        assert len(set(command.links)) == 4
        assert command.links[0].startswith("http://class.test:")
        assert "not encrypted" in "\n".join(command.printed)


async def test_the_link_of_ipv6_has_its_address_in_brackets_and_opens(
    default_model: Path, tmp_path: Path
) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with serving(default_model, tmp_path, "--host", "::") as command:
        await command.until("One link for")
        async with asyncio.timeout(5):
            while not command.links:
                await asyncio.sleep(0.02)
        [link] = command.links
        address = urlsplit(link).hostname
        assert ipaddress.ip_address(str(address)).version == 6
        assert f"//[{address}]:" in link
        async with aiohttp.ClientSession() as session, session.get(link) as answer:
            assert answer.status == 200
            assert "Begin" in await answer.text()


def test_what_cannot_be_served_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path)]
    assert main(["serve", *home, "--server", "http://127.0.0.1:1/v1"]) == 1
    assert SERVER in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    assert main(["serve", *home]) == 1
    assert MISSING in capsys.readouterr().err
    for wrong in (["--visitors", "0"], ["--port", "70000"], ["--minutes", "x"]):
        with pytest.raises(SystemExit):
            main(["serve", *home, *wrong])
        assert "must be" in capsys.readouterr().err


def test_limits_can_be_kept_in_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[serve]\nvisitors = 7\nfuture = 1\n")
    settings = load_settings(path)
    assert settings.serve == ServeSettings(visitors=7)
    assert settings == AppSettings(serve=ServeSettings(visitors=7))
    save_settings(path, settings)
    assert path.read_text() == "[serve]\nvisitors = 7\nfuture = 1\n"
    path.write_text("[serve]\nvisitors = 0\n")
    with pytest.raises(Exception, match=r"serve\.visitors must be"):
        load_settings(path)

"""Talks to an echo server through Python's websockets: client.py URL COMPRESSION"""

import asyncio
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

COMPRESSION = {
    "off": None,
    "without takeover": ClientPerMessageDeflateFactory(
        server_no_context_takeover=True, client_no_context_takeover=True
    ),
    "with takeover": ClientPerMessageDeflateFactory(client_max_window_bits=True),
    "in windows of 512 bytes": ClientPerMessageDeflateFactory(
        server_max_window_bits=9, client_max_window_bits=9
    ),
}

MESSAGES = ["hello", "", "Привет, мир", "🌍" * 1000, b"\x00\xff" * 500, b"", "молва " * 1000]


async def echoes(ws, message):
    await ws.send(message)
    answer = await ws.recv()
    assert answer == message, f"sent {message[:40]!r}, got {answer[:40]!r}"


async def closes(ws, code, reason):
    await ws.wait_closed()
    assert (ws.close_code, ws.close_reason) == (code, reason), (ws.close_code, ws.close_reason)


async def main(url, compression):
    factory = COMPRESSION[compression]
    options = dict(compression=None, extensions=[factory] if factory else None, open_timeout=20)

    async with websockets.connect(url, **options) as ws:
        assert bool(ws.extensions) == bool(factory), ws.response_headers
        for message in MESSAGES * 3:
            await echoes(ws, message)
        await echoes(ws, "x" * (1 << 20))
        await ws.send(["in ", "many ", "", "fragments"])
        assert await ws.recv() == "in many fragments"
        await asyncio.wait_for(await ws.ping(b"are you there?"), 20)
        await ws.close(4001, "пока")
        await closes(ws, 4001, "пока")

    async with websockets.connect(url, **options) as ws:
        await ws.send("please close")
        await closes(ws, 4000, "as you wish")


asyncio.run(main(*sys.argv[1:]))

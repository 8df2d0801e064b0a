"""Echoes through Python's websockets and prints its port: server.py COMPRESSION"""

import asyncio
import sys

import websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

COMPRESSION = {
    "off": None,
    "without takeover": ServerPerMessageDeflateFactory(
        server_no_context_takeover=True, client_no_context_takeover=True
    ),
    "with takeover": ServerPerMessageDeflateFactory(),
    "in windows of 512 bytes": ServerPerMessageDeflateFactory(
        server_max_window_bits=9, client_max_window_bits=9
    ),
}


async def echo(ws):
    async for message in ws:
        if message == "please close":
            await ws.close(4000, "as you wish")
        elif message == "please ping":
            await asyncio.wait_for(await ws.ping(b"are you there?"), 20)
            await ws.send("pong came")
        elif message == "please send fragments":
            await ws.send(["in ", "many ", "", "fragments"])
        else:
            await ws.send(message)


async def main(compression):
    factory = COMPRESSION[compression]
    extensions = [factory] if factory else None
    async with websockets.serve(echo, "127.0.0.1", 0, compression=None, extensions=extensions) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))

"""An echo and a broadcast on Python's websockets: server.py -addr 127.0.0.1:9001 [-broadcast] [-compress] [-reuseport]

Set up as its documentation advises for speed (Topic guides: Performance, Compression, Memory usage; Keepalive): uvloop
where it is installed, compression off unless asked for, no keepalive, whose timers cost something on every connection,
no limit on queues but those of memory, and for the broadcast websockets.broadcast().
"""

import argparse
import asyncio

import websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

try:
    import uvloop
except ImportError:
    uvloop = None

LARGEST_MESSAGE = 64 << 20

DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    compress_settings={"level": 1},
)

connections = set()


async def echo(ws):
    try:
        async for message in ws:
            await ws.send(message)
    except websockets.ConnectionClosedError:
        pass  # cut off without a closing handshake


async def broadcast(ws):
    connections.add(ws)
    try:
        async for message in ws:
            websockets.broadcast(connections, message)
    except websockets.ConnectionClosedError:
        pass
    finally:
        connections.discard(ws)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-addr", default="127.0.0.1:9001")
    parser.add_argument("-broadcast", action="store_true")
    parser.add_argument("-compress", action="store_true")
    parser.add_argument("-reuseport", action="store_true")
    args = parser.parse_args()
    host, port = args.addr.split(":")
    async with websockets.serve(
        broadcast if args.broadcast else echo,
        host,
        int(port),
        reuse_port=args.reuseport,
        backlog=4096,
        compression=None,
        extensions=[DEFLATE] if args.compress else None,
        max_size=LARGEST_MESSAGE,
        ping_interval=None,
    ):
        await asyncio.Future()


if uvloop:
    uvloop.install()
try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass

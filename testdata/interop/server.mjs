// Echoes through npm's ws and prints its port: server.mjs COMPRESSION

import { WebSocketServer } from "ws";
import { compression } from "./compression.mjs";

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: compression[process.argv[2]],
});

server.on("listening", () => console.log(server.address().port));

server.on("connection", (ws) => {
  ws.on("pong", () => ws.send("pong came"));
  ws.on("message", (data, isBinary) => {
    switch (isBinary ? "" : data.toString()) {
      case "please close":
        ws.close(4000, "as you wish");
        break;
      case "please ping":
        ws.ping("are you there?");
        break;
      case "please send fragments":
        ws.send("in ", { fin: false });
        ws.send("many ", { fin: false });
        ws.send("", { fin: false });
        ws.send("fragments", { fin: true });
        break;
      default:
        ws.send(data, { binary: isBinary });
    }
  });
});

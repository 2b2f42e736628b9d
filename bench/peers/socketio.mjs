// A chat in memory: what is said goes to the others in the room, and is acknowledged. Nothing is stored.
// Usage: node socketio.mjs PORT
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer((_request, response) => response.end("ok"));
const io = new Server(http, { transports: ["websocket"], serveClient: false, perMessageDeflate: false });

io.on("connection", (socket) => {
  socket.join(socket.handshake.auth.c);
  socket.on("say", (c, number, text, acknowledge) => {
    socket.to(c).emit("said", number, text);
    acknowledge(number);
  });
});

http.listen(Number(process.argv[2]), "127.0.0.1");

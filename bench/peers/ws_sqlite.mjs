// A chat that stores before it acknowledges, as fast as node does it: ws, and better-sqlite3 with one commit for all that
// came in one turn of the loop. It speaks as much of our protocol as the load needs, and checks nothing.
// Usage: node ws_sqlite.mjs PORT FILE
import { createServer } from "node:http";
import Database from "better-sqlite3";
import { WebSocketServer } from "ws";

const [port, file] = process.argv.slice(2);
const database = new Database(file);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.pragma("wal_autocheckpoint = 8000");
database.exec(`CREATE TABLE event (conversation TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
  sender INTEGER NOT NULL, client_id TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (conversation, seq), UNIQUE (conversation, sender, client_id))`);
const store = database.prepare("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)");

const rooms = new Map(); // conversation -> { seq, sockets }
let waiting = [];
let people = 0;

const commit = database.transaction((batch) => {
  for (const one of batch) {
    one.seq = ++one.room.seq;
    store.run(one.frame.c, one.seq, one.at, one.socket.number, one.frame.id, one.frame.kind, JSON.stringify(one.frame.body));
  }
});

function flush() {
  const batch = waiting;
  waiting = [];
  commit.immediate(batch);
  for (const { frame, at, room, seq, socket } of batch) {
    const { c, id, kind, body } = frame;
    push(socket, JSON.stringify({ t: "ack", c, id, seq, at }));
    const event = JSON.stringify({ t: "event", c, seq, at, by: "other", id, kind, body });
    for (const other of room.sockets) if (other !== socket) push(other, event);
  }
  for (const socket of pushed) {
    socket.send(`[${socket.frames.join(",")}]`);
    socket.frames = [];
  }
  pushed.clear();
}

const pushed = new Set();

function push(socket, frame) {
  socket.frames.push(frame);
  pushed.add(socket);
}

const http = createServer((_request, response) => response.end("ok"));
const server = new WebSocketServer({ server: http, perMessageDeflate: false });

server.on("connection", (socket) => {
  socket.number = ++people;
  socket.frames = [];
  socket.on("message", (data) => {
    for (const frame of JSON.parse(data)) {
      if (frame.t === "hello") {
        for (const c of Object.keys(frame.have)) {
          if (!rooms.has(c)) rooms.set(c, { seq: 0, sockets: new Set() });
          rooms.get(c).sockets.add(socket);
          socket.send(JSON.stringify([{ t: "caught", c, seq: 0, more: false }]));
        }
      } else if (frame.t === "send") {
        if (!waiting.length) setImmediate(flush);
        waiting.push({ frame, socket, room: rooms.get(frame.c), at: Date.now(), seq: 0 });
      }
    }
  });
});

http.listen(Number(port), "127.0.0.1");

// Both sides of a call in one page, and between them a server of the page's own: it keeps two places and generations as
// docs/live-protocol.md has them, and breaks what a test wants broken. The connection between the two is the browser's own.

async ([base, medium]) => {
  const { Call } = await import(`${base}/room/call.js`);
  const other = { adviser: "customer", customer: "adviser" };

  class Server {
    gen = 1;
    state = "waiting";
    places = {};
    heard = []; // [role, frame]
    losing = () => false;
    slow = () => 0; // milliseconds more that a frame takes
    servers = [];
    relay_only = false;
    up = true;

    socket(role, insts) {
      const socket = {
        send: (text) => queueMicrotask(() => JSON.parse(text).forEach((frame) => this.take(role, socket, frame))),
        close: () => this.gone(role, socket),
      };
      setTimeout(() => (this.up ? socket.onopen?.() : socket.onclose?.({ code: 1006 })));
      return socket;
    }

    gone(role, socket) {
      if (this.places[role]?.socket !== socket) return;
      this.places[role].socket = null;
      this.tellRoom();
    }

    /** The network between one side and the server breaks. */
    cut(role) {
      const { socket } = this.places[role];
      this.gone(role, socket);
      socket.onclose?.({ code: 1006 });
    }

    take(role, socket, frame) {
      this.heard.push([role, frame]);
      if (frame.t === "hello") {
        const before = this.places[role];
        if (before?.socket) this.send(before.socket, { t: "bye", why: "taken-over" });
        if (before && before.inst !== frame.inst) this.gen += 1;
        this.places[role] = { socket, inst: frame.inst, ready: before?.inst === frame.inst && before.ready };
        this.send(socket, { t: "welcome", v: 1, epoch: "e", now: Date.now(), beat: 20, you: role });
        this.turn(role);
        this.tellRoom();
      }
      if (this.places[role]?.socket !== socket) return;
      if (frame.t === "beat") this.send(socket, { t: "beat", now: Date.now(), heads: {} });
      else if (frame.t === "ready") (this.places[role].ready = frame.on), this.tellRoom();
      else if (frame.t === "admit") (this.state = "admitted"), this.tellRoom();
      else if (frame.t === "finish") (this.state = "ended"), this.tellRoom();
      else if (frame.t === "turn") this.turn(role);
      else if (frame.t === "rebuild" && frame.gen === this.gen) (this.gen += 1), this.tellRoom();
      else if (frame.t === "media") this.pass(role, frame);
      else if ((frame.t === "sdp" || frame.t === "ice") && frame.gen === this.gen) this.pass(role, frame);
    }

    pass(role, frame) {
      const to = this.places[other[role]]?.socket;
      if (to && !this.losing(role, frame)) setTimeout(() => this.send(to, frame), this.slow(frame));
    }

    turn(role) {
      const { socket } = this.places[role];
      if (socket) this.send(socket, { t: "turn", ice_servers: this.servers, until: Date.now() + 3_600_000, relay_only: this.relay_only });
    }

    tellRoom() {
      for (const [role, place] of Object.entries(this.places)) {
        if (!place.socket) continue;
        const peer = this.places[other[role]];
        this.send(place.socket, {
          t: "room", call: "c", role, state: this.state, outcome: "", medium, gen: this.gen, polite: role === "customer",
          peer: { name: other[role], here: !!peer?.socket, ready: !!peer?.ready }, closes_at: 0, now: Date.now(),
        });
      }
    }

    send(socket, ...frames) {
      setTimeout(() => socket.onmessage?.({ data: JSON.stringify(frames) }), 2);
    }
  }

  const server = new Server();

  /** Somebody enters, as a loaded page does; with what their devices give. */
  async function enter(role, devices = { audio: true, video: true }) {
    const doors = {
      socket: () => server.socket(role),
      now: () => Date.now(),
      later: (act, ms) => (((timer) => () => clearTimeout(timer))(setTimeout(act, ms))),
      random: () => 0.5,
      visible: () => true,
      attach: () => () => undefined,
    };
    const call = new Call({ uid: "c", pass: async () => ({ token: "t" }), doors });
    const side = { call, log: [], videos: {} };
    for (const name of ["state", "theirs", "pictures", "quality", "said", "bye", "ended"]) {
      call.on(name, (value) => side.log.push([name, value]));
    }
    call.on("remote", ({ kind, stream }) => {
      const element = (side.videos[kind] ??= document.createElement("video"));
      element.muted = true;
      element.autoplay = true;
      element.srcObject = stream;
      void element.play().catch(() => undefined);
    });
    if (devices.audio || devices.video) {
      const stream = await navigator.mediaDevices.getUserMedia(devices);
      call.set("mic", stream.getAudioTracks()[0] ?? null);
      call.set("cam", stream.getVideoTracks()[0] ?? null);
    }
    call.start();
    call.ready();
    side.peer = () => call.peer;
    globalThis[role] = side;
    await new Promise((done) => call.on("room", done));
  }

  Object.assign(globalThis, { server, enter });
}

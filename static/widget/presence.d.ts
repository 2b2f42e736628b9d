// Types of what the widget puts on a company's page: `window.presence`, its events and its elements.

export type What = "chat" | "audio" | "video" | "book" | "experts";
export type Scheme = "auto" | "light" | "dark";
export type State = "available" | "busy" | "away" | "offline";

/** Whom or what it is about: their short names. */
export interface About {
  adviser?: string;
  service?: string;
  team?: string;
}

/** What is known of the customer already: the fields that ask for it are filled in. */
export interface Prefill {
  name?: string;
  email?: string;
  phone?: string;
  /** Answers to the questions of a service, by their keys. */
  answers?: Record<string, string>;
}

/** What differs on this page from what the site's settings say. */
export interface Look {
  scheme?: Scheme;
  /** "#rrggbb" */
  accent?: string;
  on_accent?: string;
  accent_dark?: string;
  on_accent_dark?: string;
  /** Of the line: mirrored on pages that are written from right to left. */
  side?: "start" | "end";
  /** Distance from the corner, in CSS pixels. */
  x?: number;
  y?: number;
}

/** A token signed by your server; a function is asked for a fresh one whenever one is needed. */
export type Identity = string | (() => string | Promise<string>);

export interface Events {
  ready: { state: State };
  opened: { what: What };
  closed: Record<string, never>;
  message: { by: string };
  call: { state: "ringing" | "started" | "ended"; medium: "audio" | "video" };
  /** `starts_at`: seconds since the epoch */
  booked: { starts_at: number; service: string };
  /** Why the server or the frame said no; `reason` is one word, `detail` a sentence for developers. */
  refused: { reason: string; detail: string };
}

export interface Presence {
  /** Open the panel; without `what`, as the visitor left it, else with the choice the site gives. Resolves when it is open. */
  open(what?: What, about?: About): Promise<void>;
  close(): void;
  /** Vouch for who is there; never stored. */
  identify(identity: Identity): void;
  /** Log out: forget who was there, also in the frame. Resolves when it is forgotten. */
  forget(): Promise<void>;
  prefill(values: Prefill): void;
  /** Say which page this is, where its address does not. */
  page(page: { url?: string; title?: string }): void;
  /** Change the language; resolves when the widget speaks it. */
  language(code: string): Promise<void>;
  theme(look: Look): void;
  /** Returns a function that stops it. Each event is also a CustomEvent `presence:NAME` on the document. */
  on<Name extends keyof Events>(name: Name, heard: (detail: Events[Name]) => void): () => void;
  /** Run with the widget, now or as soon as it is there. */
  push(...todo: ((presence: Presence) => void)[]): number;
}

type PresenceEvents = { [Name in keyof Events as `presence:${Name}`]: CustomEvent<Events[Name]> };

declare global {
  interface Window {
    /** Before the script has loaded an array of what to run: `(window.presence ||= []).push((p) => p.open("chat"))` */
    presence: Presence | Pick<Presence, "push">;
  }
  interface DocumentEventMap extends PresenceEvents {}
  interface HTMLElementTagNameMap {
    "presence-badge": HTMLElement;
    "presence-button": HTMLElement;
    "presence-booking": HTMLElement;
    "presence-experts": HTMLElement;
  }
}

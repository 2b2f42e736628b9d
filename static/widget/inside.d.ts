// What the parts of the widget share. Not for pages.

import type { Events, Identity, Look, Prefill, Presence, Scheme, State, What } from "./presence";

/** Somebody's presence. `until`: when they are expected back, in seconds since the epoch. */
export interface There {
  state: State;
  until?: number | null;
  name?: string;
}

export interface Settings {
  site: string;
  name: string;
  modules: string;
  capabilities: What[];
  theme: Required<Omit<Look, "scheme">> & { scheme: Scheme };
  logo: string;
  words: Record<string, string>;
  greetings: { text: string; page: string; after: number; scroll: number }[];
  poll: number;
  presence: Record<string, There | null>;
}

/** What this tab remembers of the site from page to page: nothing of who somebody is. */
export interface Kept {
  open?: string;
  talking?: boolean;
  greeted?: boolean;
  forget?: boolean;
}

export interface Frame {
  tell(message: object): void;
  vouch(): void;
}

export interface Widget {
  /** Our origin. */
  base: string;
  /** "/at/KEY/LANGUAGE" */
  at: string;
  /** Language of the words. */
  spoken: string;
  api: Presence;
  /** Null until the server has answered. */
  settings: Settings | null;
  /** By name, such as "adviser:alice"; "site" for all of them. Empty while the server cannot be reached. */
  there: Record<string, There | null>;
  /** What the page wants to look otherwise. */
  look: Look;
  host: HTMLElement;
  root: ShadowRoot;
  /** Of every shadow of ours. */
  colours: CSSStyleSheet;
  launcher: HTMLButtonElement;
  /** What is open. */
  expanded: "" | "menu" | "panel";
  unread: number;
  source: Identity | null;
  prefilled: Prefill;
  page: { url?: string; title?: string };
  frames: Set<Frame>;
  elements: Set<HTMLElement>;
  /** Called after something has changed. */
  drawn: Set<() => void>;
  kept: Kept;
  keep(more: Kept): void;
  emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void;
  make<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, given?: object, ...inside: (Node | string)[]): HTMLElementTagNameMap[Tag];
  icon(drawing: string): SVGElement;
  sheet(text: string): CSSStyleSheet;
  told(there: There | null | undefined): string;
  draw(): void;
}

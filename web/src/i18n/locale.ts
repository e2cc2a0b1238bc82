/** The language of the page: chosen, else the browser's, else Indonesian. */

import { computed, signal } from "@preact/signals";
import { en } from "./en";
import { id, type Messages } from "./id";

export const LANGUAGES = ["id", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { id: "Indonesia", en: "English" };

const CATALOGUES: Readonly<Record<Language, Messages>> = { id, en };
const TAGS: Readonly<Record<Language, string>> = { id: "id-ID", en: "en-GB" };
const STORED = "camctl.language";

/** The first of the wished languages (as in navigator.languages) that there is. */
export function pickLanguage(stored: string | null, wished: readonly string[]): Language {
  const asked = [stored ?? "", ...wished].map((tag) => tag.toLowerCase().split("-")[0]);
  for (const tag of asked) {
    const found = LANGUAGES.find((language) => language === (tag === "in" ? "id" : tag)); // "in": old code of Indonesian
    if (found !== undefined) return found;
  }
  return "id";
}

export const language = signal<Language>(pickLanguage(localStorage.getItem(STORED), [navigator.language]));

/** All messages in the present language; reading it in a component follows changes. */
export const words = computed<Messages>(() => CATALOGUES[language.value]);

export function chooseLanguage(next: Language): void {
  localStorage.setItem(STORED, next);
  language.value = next;
}

const whole = computed(() => new Intl.NumberFormat(TAGS[language.value], { maximumFractionDigits: 0 }));
const clock = computed(() => new Intl.DateTimeFormat(TAGS[language.value], { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
const hour = computed(() => new Intl.DateTimeFormat(TAGS[language.value], { hour: "2-digit", minute: "2-digit" }));
const moment = computed(() => new Intl.DateTimeFormat(TAGS[language.value], { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }));
const day = computed(() => new Intl.DateTimeFormat(TAGS[language.value], { day: "numeric", month: "short", year: "numeric" }));
const order = computed(() => new Intl.Collator(TAGS[language.value], { numeric: true, sensitivity: "base" }));

export function inFigures(value: number): string {
  return whole.value.format(value);
}

export function asTime(date: Date): string {
  return clock.value.format(date);
}

/** Hour and minute. */
export function asHour(date: Date): string {
  return hour.value.format(date);
}

/** Day, month, year, hour and minute. */
export function asMoment(date: Date): string {
  return moment.value.format(date);
}

/** Day, month and year. */
export function asDay(date: Date): string {
  return day.value.format(date);
}

export function compareNames(a: string, b: string): number {
  return order.value.compare(a, b);
}

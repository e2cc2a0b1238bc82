/** How this person likes the live page; kept on this device. */

import { signal } from "@preact/signals";

export type Fit = "whole" | "fill";
export type Hand = "right" | "left";

const FIT = "camctl.fit";
const HAND = "camctl.hand";

/** `fill` cuts the picture's edges off to fill its place. */
export const fit = signal<Fit>(localStorage.getItem(FIT) === "fill" ? "fill" : "whole");
/** The hand that steers. */
export const hand = signal<Hand>(localStorage.getItem(HAND) === "right" ? "right" : "left");

export function toggleFit(): void {
  fit.value = fit.value === "fill" ? "whole" : "fill";
  localStorage.setItem(FIT, fit.value);
}

export function toggleHand(): void {
  hand.value = hand.value === "right" ? "left" : "right";
  localStorage.setItem(HAND, hand.value);
}

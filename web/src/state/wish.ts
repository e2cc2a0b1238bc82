/** Which of a camera's streams this person wants on this phone: chosen by the link, or always the same one. */

import { signal } from "@preact/signals";
import { WISHES, type QualityWish } from "../api/video";

const STORED = "camctl.quality";

function stored(): QualityWish {
  const kept = localStorage.getItem(STORED);
  return WISHES.find((wish) => wish === kept) ?? "auto";
}

export const wish = signal<QualityWish>(stored());

/** Kept, because who pays for data by the megabyte does not want to say it at each camera. */
export function keepWish(next: QualityWish): void {
  localStorage.setItem(STORED, next);
  wish.value = next;
}

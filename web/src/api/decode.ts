/** Small readers for JSON of unknown shape: what does not fit throws DecodeError, which names the place. */

export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

export type Reader<T> = (value: unknown, where: string) => T;
export type Fields = Readonly<Record<string, unknown>>;

export const asRecord: Reader<Fields> = (value, where) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new DecodeError(`${where} is not an object`);
  return value as Fields;
};

export const asString: Reader<string> = (value, where) => {
  if (typeof value !== "string") throw new DecodeError(`${where} is not a text`);
  return value;
};

export const asNumber: Reader<number> = (value, where) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new DecodeError(`${where} is not a number`);
  return value;
};

export const asDate: Reader<Date> = (value, where) => {
  const date = new Date(asString(value, where));
  if (Number.isNaN(date.getTime())) throw new DecodeError(`${where} is not a time`);
  return date;
};

export const asBoolean: Reader<boolean> = (value, where) => {
  if (typeof value !== "boolean") throw new DecodeError(`${where} is not true or false`);
  return value;
};

/** null and missing alike are null. */
export function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, where) => (value === null || value === undefined ? null : read(value, where));
}

/** null and missing alike are `fallback`: for members that older or newer services leave out. */
export function or<T>(read: Reader<T>, fallback: T): Reader<T> {
  return (value, where) => (value === null || value === undefined ? fallback : read(value, where));
}

export function listOf<T>(read: Reader<T>): Reader<T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw new DecodeError(`${where} is not a list`);
    return value.map((item, index) => read(item, `${where}[${index}]`));
  };
}

/** The list in an answer's `items`. */
export function items<T>(read: Reader<T>): Reader<T[]> {
  return (value, where) => listOf(read)(asRecord(value, where)["items"], "items");
}

/** One of the words, else `fallback`: a newer service may know more words than this page. */
export function oneOf<const W extends string, const F>(words: readonly W[], fallback: F): Reader<W | F> {
  return (value) => words.find((word) => word === value) ?? fallback;
}

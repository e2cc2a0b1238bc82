/** What the browser tells of the network and of people's wish to save data; Safari and Firefox tell nothing. */

interface NetworkInformation {
  readonly saveData?: boolean;
  readonly effectiveType?: string;
}

const SLOW = new Set(["slow-2g", "2g", "3g"]);

/** TypeScript's Navigator has no `connection`: the draft that names it is no standard. */
export function isSlowNetwork(navigator: object = globalThis.navigator): boolean {
  const { connection } = navigator as { readonly connection?: NetworkInformation };
  return connection?.saveData === true || SLOW.has(connection?.effectiveType ?? "");
}

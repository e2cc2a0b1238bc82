/** What the browser tells of the network and of people's wish to save data; Safari and Firefox tell nothing. */

interface NetworkInformation {
  readonly saveData?: boolean;
  readonly effectiveType?: string;
}

const SLOW = new Set(["slow-2g", "2g", "3g"]);

export function isSlowNetwork(navigator: { readonly connection?: NetworkInformation } = globalThis.navigator): boolean {
  const connection = navigator.connection;
  return connection?.saveData === true || SLOW.has(connection?.effectiveType ?? "");
}

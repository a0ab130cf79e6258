// Files that were sent from this page, so that one can be read differently without being chosen again.

const files = new Map<string, File>();

/** hold keeps the file of an import while the page is open; the last few are enough. */
export function hold(id: string, file: File): void {
  files.set(id, file);
  for (const old of [...files.keys()].slice(0, -3)) files.delete(old);
}

/** held gives the file of an import, if it was sent from this page. */
export function held(id: string): File | undefined {
  return files.get(id);
}

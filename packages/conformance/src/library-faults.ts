/**
 * Where a library fails by itself: which check of which case, and the place in the library's source that explains it. Each was read
 * there; a failure that is not listed counts against the emulator.
 */

export type LibraryFault = {
  library: string;
  case: string;
  /** The code of the check that fails (`CheckFailed.code`). */
  check: string;
  /** What the library does. */
  does: string;
  /** File and line in the published package. */
  place: string;
};

export const libraryFaults: readonly LibraryFault[] = [];

export function faultOf(library: string, caseName: string, check: string): LibraryFault | null {
  const fault = libraryFaults.find((known) => known.library === library && known.case === caseName && known.check === check);
  return fault ?? null;
}

/** What a node started now would run (ancestor: LaunchVersion), and how to fetch a newer one (ancestor: VersionUpdater). */
export type VersionSource = {
  deployed(): Promise<string>;
  /** Resolves with the version deployed now. */
  pullNew(): Promise<string>;
};

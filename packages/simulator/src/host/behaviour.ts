/** What a simulated host may do wrong: mutants switch one of them on to prove that somebody notices. */
export type HostBehaviour = {
  /** Code it closes with when the session is to be kept. */
  keepSessionCode: number;
  /** Which event its cursor names: the last one handed to user code, or the last one received. */
  cursor: 'handed' | 'received';
  /** Whether it asks for a permit before IDENTIFY. */
  asksForPermits: boolean;
  /** Whether a frozen shard really stops handing events over. */
  stopsWhenFrozen: boolean;
  /** Whether all of a shard's state is sent. */
  sendsWholeState: boolean;
  /** Whether what changes while the state is copied is sent once more. */
  sendsChanges: boolean;
  /** Whether a session that could be resumed is resumed after a lost connection. */
  resumes: boolean;
  /** Whether it asks its node, where a connection ended so that the session may be another node's. */
  asksBeforeItResumes: boolean;
  /** Whether it resumes a session anew that has been at another node, when nothing comes of it. */
  doubtsSilence: boolean;
  /** Whether it asks its node before each event goes to user code. */
  looksAtTheClock: boolean;
  /** Whether events that may have been handled before are marked. */
  marksRedeliveries: boolean;
};

export const HONEST_HOST: HostBehaviour = {
  keepSessionCode: 4200,
  cursor: 'handed',
  asksForPermits: true,
  stopsWhenFrozen: true,
  sendsWholeState: true,
  sendsChanges: true,
  resumes: true,
  asksBeforeItResumes: true,
  doubtsSilence: true,
  looksAtTheClock: true,
  marksRedeliveries: true,
};

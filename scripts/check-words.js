/**
 * One word per concept: finds the words that this project does not use, and comments wider than 120 columns.
 *
 *   node scripts/check-words.js            every file under version control
 *   node scripts/check-words.js FILE …     these
 *
 * A newcomer who knows Kubernetes and Discord must not learn a second language. CONTRIBUTING.md says how the list grows.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const COMMENT_COLUMNS = 120;

/** What is not used, what is used instead, and where the word is another's and stays. */
const WORDS = [
  { word: /hand-?overs?\b/i, use: 'migration' },
  { word: /tenure|(?<!main)tenanc/i, use: 'assignment, ownership lease' },
  { word: /happening/i, use: 'history entry, record' },
  { word: /\btrials?\b|Trial(?=[A-Z]|s?\b)/, use: 'crash record' },
  { word: /\bdeaths\b/, use: 'crashes' },
  { word: /(?<![Cc]rash[ -]?)suspects?\b|(?<![Cc]rash)Suspect/, use: 'crash suspect (a shard), silent (a node)' },
  { word: /new Turn\b|: Turn\b|<Turn>|\bDraft\b/, use: 'Transaction' },
  { word: /#given\b|this\.given\b/, use: 'options' },
  { word: /unheard|unasked/i, use: 'timed out, without permit' },
  {
    word: /PermitDesk|OrchestratorSeat|\bDeeds?\b|\bOccasion/,
    use: 'PermitClient, SimOrchestrator, RestAction, EventMeta',
  },
  { word: /\bempt(ied|ies|ying)\b/i, use: 'drained' },
  { word: /\bset(s|ting)? aside\b/i, use: 'quarantined' },
  { word: /thaw/i, use: 'unfreeze' },
  { word: /\bhalt(ing|ed|Ended)\b|\bflush(ing|Ended)\b|\bsealed\b/, use: 'freezing, sendingDelta, frozen' },
  { word: /call(s|ed|ing)?[ -]?off\b|callOff/i, use: 'abort (before RELEASE), cancel (an operator)' },
  { word: /giveUp|\babandon|withdr[ae]w/i, use: 'abort (before RELEASE), cancel (an operator)' },
  { word: /_SUCCEEDED|succeededBy/, use: 'superseded' },
  { word: /#held\b|\bisHeld\b|kind: 'held'/, use: 'retained, sent, blockedSince, buffered' },
  { word: /new Date\(\)/, use: 'a time of a Clock (@dshard/transport)' },
  { word: /good-manners|left-behind|still-figures/, use: 'a name that says what is inside' },
];

/** Another's words: the ancestor's page, and what was said before. */
const EXEMPT = [
  /^docs\/reference\/ancestor\.md$/,
  /^CHANGELOG\.md$/,
  /^scripts\/check-words\.js$/,
  /fixtures\//,
  /^packages\/orchestrator\/(src|test)\/adapters\/sqlite\//,
  /package-lock\.json$/,
];

const files = process.argv.length > 2 ? process.argv.slice(2) : tracked();
const problems = files.filter((file) => !EXEMPT.some((path) => path.test(file))).flatMap(problemsIn);
for (const problem of problems) console.error(problem);
console.log(`${files.length} files, ${problems.length} words or lines to mend.`);
process.exitCode = problems.length === 0 ? 0 : 1;

function tracked() {
  return execFileSync('git', ['ls-files'], { encoding: 'utf8' })
    .split('\n')
    .filter((file) => /\.(ts|js|mjs|cjs|md)$/.test(file));
}

/** @param {string} file */
function problemsIn(file) {
  const found = WORDS.filter(({ word }) => word.test(file)).map(
    ({ word, use }) => `${file}: ${word.exec(file)?.[0]} → ${use}`,
  );
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const at = `${file}:${index + 1}`;
    for (const { word, use } of WORDS) {
      const match = word.exec(line);
      if (match !== null) found.push(`${at}: ${match[0]} → ${use}`);
    }
    // Diagrams and tables are indented, and keep their width.
    const isProse = /^\s*(\*|\/\/|\/\*\*?) {1,3}\S/.test(line) && !/https?:|^\*\*/.test(line);
    if (isProse && line.length > COMMENT_COLUMNS && /\.[cm]?[jt]s$/.test(file)) {
      found.push(`${at}: a comment of ${line.length} columns → at most ${COMMENT_COLUMNS}`);
    }
  }
  return found;
}

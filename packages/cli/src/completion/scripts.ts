/** What a shell is told: it asks `dso __complete` at each Tab, so that a newer program needs no newer script. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What the program is asked with; the words behind `dso` follow, the one that is being typed at last. */
export const COMPLETE = '__complete';

const BASH = `# dso completion for bash: source <(dso completion bash)
_dso() {
  local line="\${COMP_LINE:0:COMP_POINT}" cur prefix
  local -a words
  read -ra words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=('')
  cur="\${words[-1]}"
  local IFS=$'\\n'
  COMPREPLY=($("\${words[0]}" ${COMPLETE} "\${words[@]:1}" 2>/dev/null | cut -f1))
  # A colon ends a word for bash: what stands before it is there already.
  if [[ "$cur" == *:* ]]; then
    prefix="\${cur%"\${cur##*:}"}"
    COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
  fi
  [[ "\${COMPREPLY[0]}" == *: ]] && compopt -o nospace
  return 0
}
complete -o default -F _dso dso
`;

const ZSH = `#compdef dso
# dso completion for zsh: source <(dso completion zsh), after compinit
_dso() {
  local -a lines shown
  local line
  lines=("\${(@f)$("\${words[1]}" ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    [[ -n "$line" ]] && shown+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#shown )); then
    _describe 'dso' shown -S ''
  else
    _files
  fi
}
compdef _dso dso
`;

const FISH = `# dso completion for fish: dso completion fish | source
function __dso_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] ${COMPLETE} $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c dso -f -a '(__dso_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** What the REST interface itself refuses, each with its status. `docs/reference/errors.md` is made from this table. */

export const REST_ERRORS = {
  DSO_REQUEST_INVALID: {
    status: 400,
    meaning: 'The request cannot be understood: its body, its headers, or HTTP itself.',
    remedy: 'See the message; docs/reference/openapi.json has every request.',
  },
  DSO_PARAMETER_INVALID: {
    status: 400,
    meaning: 'A parameter is missing, misspelt, or not what it takes.',
    remedy: 'Correct those that `details.parameters` names.',
  },
  DSO_QUERY_INVALID: {
    status: 400,
    meaning: 'The query of a list cannot be understood.',
    remedy: 'See the message; docs/reference/rest.md has the grammar.',
  },
  DSO_TOKEN_MISSING: {
    status: 401,
    meaning: 'The request came without a token.',
    remedy: 'Send `Authorization: Bearer <token>`; `dso` takes --token, DSO_TOKEN or DSO_TOKEN_FILE.',
  },
  DSO_TOKEN_WRONG: {
    status: 401,
    meaning: 'The token is none of this orchestrator, or was revoked, or has expired.',
    remedy: 'Ask an admin for another one: `dso token create`.',
  },
  DSO_TOO_MANY_ATTEMPTS: {
    status: 429,
    meaning: 'Too many wrong tokens came from this address.',
    remedy: 'Wait for as long as `Retry-After` says, then send the right token.',
    retryable: true,
  },
  DSO_ROLE_TOO_LOW: {
    status: 403,
    meaning: 'The token is right, and may not ask for this.',
    remedy: 'Use a token with the role that the message names.',
  },
  DSO_HOST_REFUSED: {
    status: 403,
    meaning: 'The Host header is no name of this server, as when a web page has its name resolve to this machine.',
    remedy: 'If it is a name of this server, add it to http.hosts.',
  },
  DSO_ORIGIN_REFUSED: {
    status: 403,
    meaning: 'A browser sent the request for a page of another site.',
    remedy: 'Ask from a program, or from a page of this server.',
  },
  DSO_CSRF_REFUSED: {
    status: 403,
    meaning:
      'A request with the cookie of a session would change something, and lacks what only pages of this server send.',
    remedy: 'Send the `csrf` of `GET /v1/session` as `X-Dso-Csrf`, from a page of this server; programs send a token.',
  },
  DSO_NO_SUCH_PATH: {
    status: 404,
    meaning: 'There is no such path, or not with this method.',
    remedy: 'See docs/reference/rest.md.',
  },
  DSO_UNKNOWN_MIGRATION: {
    status: 404,
    meaning: 'No migration under way has this id.',
    remedy: 'See those under way at /v1/migrations; the history tells how others ended.',
  },
  DSO_STARTING: {
    status: 503,
    meaning: 'The orchestrator is starting.',
    remedy: 'Ask again in a moment.',
    retryable: true,
  },
  DSO_TOO_MANY_STREAMS: {
    status: 503,
    meaning: 'As many event streams are open as are kept.',
    remedy: 'Close one, then try again.',
    retryable: true,
  },
} as const;

export type RestErrorCode = keyof typeof REST_ERRORS;

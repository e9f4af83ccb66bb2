/* Google's credential files: JSON of several types, told apart by their member "type". */
#ifndef ISTHMUS_SYNC_GOOGLE_ACCOUNT_H
#define ISTHMUS_SYNC_GOOGLE_ACCOUNT_H

#include "base/arena.h"

enum {
	GOOGLE_FILE_MAX = 1 << 20,
	GOOGLE_HEADERS_MAX = 16,
	GOOGLE_DELEGATES_MAX = 16,
};

enum google_kind {
	GOOGLE_SERVICE_ACCOUNT,
	GOOGLE_AUTHORIZED_USER,
	GOOGLE_EXTERNAL_ACCOUNT, /* workload identity federation: somebody else's token is exchanged */
	GOOGLE_IMPERSONATED,     /* a service account in whose name `source` may speak */
};

/* Where an external account's own token comes from. */
struct google_subject {
	struct view file, url;                       /* one of them is empty */
	const char *headers[GOOGLE_HEADERS_MAX + 1]; /* of the request for `url`; ended by NULL */
	struct view member;                          /* of a JSON object that has the token; empty: it is the whole text */
};

/* All in an arena; what a kind does not have is empty. */
struct google_account {
	enum google_kind kind;
	struct view universe, quota_project;

	/* a service account */
	struct view email, key_id, key; /* key: PEM */

	/* an authorized user; the first two also a federation's */
	struct view client_id, client_secret, refresh_token;

	struct view token_url; /* of service accounts and federations, never empty there */

	/* a federation */
	struct view audience, subject_type, user_project;
	struct google_subject subject;

	/* impersonation; an external account may have it, too */
	struct view impersonation_url;
	struct view lifetime; /* seconds */
	struct view delegates[GOOGLE_DELEGATES_MAX];
	size_t delegate_count;
	struct google_account *source;
};

/* Reads a file's text. False with *why in Google's words. */
bool google_account_read(struct google_account *a, struct arena *arena, struct view text, const char **why);

/* The same from a file. */
bool google_account_load(struct google_account *a, struct arena *arena, const char *path, const char **why);

#endif

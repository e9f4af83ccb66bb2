/*
 * Google's application default credentials: where they come from, and access tokens for them. A credential file is read anew
 * for each token, so that keys which have been replaced are found; nothing of it is kept.
 */
#ifndef ISTHMUS_SYNC_GOOGLE_H
#define ISTHMUS_SYNC_GOOGLE_H

#include "sync/bearer.h"
#include "sync/http.h"

struct google_credentials {
	const char *file;          /* NULL: the metadata server gives the tokens */
	const char *subject_file;  /* that `file` names, to be read for each token; NULL: none */
	const char *metadata;      /* its host */
	bool metadata_is_known;    /* not only supposed to be there */
	const char *quota_project; /* to be named in X-Goog-User-Project; NULL: none */
	const char *universe;      /* "googleapis.com": the domain of the services */

	/* for google_fetch(), set before the first call */
	struct http_client *http;
	const _Atomic bool *stop;
};

/*
 * Finds them: in `file`, or, if that is NULL, where GOOGLE_APPLICATION_CREDENTIALS says, in gcloud's file, from the metadata server.
 * A file is read once to see that it can be used. Texts are in the arena. False with *why in Google's words.
 */
bool google_credentials_find(struct google_credentials *c, struct arena *arena, const char *file, const char **why);

/* What is said when there are none to be found. */
extern const char google_no_credentials[];

/* A bearer_fetch for credentials. Tokens are good for reading Cloud DNS. */
enum bearer_outcome google_fetch(void *credentials, struct arena *arena, struct bearer_grant *grant, const char **why);

#endif

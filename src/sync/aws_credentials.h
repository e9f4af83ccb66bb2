/*
 * Credentials for AWS: which source they come from is settled when a client is set up, from the environment and the shared files;
 * what they are is asked for when they are needed, kept, and asked for again before they expire. The control thread alone.
 */
#ifndef ISTHMUS_SYNC_AWS_CREDENTIALS_H
#define ISTHMUS_SYNC_AWS_CREDENTIALS_H

#include "server/plugin.h"
#include "sync/aws_config.h"
#include "sync/aws_signature.h"
#include "sync/http.h"

struct aws_source;
struct aws_credentials;

/* Who is asking, and by what. */
struct aws_asker {
	struct http_client *http;
	const struct http_tls *tls;
	const _Atomic bool *stop; /* may be NULL */
};

/* What the choice depends on beside the environment. */
struct aws_choice {
	struct aws_config *config;
	const char *profile;
	bool explicit_profile;   /* a Corefile names it: the environment's keys do not count */
	const char *key_id, *secret; /* of a Corefile; NULL: none */
	struct view region;      /* of STS */
};

/* The source that the chain leads to; everything in the arena. NULL with *why when a setting is wrong. */
struct aws_source *aws_source_choose(
	struct arena *arena, const struct aws_choice *choice, const char **why);

/* Calls visit for each file that the source will read later. */
void aws_source_files(const struct aws_source *s, void (*visit)(const char *path, void *data), void *data);

/* Whether it runs a command: hooks_begin() must have been called then. */
bool aws_source_runs_commands(const struct aws_source *s);

/* Says which source it is, without secrets: "static AKIDEXAMPLE", "role arn:aws:iam::1:role/x". In the arena. */
const char *aws_source_identity(struct arena *arena, const struct aws_source *s);

/* Ended by aws_credentials_free() (void * for arena_on_free()). The source must stay. */
struct aws_credentials *aws_credentials_new(const struct aws_source *source);
void aws_credentials_free(void *credentials);

/* Keys that are good now, in the arena. Waits where they must be asked for; who asks meanwhile waits for the same. False with *why (in
 * the arena), without secrets. */
bool aws_credentials_get(struct aws_credentials *c, const struct aws_asker *asker, struct arena *arena,
	struct aws_keys *keys, const char **why);

/* The service did not take these keys: unless there are others by now, they are asked for anew. */
void aws_credentials_drop(struct aws_credentials *c, const struct aws_keys *refused);

#endif

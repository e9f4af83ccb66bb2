/* Where credentials for AWS come from, and how each source is asked; for aws_*.c alone. */
#ifndef ISTHMUS_SYNC_AWS_SOURCE_H
#define ISTHMUS_SYNC_AWS_SOURCE_H

#include "sync/aws_call.h"

enum aws_source_kind {
	AWS_STATIC,
	AWS_ROLE,         /* AssumeRole with the credentials of `base` */
	AWS_WEB_IDENTITY, /* AssumeRoleWithWebIdentity with the token in a file */
	AWS_CONTAINER,
	AWS_INSTANCE,     /* IMDS */
	AWS_PROCESS,      /* what a command prints */
};

/* Immutable; all in the arena of who chose it. */
struct aws_source {
	enum aws_source_kind kind;
	struct aws_keys keys;            /* AWS_STATIC */
	const struct aws_source *base;   /* AWS_ROLE */
	const char *role, *session, *external_id; /* session, external_id: NULL where none is set */
	unsigned duration;               /* s; 0: not said */
	const char *token_file;          /* AWS_WEB_IDENTITY; AWS_CONTAINER: or NULL */
	struct aws_service sts;
	const char *url;                 /* AWS_CONTAINER; AWS_INSTANCE: its base */
	const char *token;               /* AWS_CONTAINER: or NULL */
	bool disabled, version_2_only;   /* AWS_INSTANCE */
	const char *command;             /* AWS_PROCESS: a line for a shell */
};

/* What a source gave; texts in the arena. */
struct aws_grant {
	struct aws_keys keys;
	int64_t expires; /* seconds since 1970; 0: never */
	const char *why; /* of a failure */
};

/* Each asks a source of its kind; waits. False with the reason in the grant. */
bool aws_sts_fetch(const struct aws_source *s, struct aws_credentials *base, const struct aws_asker *asker,
	struct arena *arena, struct aws_grant *to);
bool aws_container_fetch(const struct aws_source *s, const struct aws_asker *asker, struct arena *arena,
	struct aws_grant *to);
bool aws_process_fetch(const struct aws_source *s, struct arena *arena, struct aws_grant *to);
bool aws_instance_fetch(const struct aws_source *s, const struct aws_asker *asker, struct arena *arena,
	struct aws_grant *to);

enum { AWS_TOKEN_MAX = 64 << 10 };

#endif

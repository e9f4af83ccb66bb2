/* A request to a service of AWS: signed, patient, and its failures in the words that AWS's own clients have. */
#ifndef ISTHMUS_SYNC_AWS_CALL_H
#define ISTHMUS_SYNC_AWS_CALL_H

#include "sync/attempts.h"
#include "sync/aws_credentials.h"

struct aws_service {
	const char *name;    /* for signatures: "route53" */
	const char *title;   /* for errors: "Route 53" */
	const char *base;    /* URL without a slash at its end */
	struct view region;  /* for signatures */
	struct allowance *allowance; /* NULL: none to keep to */
	int64_t *clock_skew; /* in s: what the service's clock is ahead of ours, learnt from refusals; may be NULL */
};

struct aws_call {
	const struct aws_service *service;
	struct aws_credentials *credentials; /* NULL: not signed */
	const char *operation;  /* "ListResourceRecordSets" */
	const char *method;
	const char *path;       /* with its query; begins with a slash */
	struct view form;       /* body of a POST; empty: none */
	const char *const *known_codes; /* of errors that have a type of their own in AWS's clients; ended by NULL */
	const char *const *passing_codes; /* beside the usual ones: of errors that another attempt may not meet; may be NULL */
	unsigned most_attempts; /* 0: the usual number */
	size_t body_most;       /* octets of an answer, decompressed */
};

/* What came of it; texts are in the arena. */
struct aws_result {
	struct view body;  /* of a success */
	const char *error; /* of a failure: "operation error Route 53: ..." */
	bool throttled;
	/* Told of each request that was made; may be NULL. */
	void (*count)(void *owner, long status);
	void *owner;
};

/* Makes the call; waits. */
bool aws_call(const struct aws_call *c, const struct aws_asker *asker, struct arena *arena, struct aws_result *to);

#endif

/* Where Route 53 is: by what is set, or by the partition of the region. */
#ifndef ISTHMUS_SYNC_AWS_ENDPOINT_H
#define ISTHMUS_SYNC_AWS_ENDPOINT_H

#include "sync/aws_config.h"

struct aws_endpoint {
	const char *base;    /* URL without a slash at its end */
	struct view region;  /* for signatures */
};

/* The region that is configured; us-east-1 where none is. */
struct view aws_region(const struct aws_config *c, const char *profile);

/* `own`: what a Corefile says; NULL: nothing. In the configuration's arena. */
struct aws_endpoint aws_endpoint_of_route53(
	const struct aws_config *c, const char *profile, const char *own, struct view region);

#endif

/*
 * The files that Amazon's tools share: ~/.aws/config and ~/.aws/credentials. Sections of profiles and services, lines "key =
 * value", and below a key without a value indented lines of its own.
 */
#ifndef ISTHMUS_SYNC_AWS_CONFIG_H
#define ISTHMUS_SYNC_AWS_CONFIG_H

#include "base/arena.h"

enum aws_file_kind {
	AWS_CONFIG,      /* [default], [profile X], [services X] */
	AWS_CREDENTIALS, /* [X] */
	AWS_EITHER,      /* a file that a Corefile names: both ways */
};

enum { AWS_FILE_MAX = 1 << 20 };

struct aws_section;

/* Starts zeroed but for `arena`. What is given back is in the arena. */
struct aws_config {
	struct arena *arena;
	struct aws_section *sections;
	unsigned count;
};

/* Adds what a text says; for a key that is there already the later text counts. Lines that are neither are passed over. */
void aws_config_add(struct aws_config *c, struct view text, enum aws_file_kind kind);

/* The same with a file; one that is not there adds nothing. Gives 0 or errno. */
int aws_config_add_file(struct aws_config *c, const char *path, enum aws_file_kind kind);

bool aws_config_has_profile(const struct aws_config *c, const char *profile);

/* What a profile says of a key; NULL: nothing, or an empty text. */
const char *aws_config_get(const struct aws_config *c, const char *profile, const char *key);

/* What the services section of a name says of a key below a service: ("S", "route_53", "endpoint_url"). */
const char *aws_config_service(
	const struct aws_config *c, const char *services, const char *service, const char *key);

/* The value of a setting: of the environment's variable where that is not empty, else of the profile's key (which may be
 * NULL, as may the variable). NULL: not set. */
const char *aws_setting(
	const struct aws_config *c, const char *profile, const char *variable, const char *key);

/* Whether a setting says "true". */
bool aws_setting_is_true(
	const struct aws_config *c, const char *profile, const char *variable, const char *key);

#endif

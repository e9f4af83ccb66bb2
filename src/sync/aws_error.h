/* Error answers of AWS's services in XML. */
#ifndef ISTHMUS_SYNC_AWS_ERROR_H
#define ISTHMUS_SYNC_AWS_ERROR_H

#include "base/arena.h"

struct aws_error {
	const char *code, *message, *request_id; /* "" where there is none */
};

/* Reads a body; what it is not or does not say is empty. Texts are single lines, in the arena. */
void aws_error_read(struct arena *arena, struct view body, struct aws_error *e);

/* Whether a code says that too much is asked; that asking again may help; that the keys are not good (any more); that the time of the
 * request was wrong, or may have been. */
bool aws_error_throttles(const char *code);
bool aws_error_passes(const char *code);
bool aws_error_is_of_keys(const char *code);
bool aws_error_may_be_of_time(const char *code);

#endif

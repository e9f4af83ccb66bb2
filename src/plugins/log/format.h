/* The format of a log line: literals and placeholders, read once at set-up. */
#ifndef ISTHMUS_PLUGINS_LOG_FORMAT_H
#define ISTHMUS_PLUGINS_LOG_FORMAT_H

#include "server/query.h"

struct log_format;

/* What "{common}" stands for, and what `log` writes when nothing else is asked for. */
extern const char log_format_common[];

/* Reads a format; unknown placeholders are literals. Never fails. */
const struct log_format *log_format_read(struct arena *arena, struct view text);

/* Whether it shows metadata of this label, "log/class". */
bool log_format_shows(const struct log_format *f, struct view label);

/* Whether it shows the answer section's records: the reply must be open then. */
bool log_format_shows_answers(const struct log_format *f);

/*
 * The line for a query that has been answered by `reply` (NULL: not at all), in q's arena. `name`
 * is the qname as it was before the chain ran, in lower case.
 */
struct view log_format_write(
	const struct log_format *f, struct query *q, struct name name, const struct message *reply);

#endif

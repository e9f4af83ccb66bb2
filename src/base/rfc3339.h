/* Points in time as services write them. */
#ifndef ISTHMUS_BASE_RFC3339_H
#define ISTHMUS_BASE_RFC3339_H

#include "base/view.h"

/* Seconds since 1970 of "2026-01-02T03:04:05.678Z" or "...+01:00" (RFC 3339 5.6); false if it is anything else. */
bool rfc3339_parse(struct view text, double *seconds);

#endif

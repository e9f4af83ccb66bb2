/* Shedding under overload, for listeners of blocks with `shed`. */
#ifndef ISTHMUS_SERVER_SHED_H
#define ISTHMUS_SERVER_SHED_H

#include "base/metrics.h"
#include "net/udp.h"

/* Labels server and reason. */
extern const struct metric_family shed_dropped_total;

/* The policy of every listener: its configuration says whether it sheds, and what is dropped is
 * counted. */
extern const struct udp_shedding shed_policy;

#endif

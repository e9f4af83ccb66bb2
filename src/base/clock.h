/* Time in nanoseconds. Deadlines are points of the monotonic clock; 0 means "no deadline". */
#ifndef ISTHMUS_BASE_CLOCK_H
#define ISTHMUS_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

/* The monotonic clock, read now. */
uint64_t clock_now(void);

/* The monotonic clock as it was when this thread's loop woke up: one reading a batch, not a query.
 */
uint64_t clock_batch(void);

/* Called by the loop when it wakes up; gives the time that clock_batch() then gives. */
uint64_t clock_batch_begin(void);

/* The monotonic clock, a few calls old at most: for counting what takes much longer than a query's
 * work. Never before clock_batch(). */
uint64_t clock_recent(void);

/* Seconds since 1970, for signatures, serials and log lines. */
int64_t clock_wall_seconds(void);

#endif

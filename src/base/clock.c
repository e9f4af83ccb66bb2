/* Clocks. */
#include "base/clock.h"

#include <time.h>

static _Thread_local uint64_t batch_time;

uint64_t clock_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t clock_batch_begin(void)
{
	batch_time = clock_now();
	return batch_time;
}

uint64_t clock_batch(void)
{
	return batch_time ? batch_time : clock_batch_begin();
}

uint64_t clock_recent(void)
{
	enum { CALLS_A_READING = 8 };
	static _Thread_local uint64_t recent;
	static _Thread_local unsigned calls;
	if (++calls % CALLS_A_READING == 0)
		recent = clock_now();
	uint64_t batch = clock_batch();
	return batch > recent ? batch : recent;
}

int64_t clock_wall_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

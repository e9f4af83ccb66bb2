/* Randomness from getrandom, fetched in blocks so that a query does not pay for a system call. */
#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { POOL_SIZE = 256 };

static _Thread_local struct {
	unsigned char bytes[POOL_SIZE];
	size_t left;
} pool;

/* A child process must not draw what its parent, or another child, has in store. */
static void forget(void)
{
	memset(&pool, 0, sizeof pool);
}

__attribute__((constructor)) static void forget_in_children(void)
{
	pthread_atfork(NULL, NULL, forget);
}

static void fetch(unsigned char *to, size_t size)
{
	while (size > 0) {
		ssize_t n = getrandom(to, size, 0);
		if (n < 0 && errno != EINTR)
			abort();
		if (n > 0) {
			to += n;
			size -= (size_t)n;
		}
	}
}

void random_fill(void *to, size_t size)
{
	if (size > POOL_SIZE) {
		fetch(to, size);
		return;
	}
	if (pool.left < size) {
		fetch(pool.bytes, POOL_SIZE);
		pool.left = POOL_SIZE;
	}
	pool.left -= size;
	memcpy(to, pool.bytes + pool.left, size);
	memset(pool.bytes + pool.left, 0, size);
}

uint32_t random_u32(void)
{
	uint32_t n;
	random_fill(&n, sizeof n);
	return n;
}

uint64_t random_u64(void)
{
	uint64_t n;
	random_fill(&n, sizeof n);
	return n;
}

uint32_t random_below(uint32_t n)
{
	uint32_t rest = (uint32_t)(-n) % n; /* so many of the 2^32 values would favour the low numbers */
	uint32_t r;
	do {
		r = random_u32();
	} while (r < rest);
	return r % n;
}

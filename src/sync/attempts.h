/*
 * Asking a provider with patience and manners: how often it may be asked (one allowance for all that ask in the name of an
 * account), and how often and after which pause the same is asked again. The control thread alone.
 *
 *     struct attempts a = { .stop = l->stop, .allowance = p->allowance };
 *     while (attempts_next(&a)) {
 *             struct http_result r = http_perform(client, &request);
 *             if (!is_worth_another_try(&r))
 *                     break;
 *             attempts_failed(&a, is_throttled(&r), r.retry_after);
 *     }
 */
#ifndef ISTHMUS_SYNC_ATTEMPTS_H
#define ISTHMUS_SYNC_ATTEMPTS_H

#include "base/clock.h"
#include "base/view.h"
#include <stdatomic.h>

struct allowance;

/*
 * The allowance of everybody in this process who gives the same key: `rate` requests a second (the last caller's counts),
 * one after the other. It lives as long as the process. The key has no secrets in it:
 * "route53 AKIDEXAMPLE".
 */
struct allowance *allowance_of(struct view key, double rate);

/* Waits until one more request may be made. False when *stop has been set or the loop ends. `stop` may be NULL. */
bool allowance_take(struct allowance *a, const _Atomic bool *stop);

/* Nobody asks again before so many ns have gone by. */
void allowance_hold(struct allowance *a, uint64_t ns);

enum { ATTEMPTS_MOST = 3 };

/* One question. Starts zeroed but for the first part. */
struct attempts {
	const _Atomic bool *stop;    /* may be NULL */
	struct allowance *allowance; /* NULL: none to keep to */
	unsigned most;               /* 0: ATTEMPTS_MOST */
	uint64_t first, longest;     /* ns: the bound of the first pause, doubled with each; 0: 1 s and 20 s */

	unsigned made;               /* so far */
	uint64_t pause;              /* before the next */
};

/* Waits for the pause and the allowance. False: no more attempts are to be made. */
bool attempts_next(struct attempts *a);

/*
 * This attempt failed in a way that another may not. The next one follows a random part of the pause, which doubles; not
 * before `retry_after` seconds (0: not said; at most RETRY_AFTER_MOST_S are waited for). When the provider throttles, nobody who
 * shares the allowance asks meanwhile.
 */
enum { RETRY_AFTER_MOST_S = 60 };
void attempts_failed(struct attempts *a, bool throttled, long retry_after);

#endif

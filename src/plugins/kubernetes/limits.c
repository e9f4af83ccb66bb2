/* A bucket of tokens for lists, and a count of requests that wait for their answer. */
#include "plugins/kubernetes/limits.h"

#include "base/clock.h"

static const uint64_t look_interval = 10 * NS_PER_MS;

uint64_t kube_budget_spend(struct kube_budget *b, const struct kube_limits *l, uint64_t now)
{
	double burst = l->burst ? l->burst : KUBE_BURST_DEFAULT;
	if (l->per_second <= 0)
		return 0;
	b->spent -= b->at ? (double)(now - b->at) / (double)NS_PER_S * l->per_second : 0;
	b->at = now;
	if (b->spent < 0)
		b->spent = 0;
	if (b->spent + 1 > burst)
		return (uint64_t)((b->spent + 1 - burst) / l->per_second * (double)NS_PER_S) + 1;
	b->spent += 1;
	return 0;
}

bool kube_budget_take(struct kube_budget *b, const struct kube_limits *l, struct plugin *self, bool is_list)
{
	for (uint64_t wait; is_list && (wait = kube_budget_spend(b, l, clock_now()));) {
		if (!task_sleep(self, wait))
			return false;
	}
	while (l->in_flight && b->in_flight >= l->in_flight) {
		if (!task_sleep(self, look_interval))
			return false;
	}
	b->in_flight++;
	return true;
}

void kube_budget_give_back(struct kube_budget *b)
{
	b->in_flight--;
}

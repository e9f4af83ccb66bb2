/* How often and how many at once an API server is asked: apiserver_qps, apiserver_burst, apiserver_max_inflight. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_LIMITS_H
#define ISTHMUS_PLUGINS_KUBERNETES_LIMITS_H

#include "server/plugin.h"

enum { KUBE_BURST_DEFAULT = 10 };

/* As written; 0: no limit. */
struct kube_limits {
	double per_second; /* lists and their pages; watches are not counted */
	unsigned burst;    /* of those, without a pause; 0: KUBE_BURST_DEFAULT */
	unsigned in_flight; /* requests whose answer has not begun, watches too */
};

/* What is left of them. Zeroed is full. */
struct kube_budget {
	double spent; /* tokens; they come back with time */
	uint64_t at;
	unsigned in_flight;
};

/* Waits until one more request may be sent, on a task of the plugin; false: the task is to end. */
bool kube_budget_take(struct kube_budget *b, const struct kube_limits *l, struct plugin *self, bool is_list);

/* Its answer has begun, or it has failed. */
void kube_budget_give_back(struct kube_budget *b);

/* How long until one more list may be asked for, in ns; 0: it may, and is counted. */
uint64_t kube_budget_spend(struct kube_budget *b, const struct kube_limits *l, uint64_t now);

#endif

/* One cluster as a stanza of the Corefile names it: `kubernetes` has one in a block, `kubernetai` any number. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_INSTANCE_H
#define ISTHMUS_PLUGINS_KUBERNETES_INSTANCE_H

#include "plugins/kubernetes/kubernetes.h"
#include "plugins/kubernetes/source.h"

struct kube_instance {
	struct kube_instance *next;
	struct kube_rules rules;
	struct kube_source *source;
	unsigned watched; /* bit by kind */
	struct kube_keeping keeping;
	struct kube_limits limits;

	/* as written */
	const struct view *endpoints;
	size_t endpoint_count;
	struct view context;
	const char *certificate, *key, *authorities, *kubeconfig;
	const char *labels, *namespace_labels;
	const char *persist;
	bool no_endpoints, merge;
	int64_t startup_timeout;
};

/* The state of both plugins. */
struct kube_instances {
	struct kube_instance *first, **last;
	struct kube_instance *reading; /* whose options are read */
	struct name *search; /* of the server's own resolv.conf, for clients' search paths */
	size_t search_count;
};

extern const struct option kube_options[];

void kube_instances_init(struct setup *s);
bool kube_instances_setup(struct setup *s);
bool kube_instances_finish(struct setup *s);

/* `ttl SECONDS`, 0 to 3600; what follows is passed over. */
bool kube_read_ttl(struct setup *s, uint32_t *to);

/* Sets rules->local. */
void kube_find_local(struct kube_rules *rules, const struct block *b, struct arena *arena);

#endif

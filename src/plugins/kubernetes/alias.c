/* Services of type ExternalName: aliases, followed inside the cluster's zone as far as they lead there, then by the server. */
#include "plugins/kubernetes/kubernetes.h"

#include "base/address.h"
#include "plugins/found.h"

enum { ALIASES_MAX = 10 };

/* The target; of length 0 if it is an address or no name. */
static struct name alias_target(struct kube_lookup *l, const struct kube_service_data *alias)
{
	struct view text = kube_service_external_name(alias);
	struct kube_address address;
	if (kube_address_parse(text, &address))
		return (struct name){ NULL, 0 };
	return name_from_text(l->q->arena, text);
}

static void add_alias(struct kube_lookup *l, struct name target)
{
	reply_add(l->q, SECTION_ANSWER, l->owner, TYPE_CNAME, l->rules->ttl,
		rdata_of_name(l->q->arena, target));
}

/* The rest of the answer comes from elsewhere: its records, and its denial. */
static enum kube_outcome follow_out(struct kube_lookup *l, struct name target)
{
	const struct message *found;
	int rcode = found_append(l->q, target, l->type, SECTION_ANSWER, &found);
	if (!found)
		return KUBE_FOUND;
	if (rcode == RCODE_NXDOMAIN)
		l->q->reply->rcode = RCODE_NXDOMAIN;
	l->q->reply->flags |= (uint16_t)(found->flags & FLAG_TC);
	return KUBE_FOUND;
}

static bool leads_back(const struct kube_lookup *l, struct name target)
{
	const struct section *s = &l->q->reply->section[SECTION_ANSWER];
	for (size_t i = 0; i < s->count; i++) {
		if (name_equal(s->records[i].owner, target))
			return true;
	}
	return false;
}

/* What is at `target`, which is inside the zone; another alias is left to the caller. */
static enum kube_outcome step_inside(struct kube_lookup *l, struct name target)
{
	struct query *q = l->q;
	struct name asked = q->name;
	struct name_buffer *lower = arena_new_object(q->arena, struct name_buffer);
	l->owner = target;
	q->name = name_lower(target, lower);
	struct kube_grammar grammar = { .imported = l->imported, .zonal = l->rules->zonal };
	l->request = kube_request_parse(q->name, l->zone, &grammar);
	const struct kube_service_data *next_alias = kube_alias_at(l);
	enum kube_outcome outcome = next_alias ? KUBE_FOUND : kube_resolve(l);
	q->name = asked;
	return outcome;
}

enum kube_outcome kube_answer_alias(struct kube_lookup *l, const struct kube_service_data *alias)
{
	for (unsigned followed = 0; alias && followed < ALIASES_MAX; followed++) {
		struct name target = alias_target(l, alias);
		if (!target.length)
			return followed ? KUBE_FOUND : KUBE_NO_NAME;
		bool itself = name_equal(target, l->owner);
		if (!itself || l->type == TYPE_CNAME)
			add_alias(l, target);
		if (l->type == TYPE_CNAME)
			return KUBE_FOUND;
		if (itself || leads_back(l, target))
			return followed ? KUBE_FOUND : KUBE_NODATA;
		if (!name_is_under(target, l->zone))
			return follow_out(l, target);
		enum kube_outcome outcome = step_inside(l, target);
		if (outcome == KUBE_NO_NAME)
			l->q->reply->rcode = RCODE_NXDOMAIN;
		if (outcome != KUBE_FOUND)
			kube_add_soa(l, SECTION_AUTHORITY);
		alias = kube_alias_at(l);
		if (!alias)
			return KUBE_FOUND;
	}
	return KUBE_FOUND;
}

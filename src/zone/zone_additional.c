/* The additional section: addresses of names that an answer or a referral speaks of. */
#include "dns/rdata.h"
#include "zone/zone_lookup.h"

/* The node that answers for a name in rdata: its own, or a wildcard's. */
static const struct node *address_node(const struct zone *z, struct name target)
{
	const struct node *n = zone_find(z, target);
	if (n)
		return n;
	struct match m = zone_match(z, target);
	struct name_buffer wildcard;
	return m.boundary ? NULL : zone_wildcard(z, &m, &wildcard);
}

static void put_addresses(struct lookup *l, struct name target)
{
	static const uint16_t types[] = { TYPE_A, TYPE_AAAA };
	const struct node *n = address_node(l->zone, target);
	if (!n)
		return;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		const struct rrset *s = node_set(l->zone, n, types[i]);
		if (s && !has_record(&l->reply->section[SECTION_ADDITIONAL], target, s) &&
			!has_record(&l->reply->section[SECTION_ANSWER], target, s))
			put_signed(l, SECTION_ADDITIONAL, target, n, s);
	}
}

static bool has_additional(uint16_t type)
{
	switch (type) {
	case TYPE_NS:
	case TYPE_MX:
	case TYPE_SRV:
	case TYPE_SVCB:
	case TYPE_HTTPS:
		return true;
	default:
		return false;
	}
}

void put_additional(struct lookup *l, struct name owner, const struct rrset *s)
{
	if (!has_additional(s->type))
		return;
	const uint8_t *at = s->records;
	for (unsigned i = 0; i < s->count; i++) {
		struct name target;
		if (!rdata_name(s->type, rrset_record(&at), 0, &target))
			continue;
		if (name_is_root(target) && (s->type == TYPE_SVCB || s->type == TYPE_HTTPS))
			target = owner; /* RFC 9460 2.5.2 */
		if (name_is_under(target, l->zone->origin))
			put_addresses(l, name_copy_lower(l->arena, target));
	}
}

void put_glue(struct lookup *l, struct name cut, const struct rrset *ns)
{
	for (int below = 1; below >= 0; below--) {
		const uint8_t *at = ns->records;
		for (unsigned i = 0; i < ns->count; i++) {
			struct view rdata = rrset_record(&at);
			struct name target = { (const uint8_t *)rdata.at, rdata.length };
			if (name_is_under(target, cut) == below &&
				name_is_under(target, l->zone->origin))
				put_addresses(l, target);
		}
		if (below)
			l->reply->glue_count =
				(uint16_t)l->reply->section[SECTION_ADDITIONAL].count;
	}
}

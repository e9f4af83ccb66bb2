/* Authenticated denial: which NSEC or NSEC3 records prove what is not there. */
#include "zone/zone_lookup.h"

/* Adds the set of this type of an owner in the zone, once. */
static void put_proof(struct lookup *l, const struct node *n, uint16_t type)
{
	const struct rrset *s = node_set(l->zone, n, type);
	struct name_buffer owner;
	struct name name = node_name(l->zone, n, &owner);
	if (!has_record(&l->reply->section[SECTION_AUTHORITY], name, s))
		put_signed(l, SECTION_AUTHORITY, name_copy(l->arena, name), n, s);
}

/* --- NSEC --- */

static void put_nsec(struct lookup *l, struct name n)
{
	put_proof(l, zone_nsec_at(l->zone, n), TYPE_NSEC);
}

static void put_nsec_wildcard(struct lookup *l, struct name encloser)
{
	struct name_buffer wildcard;
	if (name_prepend(VIEW("*"), encloser, &wildcard))
		put_nsec(l, name_of(&wildcard));
}

/* --- NSEC3 --- */

static bool put_nsec3(struct lookup *l, struct name n)
{
	bool matches;
	put_proof(l, zone_nsec3_at(l->zone, n, &matches), TYPE_NSEC3);
	return matches;
}

static bool nsec3_matches(const struct lookup *l, struct name n)
{
	bool matches;
	zone_nsec3_at(l->zone, n, &matches);
	return matches;
}

/* The name one label longer than the encloser on the way to n (RFC 5155 1.3). */
static struct name next_closer(struct name n, struct name encloser)
{
	struct name up = name_parent(n);
	while (up.length > encloser.length) {
		n = up;
		up = name_parent(n);
	}
	return n;
}

/*
 * The closest encloser proof (RFC 5155 7.2.1) for n, which is below `encloser`. Names that opt-out
 * leaves out have no NSEC3: then it is the next one up that has, the closest provable encloser.
 */
static struct name put_encloser_proof(struct lookup *l, struct name n, struct name encloser)
{
	while (!nsec3_matches(l, encloser) && encloser.length > l->zone->origin.length)
		encloser = name_parent(encloser);
	put_nsec3(l, encloser);
	put_nsec3(l, next_closer(n, encloser));
	return encloser;
}

/* That n, which is there, has no records of a type: its own NSEC3, or under opt-out the proof that
 * it may lack one. */
static void put_nsec3_nodata(struct lookup *l, struct name n)
{
	if (nsec3_matches(l, n))
		put_nsec3(l, n);
	else
		put_encloser_proof(l, n, name_parent(n));
}

static void put_nsec3_wildcard(struct lookup *l, struct name encloser)
{
	struct name_buffer wildcard;
	if (name_prepend(VIEW("*"), encloser, &wildcard))
		put_nsec3(l, name_of(&wildcard));
}

/* --- what is denied --- */

static enum denial denial_of(const struct lookup *l)
{
	return l->dnssec ? l->zone->denial : DENIAL_UNSIGNED;
}

void deny_name(struct lookup *l, struct name encloser)
{
	switch (denial_of(l)) {
	case DENIAL_NSEC:
		put_nsec(l, l->name);
		put_nsec_wildcard(l, encloser);
		break;
	case DENIAL_NSEC3:
		put_nsec3_wildcard(l, put_encloser_proof(l, l->name, encloser));
		break;
	case DENIAL_UNSIGNED:
		break;
	}
}

/* An empty non-terminal has no NSEC of its own: the one that covers it is that of the name before
 * it. */
void deny_type(struct lookup *l)
{
	switch (denial_of(l)) {
	case DENIAL_NSEC:
		put_nsec(l, l->name);
		break;
	case DENIAL_NSEC3:
		put_nsec3_nodata(l, l->name);
		break;
	case DENIAL_UNSIGNED:
		break;
	}
}

void deny_wildcard_type(struct lookup *l, struct name encloser, struct name wildcard)
{
	switch (denial_of(l)) {
	case DENIAL_NSEC:
		put_nsec(l, wildcard);
		put_nsec(l, l->name);
		break;
	case DENIAL_NSEC3:
		put_encloser_proof(l, l->name, encloser);
		put_nsec3(l, wildcard);
		break;
	case DENIAL_UNSIGNED:
		break;
	}
}

void deny_expanded_names(struct lookup *l)
{
	for (unsigned i = 0; i < l->expansion_count; i++) {
		const struct expansion *e = &l->expansions[i];
		switch (denial_of(l)) {
		case DENIAL_NSEC:
			put_nsec(l, e->name);
			break;
		case DENIAL_NSEC3:
			put_nsec3(l, next_closer(e->name, e->encloser));
			break;
		case DENIAL_UNSIGNED:
			return;
		}
	}
}

void deny_ds(struct lookup *l, struct name cut)
{
	switch (denial_of(l)) {
	case DENIAL_NSEC:
		put_nsec(l, cut);
		break;
	case DENIAL_NSEC3:
		put_nsec3_nodata(l, cut);
		break;
	case DENIAL_UNSIGNED:
		break;
	}
}
